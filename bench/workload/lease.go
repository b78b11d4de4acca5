package workload

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/bench/child"
	"github.com/oriel-go/oriel/bench/measure"
	"github.com/oriel-go/oriel/bench/pagecache"
	"github.com/oriel-go/oriel/bench/stats"
	"github.com/oriel-go/oriel/source"
)

// What is claimed of leases.
const (
	idleShare         = 0.02 // of one core, with nothing done
	p99Milliseconds   = 50   // that 99 of 100 writers wait at most
	worstMilliseconds = 500  // that any waits
)

// leasedFileBytes is the size of the many files that are leased.
const leasedFileBytes = 64 << 10

// leases measures what it costs to keep files from changing, and whom.
func leases(c *Config) ([]measure.Experiment, error) {
	name, err := c.Store.Writable(writtenBytes)
	if err != nil {
		return nil, err
	}
	rt, err := c.runtime(pinnedLockBytes)
	if err != nil {
		return nil, err
	}
	list := []measure.Experiment{leaseCost(c)}
	for _, busy := range []bool{false, true} {
		for _, how := range []string{"open", "truncate"} {
			e := measure.Experiment{
				Name:  "lease/" + how,
				About: "how long a process that " + writes[how].does + " waits for " + sizeName(writtenBytes) + " that is mapped, with 4 KiB pinned in some extents",
				Setup: func() error { return pagecache.CacheLarge(name) },
			}
			if busy {
				e.Name += "/busy"
				e.About += ", while a goroutine for each processor computes"
			}
			for _, pinned := range pinnedExtents {
				w := &waits{name: name, how: how, rt: rt, pinned: pinned, busy: busy, breaks: c.Breaks}
				e.Limits = append(e.Limits, w.limits()...)
			}
			if how == "open" {
				e.Limits = append(e.Limits, again(name, rt, min(c.Breaks, againBreaks)))
			}
			list = append(list, e)
		}
	}
	return list, nil
}

// leaseCost opens many files in a process of its own and leaves them alone.
func leaseCost(c *Config) measure.Experiment {
	var costs []leasesCost
	next := map[string]int{}
	// of returns the figure of one process after the other. The first to ask
	// for one runs it.
	of := func(name string, figure func(leasesCost) float64) func() (float64, error) {
		return func() (float64, error) {
			i := next[name]
			next[name]++
			if i == len(costs) {
				cost, err := runLeases(c.Store.Dir, c.Leases, c.Idle)
				if err != nil {
					return 0, err
				}
				costs = append(costs, cost)
			}
			return figure(costs[i]), nil
		}
	}
	limit := func(name, unit string, bound *stats.Bound, figure func(leasesCost) float64) measure.Limit {
		return measure.Limit{Name: name, Unit: unit, Bound: bound, Runs: 3, Every: true, Measure: of(name, figure)}
	}
	return measure.Experiment{
		Name:  "lease/cost",
		About: fmt.Sprintf("open %d files with a lease on each, read 4 KiB of each, and do nothing for %v", c.Leases, c.Idle),
		Limits: []measure.Limit{
			limit("CPU while nothing is done", "of a core", stats.AtMost(idleShare), func(c leasesCost) float64 { return c.IdleShare }),
			limit("to open a file and read of it", "µs", nil, func(c leasesCost) float64 { return c.OpenMicroseconds }),
			limit("to close a file", "µs", nil, func(c leasesCost) float64 { return c.CloseMicroseconds }),
		},
	}
}

// A leasesCost is what a process says that held leases.
type leasesCost struct {
	OpenMicroseconds  float64
	CloseMicroseconds float64
	IdleShare         float64
}

func runLeases(dir string, files int, idle time.Duration) (cost leasesCost, err error) {
	r, err := child.Do("leases", dir, strconv.Itoa(files), idle.String())
	if err != nil {
		return cost, err
	}
	return cost, json.Unmarshal([]byte(r.Stdout), &cost)
}

