package workload

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/oriel-go/oriel/bench/child"
	"github.com/oriel-go/oriel/bench/measure"
	"github.com/oriel-go/oriel/bench/slowfs"
	"github.com/oriel-go/oriel/bench/stall"
	"github.com/oriel-go/oriel/bench/stats"
	"github.com/oriel-go/oriel/bench/volume"
	"github.com/oriel-go/oriel/source"
)

// Conditions of stall.
const (
	stallDelay      = 20 * time.Millisecond // of each read of the FUSE file system
	stallGoroutines = 16
	stallProcessors = 2       // GOMAXPROCS
	stallBytes      = 4 << 30 // of the file on FUSE, which takes no room
	slowExtentBytes = 2 << 20 // a window that is loaded at once; all of them are locked in the end, so that each is loaded
	stallLockBytes  = 32 << 20
	leastLent       = 99 // percent of the windows of 2 MiB that have to be mapped, where all of the file may be locked
	leastInOrder    = 95 // and where as much as 16 windows
	mostLent        = 1  // percent of the windows of 4 KiB that may be mapped nevertheless
)

// stalls compares ways of reading a cold file from a slow device by what they
// leave of the program around them. It needs root, FUSE and a loop device.
func stalls(c *Config) ([]measure.Experiment, error) {
	const about = "; 16 goroutines, GOMAXPROCS 2, while a timer fires every 1 ms and the collector runs; " +
		"the timer of a program that is in system calls all the time is late by what sysmon takes, see pread's"
	list := []measure.Experiment{
		{Name: "stall/fuse", About: "read 4 KiB of a cold file on a FUSE file system that takes 20 ms for each read" + about},
		{Name: "stall/loop", About: "read 4 KiB of a cold file on ext4 over such a file system, which Oriel maps and yet copies from: " +
			"it loads an extent of 2 MiB for single reads when 64 of them lay there" + about},
		{Name: "stall/extents", About: "read 2 MiB of the same file, aligned, in any order, through the mapping: as much may be locked as the file has" + about},
		{Name: "stall/budget", About: "read it in windows of 2 MiB from front to back, each released at once, through the mapping: " +
			"32 MiB may be locked, so that extents are given up behind the readers" + about},
	}
	s, err := c.slowly()
	if err != nil {
		for i := range list { // what else is to be measured can be
			list[i].Setup = func() error { return err }
		}
		return list, nil
	}
	seconds := cmp.Or(c.StallFor, 1500*time.Millisecond)
	load := func(way stall.Way, file string, n int) *stalling {
		return &stalling{load: stall.Load{Way: way, File: file, WindowBytes: n,
			Goroutines: stallGoroutines, Processors: stallProcessors, For: seconds, LockBytes: c.FileBytes}}
	}
	inOrder := func(way stall.Way) *stalling {
		l := load(way, s.file, slowExtentBytes)
		l.load.InOrder, l.load.LockBytes = true, stallLockBytes
		return l
	}
	fuse, loop := s.fs.Synthetic, s.file
	list[0] = stallsOf(c, list[0], load(stall.Auto, fuse, blockBytes), load(stall.Pread, fuse, blockBytes), load(stall.Touch, fuse, blockBytes))
	list[1] = stallsOf(c, list[1], load(stall.Mmap, loop, blockBytes), load(stall.Pread, loop, blockBytes), load(stall.Touch, loop, blockBytes))
	list[2] = stallsOf(c, list[2], load(stall.Mmap, loop, slowExtentBytes), load(stall.Pread, loop, slowExtentBytes),
		load(stall.Populate, loop, slowExtentBytes), load(stall.Touch, loop, slowExtentBytes))
	list[3] = stallsOf(c, list[3], inOrder(stall.Mmap), inOrder(stall.Pread), inOrder(stall.Populate), inOrder(stall.Touch))
	return list, nil
}

// stallsOf compares Oriel's way, and others, with a plain pread.
func stallsOf(c *Config, e measure.Experiment, ours, pread *stalling, others ...*stalling) measure.Experiment {
	base := pread.way()
	e.Unit, e.Metric, e.Pairs, e.Itself = "read", measure.Speed, c.ColdPairs, &base
	e.Contests = []measure.Contest{{A: ours.way(), B: base, Bound: stats.AtLeast(0.97)}}
	for _, o := range others {
		e.Contests = append(e.Contests, measure.Contest{A: o.way(), B: base})
	}
	e.Limits = append(ours.limits(e.Pairs, true), pread.limits(e.Pairs*(len(e.Contests)+2), false)...)
	for _, o := range others {
		e.Limits = append(e.Limits, o.limits(e.Pairs, false)...)
	}
	return e
}

// A stalling is a way of reading, and how every run of it went.
type stalling struct {
	load    stall.Load
	results []stall.Result
}

// copied reports whether Oriel is to copy single pages of what it has mapped.
func (s *stalling) copied() bool {
	return s.load.Way == stall.Mmap && s.load.WindowBytes == blockBytes
}

// name returns the name of the way in what is printed.
func (s *stalling) name() string {
	if s.copied() {
		return string(s.load.Way) + ", copied"
	}
	return string(s.load.Way)
}

