package workload

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/bench/child"
	"github.com/oriel-go/oriel/bench/measure"
	"github.com/oriel-go/oriel/bench/pagecache"
	"github.com/oriel-go/oriel/bench/stats"
	"github.com/oriel-go/oriel/source"
	"github.com/oriel-go/oriel/window"
)

// mapped is the source that has to serve where a mapping is measured.
var mapped = source.Mmap.String()

// Lock budgets, in bytes: what is claimed, and what an ordinary user has.
const (
	claimedLockBytes = 32 << 20
	defaultLockBytes = 8 << 20
)

// What is claimed of counting newlines in large folios.
const (
	leastOfMapping = 0.9 // of the speed of a plain mapping of the whole file
	leastOfPread   = 1.2 // of that of the best pread loop
)

// mappings compares windows of a guarded mapping with a plain mapping and with
// loops around pread on a cached file.
func mappings(c *Config) ([]measure.Experiment, error) {
	name, err := c.Store.Random(c.FileBytes)
	if err != nil {
		return nil, err
	}
	claimed, err := c.runtime(claimedLockBytes)
	if err != nil {
		return nil, err
	}
	unclaimed, err := c.runtime(defaultLockBytes)
	if err != nil {
		return nil, err
	}
	size := c.FileBytes
	var list []measure.Experiment
	for _, state := range c.States {
		subject, little := countGuarded(name, size, claimed), countGuarded(name, size, unclaimed)
		plain := countMapping(name, size)
		best := &measure.Best{A: subject, Of: countPreads(name, size)}
		contests := []measure.Contest{
			{A: subject, B: plain},
			{A: subject, B: countCopied(name, size, claimed)},
			{A: little, B: plain},
			{A: little, B: countPread(name, size, 256<<10)},
		}
		if state == large {
			contests[0].Bound, best.Bound = stats.AtLeast(leastOfMapping), stats.AtLeast(leastOfPread)
		}
		e, err := inState(measure.Experiment{
			Name: "map/" + state,
			About: "count the newlines of " + sizeName(size) + " of random bytes, cached in " + state +
				" folios, through guarded windows, against a plain mapping of the whole file and the best of several raw pread loops",
			Unit: "byte", Metric: measure.Speed, Pairs: c.Pairs, Best: best, Itself: &plain, Contests: contests,
			Limits: mappingLimits(name, claimed),
		}, state, name)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, nil
}

// runtime returns a Runtime that locks so much, until c is closed.
func (c *Config) runtime(lockBytes int64) (*source.Runtime, error) {
	rt, err := source.NewRuntime(source.Limits{LockBytes: lockBytes})
	if err == nil {
		c.ending = append(c.ending, rt.Close)
	}
	return rt, err
}

// mappingLimits are what is claimed of guarded windows alone, and the memory of
// a plain mapping beside it.
func mappingLimits(name string, rt *source.Runtime) []measure.Limit {
	peak := func(what, how string) measure.Limit {
		return peakOf("peak memory through "+what, func() (r child.Result, o measure.Outcome, err error) {
			fi, err := os.Stat(name)
			if err != nil {
				return r, o, err
			}
			r, err = child.Do("read", how, name, fmt.Sprint(fi.Size()))
			return r, o, err
		})
	}
	plain := peak("a plain mapping", "mapping")
	plain.Bound = nil
	return []measure.Limit{allocsPerGuarded(name, rt), peak("guarded windows", "guarded"), plain}
}

// countGuarded counts through windows of a guarded mapping. Every one of them
// is asked what it is, which takes some nanoseconds of each.
func countGuarded(name string, size int64, rt *source.Runtime) measure.Way {
	return measure.Way{
		Name:   "oriel guarded windows, " + sizeName(rt.Limits().LockBytes) + " locked",
		Amount: float64(size), Source: mapped, Bytes: size,
		Run: func() (measure.Outcome, error) { return readGuarded(name, rt) },
	}
}

func readGuarded(name string, rt *source.Runtime) (o measure.Outcome, err error) {
	ctx := context.Background()
	r, err := openMapped(ctx, name, rt)
	if err != nil {
		return o, err
	}
	defer r.Close()
	n := 0
	for {
		w, err := r.ReadManaged(ctx)
		if err == io.EOF {
			o = outcome(r, n)
			o.Source = mapped // of every window
			return o, nil
		}
		if err == nil {
			err = isGuarded(w)
		}
		if err != nil {
			w.Release()
			return o, err
		}
		n += bytes.Count(w.Bytes(), newline)
		w.Release()
	}
}

// openMapped opens a file that is read in order through a mapping.
func openMapped(ctx context.Context, name string, rt *source.Runtime) (*source.Reader, error) {
	return source.OpenReader(ctx, name, &source.Options{Runtime: rt, Source: source.Mmap})
}

// isGuarded returns an error if w is anything but a locked part of a guarded
// mapping.
func isGuarded(w window.Window) error {
	if i := w.Info(); i.Residency != window.Guarded || !i.Locked || i.Source != mapped {
		return fmt.Errorf("the %d bytes at %d are %v (locked: %v) and come from %q", w.Len(), w.Off(), i.Residency, i.Locked, i.Source)
	}
	return nil
}

// countCopied counts through windows that pread fills.
func countCopied(name string, size int64, rt *source.Runtime) measure.Way {
	o := source.Options{Runtime: rt, Source: source.Pread}
	return measure.Way{
		Name: "oriel windows over pread", Amount: float64(size), Source: source.Pread.String(), Bytes: size,
		Run: func() (measure.Outcome, error) { return readWindows(name, &o) },
	}
}

// countMapping maps the whole file, counts and unmaps it.
func countMapping(name string, size int64) measure.Way {
	return measure.Way{
		Name: "plain mapping of the whole file", Amount: float64(size),
		Run: func() (measure.Outcome, error) { return readMapping(name, size) },
	}
}

func readMapping(name string, size int64) (o measure.Outcome, err error) {
	f, err := os.Open(name)
	if err != nil {
		return o, err
	}
	defer f.Close()
	p, err := unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return o, &os.PathError{Op: "mmap", Path: name, Err: err}
	}
	o.Answer = uint64(bytes.Count(p, newline))
	return o, os.NewSyscallError("munmap", unix.Munmap(p))
}