// leasesTask makes files in a folder of a given one, leases them and leaves
// them alone: the folder, how many, how long. It returns its cost in JSON.
func leasesTask(args []string) (_ string, err error) {
	if len(args) != 3 {
		return "", fmt.Errorf("leases: %d arguments", len(args))
	}
	files, err := strconv.Atoi(args[1])
	if err != nil {
		return "", err
	}
	idle, err := time.ParseDuration(args[2])
	if err != nil {
		return "", err
	}
	if err := allowFiles(files); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(args[0], "leases-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	names, err := makeSparse(dir, files)
	if err != nil {
		return "", err
	}
	cost, err := leaseAll(names, idle)
	if err != nil {
		return "", err
	}
	b, err := json.Marshal(cost)
	return string(b), err
}

// Descriptors that a leased file takes, and that the process needs besides.
const (
	descriptorsPerFile = 2
	descriptorsBesides = 64
)

// allowFiles lets the process have so many leased files open.
func allowFiles(files int) error {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return os.NewSyscallError("getrlimit", err)
	}
	want := uint64(descriptorsPerFile*files + descriptorsBesides)
	if l.Cur >= want {
		return nil
	}
	most := l.Max
	l.Cur, l.Max = want, max(l.Max, want)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return fmt.Errorf("%d leases take %d descriptors and %d are allowed (%w): -leases %d would do",
			files, want, most, err, (max(most, descriptorsBesides)-descriptorsBesides)/descriptorsPerFile)
	}
	return nil
}

// makeSparse makes files without blocks, and closes them.
func makeSparse(dir string, files int) (names []string, err error) {
	for i := range files {
		f, err := os.Create(filepath.Join(dir, strconv.Itoa(i)))
		if err != nil {
			return nil, err
		}
		if err := errors.Join(f.Truncate(leasedFileBytes), f.Close()); err != nil {
			return nil, err
		}
		names = append(names, f.Name())
	}
	return names, nil
}

// leaseAll opens the files, reads a window of each, does nothing for a while
// and closes them.
func leaseAll(names []string, idle time.Duration) (cost leasesCost, err error) {
	rt, err := source.NewRuntime(source.Limits{LockBytes: claimedLockBytes})
	if err != nil {
		return cost, err
	}
	files := make([]*source.File, 0, len(names))
	each := func(took time.Duration) float64 { return float64(took.Microseconds()) / float64(len(names)) }
	closeAll := func() error {
		var failed []error
		for _, f := range files {
			failed = append(failed, f.Close())
		}
		files = nil
		return errors.Join(failed...)
	}
	defer func() { err = errors.Join(err, closeAll()) }()

	began := time.Now()
	for _, name := range names {
		f, err := openPinned(name, rt)
		if err != nil {
			return cost, err
		}
		files = append(files, f)
		w, err := f.ReadManagedAt(context.Background(), 0, blockBytes)
		if err != nil {
			return cost, err
		}
		w.Release()
	}
	cost.OpenMicroseconds = each(time.Since(began))

	if err := expectLeases(len(names)); err != nil {
		return cost, err
	}
	if cost.IdleShare, err = idleFor(idle); err != nil {
		return cost, err
	}
	if err := expectLeases(len(names)); err != nil {
		return cost, err
	}

	began = time.Now()
	err = closeAll()
	cost.CloseMicroseconds = each(time.Since(began))
	return cost, err
}

// idleFor does nothing and returns how much of a core the process used
// nevertheless.
func idleFor(d time.Duration) (float64, error) {
	var before, after unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &before); err != nil {
		return 0, os.NewSyscallError("getrusage", err)
	}
	began := time.Now()
	time.Sleep(d)
	if err := unix.Getrusage(unix.RUSAGE_SELF, &after); err != nil {
		return 0, os.NewSyscallError("getrusage", err)
	}
	used := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
	return float64(used) / float64(time.Since(began)), nil
}

// looks is how often the kernel's list of leases is read before it is believed
// that it is not as expected: those of other processes come and go while it is
// read, and lines are missing then.
const looks = 20

// expectLeases returns an error unless the process holds leases on n files.
func expectLeases(n int) (err error) {
	held := 0
	for range looks {
		if held, err = leasesHeld(); err != nil || held == n {
			return err
		}
	}
	return fmt.Errorf("%d leases are held, not %d", held, n)
}

// leasesHeld returns how many files the kernel lists as leased by this process.
func leasesHeld() (int, error) {
	b, err := os.ReadFile("/proc/locks")
	if err != nil {
		return 0, err
	}
	pid := strconv.Itoa(os.Getpid())
	files := map[string]bool{} // a line may be there twice, for the same reason
	for line := range strings.Lines(string(b)) {
		// number: LEASE ACTIVE READ process device:inode …
		f := strings.Fields(line)
		if len(f) > 5 && f[1] == "LEASE" && f[2] == "ACTIVE" && f[4] == pid {
			files[f[5]] = true
		}
	}
	return len(files), nil
}