// way returns the way, whose runs take as long as one read does on average.
func (s *stalling) way() measure.Way {
	w := measure.Way{Name: s.name(), Amount: 1}
	switch s.load.Way {
	case stall.Auto: // on FUSE, where it must not map
		w.Source, w.Bytes = source.Pread.String(), int64(s.load.WindowBytes)
	case stall.Mmap:
		w.Source, w.Bytes = source.Mmap.String(), int64(s.load.WindowBytes)
	}
	w.Process = func() (c child.Result, o measure.Outcome, err error) {
		s.load.Seed++ // another order, or what the device caches would count
		r, err := stall.Run(s.load)
		if err != nil {
			return c, o, err
		}
		if r.Reads == 0 {
			return c, o, fmt.Errorf("nothing was read within %v", s.load.For)
		}
		s.results = append(s.results, r)
		reads := float64(r.Reads)
		c.Seconds, c.CPUSeconds = r.Seconds/reads, r.CPUSeconds/reads
		if o.Source = r.Source; o.Source != "" {
			o.Bytes = r.Bytes / int64(r.Reads)
		}
		return c, o, s.check(&r)
	}
	return w
}

// check returns an error if a run was not what it should be.
func (s *stalling) check(r *stall.Result) error {
	switch {
	case r.LoadedBefore > 0.001:
		return fmt.Errorf("%.3g of the file were cached before", r.LoadedBefore)
	case r.Reads == 0:
		return errors.New("nothing was read")
	case s.load.Way == stall.Auto && r.Mapped > 0:
		return fmt.Errorf("%d windows were mapped on FUSE", r.Mapped)
	}
	return nil
}

// limits returns what is to be said about so many runs besides how fast they
// were. It is claimed of Oriel only.
func (s *stalling) limits(runs int, claimed bool) []measure.Limit {
	const milli = 1e3
	list := []measure.Limit{
		s.figure("reads in a second", "", func(r *stall.Result) float64 { return float64(r.Reads) / r.Seconds }),
		s.figure("timer late, median", "ms", func(r *stall.Result) float64 { return milli * stall.Quantile(r.Late, 0.5) }),
		s.figure("timer late, p99", "ms", func(r *stall.Result) float64 { return milli * stall.Quantile(r.Late, 0.99) }),
		s.figure("timer late, longest", "ms", func(r *stall.Result) float64 { return milli * stall.Quantile(r.Late, 1) }),
		s.figure("collection, median", "ms", func(r *stall.Result) float64 { return milli * stall.Quantile(r.GC, 0.5) }),
		s.figure("collection, longest", "ms", func(r *stall.Result) float64 { return milli * stall.Quantile(r.GC, 1) }),
	}
	if claimed {
		list[1].Bound, list[2].Bound, list[5].Bound = stats.AtMost(0.2), stats.AtMost(2), stats.AtMost(20)
	}
	if s.load.Way == stall.Mmap {
		mapped := s.figure("windows of the mapping", "%", func(r *stall.Result) float64 { return 100 * float64(r.Mapped) / float64(r.Reads) })
		mapped.Bound, mapped.Every = stats.AtLeast(leastLent), true
		switch {
		case s.copied():
			mapped.Bound = stats.AtMost(mostLent)
		case s.load.InOrder: // 16 goroutines may hold all that may be locked
			mapped.Bound = stats.AtLeast(leastInOrder)
		}
		list = append(list, mapped)
	}
	for i := range list {
		list[i].Runs = runs
	}
	return list
}

// figure returns a limit whose values are those of the runs that were compared.
func (s *stalling) figure(name, unit string, of func(*stall.Result) float64) measure.Limit {
	next := 0
	return measure.Limit{Name: s.name() + ": " + name, Unit: unit, Measure: func() (float64, error) {
		if next >= len(s.results) {
			return 0, fmt.Errorf("there are %d runs only", len(s.results))
		}
		next++
		return of(&s.results[next-1]), nil
	}}
}

// slow is a slow file system and a volume over it.
type slow struct {
	fs     *slowfs.FS
	volume *volume.Volume
	file   string // on the volume
	folder string // of what lies under it
}

// slowly makes a slow file system and a file on a volume over it, which live
// until c is closed.
func (c *Config) slowly() (s *slow, err error) {
	s = &slow{}
	if s.folder, err = os.MkdirTemp(c.Store.Dir, "stall-"); err != nil {
		return nil, err
	}
	if err := s.make(c.FileBytes / slowExtentBytes * slowExtentBytes); err != nil {
		return nil, errors.Join(err, s.close())
	}
	c.ending = append(c.ending, s.close)
	return s, nil
}

func (s *slow) make(size int64) (err error) {
	ctx := context.Background()
	if s.fs, err = slowfs.Mount(ctx, slowfs.Options{Backing: s.folder, SyntheticBytes: stallBytes}); err != nil {
		return err
	}
	s.volume, err = volume.Make(ctx, volume.Options{
		Kind: "ext4", SizeBytes: size + size/8 + 64<<20,
		BackingFile: filepath.Join(s.fs.Files, "image"),
		DirectIO:    true, // without, a loop device reads one block after the other, and caches it a second time
	})
	if err != nil {
		return err
	}
	s.file = filepath.Join(s.volume.Dir, "file")
	if err := writeContent(s.file, size); err != nil {
		return err
	}
	return s.fs.Set(slowfs.Rules{Delay: stallDelay})
}

// close takes everything away.
func (s *slow) close() error {
	var errs []error
	if s.fs != nil {
		errs = append(errs, s.fs.Set(slowfs.Rules{}))
	}
	if s.volume != nil {
		errs = append(errs, s.volume.Close())
	}
	if s.fs != nil {
		errs = append(errs, s.fs.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(s.folder))...)
}

// writeContent makes a file of n bytes, which lies on its device afterwards.
func writeContent(name string, n int64) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	p := make([]byte, 1<<20)
	for off := int64(0); off < n; off += int64(len(p)) {
		p = p[:min(int64(len(p)), n-off)]
		slowfs.Content(p, off)
		if _, err := f.Write(p); err != nil {
			return err
		}
	}
	return f.Sync()
}
