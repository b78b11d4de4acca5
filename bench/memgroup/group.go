package memgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// A Group is a control group whose processes may together use so much memory, the
// page cache of what they read included. Remove must be called.
type Group struct {
	place
	LimitBytes int64
}

// prefix begins the names of groups, with the number of the process that made
// them and their own behind it.
const prefix = "oriel-bench-"

// made counts the groups of this process.
var made atomic.Int64

// Make makes a group. The error wraps [ErrUnavailable] where there are none.
func Make(limitBytes int64) (*Group, error) {
	p, err := here.find()
	if err != nil {
		return nil, err
	}
	p.sweep()
	return p.make(limitBytes)
}

func (p place) make(limitBytes int64) (*Group, error) {
	g := &Group{place{p.version, filepath.Join(p.dir, fmt.Sprint(prefix, os.Getpid(), "-", made.Add(1)))}, limitBytes}
	if err := os.Mkdir(g.dir, 0o755); err != nil {
		return nil, err
	}
	if err := g.setLimit(); err != nil {
		return nil, errors.Join(err, g.Remove())
	}
	return g, nil
}

// setLimit sets the limit, and that nothing is swapped out where that can be said.
func (g *Group) setLimit() error {
	if err := g.set(g.limit, strconv.FormatInt(g.LimitBytes, 10)); err != nil {
		return err
	}
	if err := g.set(g.noSwap, "0"); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// set writes a file of the group's, which the kernel has made.
func (g *Group) set(name, value string) error {
	f, err := os.OpenFile(filepath.Join(g.dir, name), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}

// sweep removes groups of processes that are no more: one that was killed has
// left them.
func (p place) sweep() {
	list, _ := filepath.Glob(filepath.Join(p.dir, prefix+"*"))
	for _, dir := range list {
		number, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), prefix), "-")
		if pid, err := strconv.Atoi(number); err == nil && pid > 0 && unix.Kill(pid, 0) == unix.ESRCH {
			unix.Rmdir(dir) // fails if something lives in it
		}
	}
}

// How often, and after which pause, a group is tried to be removed: a process
// that has ended is in it a little longer.
const (
	removals    = 50
	removePause = 20 * time.Millisecond
)

// Remove removes the group, in which nothing may be running. What its processes
// have cached stays cached.
func (g *Group) Remove() (err error) {
	for range removals {
		err = unix.Rmdir(g.dir)
		if err == nil || err == unix.ENOENT {
			return nil
		}
		if err != unix.EBUSY && err != unix.EINTR {
			break
		}
		time.Sleep(removePause)
	}
	return &os.PathError{Op: "rmdir", Path: g.dir, Err: err}
}

// Counts are what a group has counted since it was made.
type Counts struct {
	PeakBytes int64 // that it used at most, the page cache included; 0 where the kernel does not say
	Failed    int64 // times that it met its limit, and had to give something up
	Kills     int64 // processes that were killed for want of memory
}

// Counts returns what has happened in the group.
func (g *Group) Counts() (c Counts, err error) {
	if c.PeakBytes, err = g.number(g.peak); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return c, err
	}
	counters, err := g.count(g.counters)
	if err != nil {
		return c, err
	}
	var ok bool
	if c.Kills, ok = counters[g.kills]; !ok {
		return c, fmt.Errorf("memgroup: there is no counter %s", g.kills)
	}
	if c.Failed, ok = counters[g.failed]; !ok {
		c.Failed, err = g.number(g.failed)
	}
	return c, err
}

// number reads a file that has one.
func (g *Group) number(name string) (int64, error) {
	b, err := os.ReadFile(filepath.Join(g.dir, name))
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
}

// count returns the counters of a file: a name and a number in each line.
func (g *Group) count(name string) (map[string]int64, error) {
	b, err := os.ReadFile(filepath.Join(g.dir, name))
	if err != nil {
		return nil, err
	}
	counters := map[string]int64{}
	for line := range strings.Lines(string(b)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if counters[key], err = strconv.ParseInt(value, 10, 64); err != nil {
			return nil, fmt.Errorf("memgroup: %s: %w", name, err)
		}
	}
	return counters, nil
}