// guardedWindows is how many windows are read while allocations are counted,
// over and over from a file that has fewer.
const guardedWindows = 64

// allocsPerGuarded is allocsPerWindow for guarded windows. It goes back to the
// beginning before the end of the file, where its size is looked at again.
func allocsPerGuarded(name string, rt *source.Runtime) measure.Limit {
	return measure.Limit{
		Name: "allocations per guarded window", Unit: "per window", Bound: stats.AtMost(0), Runs: 3, Every: true,
		Measure: func() (float64, error) {
			if err := pagecache.KeepLarge(name); err != nil { // waiting allocates
				return 0, err
			}
			ctx := context.Background()
			r, err := openMapped(ctx, name, rt)
			if err != nil {
				return 0, err
			}
			defer r.Close()
			var before, after runtime.MemStats
			windows := -warmWindows
			for end := int64(0); windows < guardedWindows || end < r.Size(); windows++ {
				if windows == 0 {
					runtime.ReadMemStats(&before)
				}
				if end == r.Size() {
					if err := r.SeekTo(0); err != nil {
						return 0, err
					}
				}
				w, err := r.ReadManaged(ctx)
				if err != nil {
					return 0, err
				}
				err = isGuarded(w)
				bytes.Count(w.Bytes(), newline)
				end = w.Off() + int64(w.Len())
				w.Release()
				if err != nil {
					return 0, err
				}
			}
			runtime.ReadMemStats(&after)
			return float64(after.Mallocs-before.Mallocs) / float64(windows), nil
		},
	}
}
