package workload

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/oriel-go/oriel/bench/child"
	"github.com/oriel-go/oriel/bench/measure"
	"github.com/oriel-go/oriel/bench/pagecache"
	"github.com/oriel-go/oriel/bench/stats"
	"github.com/oriel-go/oriel/source"
)

// What is claimed of planning: by how much longer a file takes to be opened, read
// from and closed where the library chooses the source.
const (
	firstPlanNanoseconds = 50_000 // for the first file that a Runtime opens
	laterPlanNanoseconds = 5_000  // for each of thousands of a kind
)

// How many files a sample opens.
const (
	laterOpens = 2000 // through one Runtime
	largeOpens = 200  // likewise, of a large file
	firstOpens = 51   // each through a Runtime of its own; the sample is their median
)

// openedLargeBytes is the size of the large file.
const openedLargeBytes = 64 << 20

// An opening is what is done with a file between opening and closing it.
type opening struct {
	sizeBytes int64
	part      string // of the experiment's name
	does      string
	do        func(name string, how *source.Options) (uint64, error)
	opens     int          // in a sample through one Runtime
	first     *stats.Bound // on what planning takes in a Runtime that has opened nothing
	later     *stats.Bound // and in one that has opened others of the kind
}

// openings are those of one file again and again.
func openings() []opening {
	first, later := stats.AtMost(firstPlanNanoseconds), stats.AtMost(laterPlanNanoseconds)
	return []opening{
		{4 << 10, "4KiB", "read 4 KiB of", openBlock, laterOpens, first, later},
		{4 << 10, "4KiB/window", "read a window of", openWindow, laterOpens, first, later},
		{64 << 10, "64KiB", "read 4 KiB of", openBlock, laterOpens, first, later},
		{64 << 10, "64KiB/window", "read a window of", openWindow, laterOpens, first, later},
		{openedLargeBytes, "64MiB", "read nothing of", openOnly, largeOpens, first, nil},
		// A window costs what its source takes for it, planned or not.
		{openedLargeBytes, "64MiB/window", "read a window of", openWindow, largeOpens, nil, nil},
	}
}

// opens measures what planning costs when files are opened: the source is left to
// the library, or is pread, for which nothing is planned.
func opens(c *Config) (list []measure.Experiment, err error) {
	for _, o := range openings() {
		name, err := c.Store.Random(o.sizeBytes)
		if err != nil {
			return nil, err
		}
		for _, of := range []func(opening, string) (measure.Experiment, error){c.openFirst, c.openLater} {
			e, err := of(o, name)
			if err != nil {
				return nil, err
			}
			list = append(list, e)
		}
	}
	many, err := c.openMany()
	return append(list, many...), err
}

// A planning is one kind of opening in two ways, and what their samples took.
type planning struct {
	auto, pread   measure.Way
	autos, preads []float64 // nanoseconds for each open, of the samples in their order
}

// newPlanning returns the ways that sample makes, which is told where to note
// what a sample took.
func newPlanning(sample func(k source.Kind, took *[]float64) measure.Way) *planning {
	p := &planning{}
	p.auto, p.pread = sample(source.Auto, &p.autos), sample(source.Pread, &p.preads)
	return p
}

// openWayName is the name of a way that opens by a source.
func openWayName(k source.Kind) string { return "source " + k.String() }

// experiment compares the ways. bound is on the difference, and itself opens by
// pread once more, to be compared with itself.
func (p *planning) experiment(name, about string, pairs int, itself measure.Way, bound *stats.Bound) measure.Experiment {
	next := 0
	difference := measure.Limit{
		Name: "planning: what auto takes longer", Unit: "ns", Bound: bound, Runs: pairs,
		// Both ways have run once in every pair, so that their samples are pairs.
		Measure: func() (float64, error) {
			if next >= min(len(p.autos), len(p.preads)) {
				return 0, fmt.Errorf("there are %d pairs only", next)
			}
			next++
			return p.autos[next-1] - p.preads[next-1], nil
		},
	}
	return measure.Experiment{
		Name: name, About: about, Unit: "open", Metric: measure.Time, Pairs: pairs, Itself: &itself,
		Contests: []measure.Contest{{A: p.auto, B: p.pread}},
		Limits:   []measure.Limit{difference, allocsPerOpen(p.auto), allocsPerOpen(p.pread)},
	}
}

// allocsPerOpen says how often an open allocates.
func allocsPerOpen(w measure.Way) measure.Limit {
	return measure.Limit{Name: w.Name + ": allocations", Unit: "per open", Way: w.Name,
		Figure: func(s measure.Sample) float64 { return float64(s.Allocs) / w.Amount }}
}

// openFirst opens a file through Runtimes that have opened nothing before.
func (c *Config) openFirst(o opening, name string) (measure.Experiment, error) {
	sample := func(k source.Kind, took *[]float64) measure.Way {
		return measure.Way{Name: openWayName(k), Amount: 1, Process: func() (r child.Result, out measure.Outcome, err error) {
			r.Seconds, out, err = o.sampleFirst(name, k)
			*took = append(*took, r.Seconds*1e9)
			return r, out, err
		}}
	}
	p := newPlanning(sample)
	about := fmt.Sprintf("open, %s and close a cached file of %s, the first of its Runtime", o.does, sizeName(o.sizeBytes))
	return inState(p.experiment("opens/"+o.part+"/first", about, c.Pairs, sample(source.Pread, new([]float64)), o.first), large, name)
}

// sampleFirst opens a file some times, each through a Runtime of its own, and
// returns the median: that the processor was somewhere else for a moment would be
// a large part of their sum. Making a Runtime and closing it is not in it.
func (o opening) sampleFirst(name string, k source.Kind) (seconds float64, out measure.Outcome, err error) {
	var took, allocs []float64
	runtime.GC()
	for range firstOpens {
		t, n, answer, err := o.throughFresh(name, k)
		if err != nil {
			return 0, out, err
		}
		out.Answer = answer
		took, allocs = append(took, t.Seconds()), append(allocs, float64(n))
	}
	out.Allocs = uint64(stats.Median(allocs))
	return stats.Median(took), out, nil
}

// throughFresh opens a file through a new Runtime.
func (o opening) throughFresh(name string, k source.Kind) (took time.Duration, allocs, answer uint64, err error) {
	rt, err := source.NewRuntime(source.Limits{})
	if err != nil {
		return 0, 0, 0, err
	}
	how := source.Options{Runtime: rt, Source: k}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	answer, err = o.do(name, &how)
	took = time.Since(began)
	runtime.ReadMemStats(&after)
	return took, after.Mallocs - before.Mallocs, answer, errors.Join(err, rt.Close())
}

// openLater opens a file again and again through one Runtime.
func (c *Config) openLater(o opening, name string) (e measure.Experiment, err error) {
	names := make([]string, o.opens)
	for i := range names {
		names[i] = name
	}
	about := fmt.Sprintf("open, %s and close a cached file of %s, again and again through one Runtime", o.does, sizeName(o.sizeBytes))
	if e, err = c.openThroughOne("opens/"+o.part+"/later", about, names, o.do, o.later); err != nil {
		return e, err
	}
	first := e.Setup
	if e, err = inState(e, large, name); err != nil {
		return e, err
	}
	cache := e.Setup
	e.Setup = func() error {
		if err := cache(); err != nil {
			return err
		}
		return first()
	}
	return e, nil
}

// openThroughOne opens files one after the other through one Runtime, which has
// opened the first of them before.
func (c *Config) openThroughOne(name, about string, names []string, do func(string, *source.Options) (uint64, error), bound *stats.Bound) (e measure.Experiment, err error) {
	rt, err := c.runtime(0)
	if err != nil {
		return e, err
	}
	openAll := func(names []string, k source.Kind) (sum uint64, err error) {
		how := source.Options{Runtime: rt, Source: k}
		for _, name := range names {
			word, err := do(name, &how)
			if err != nil {
				return sum, err
			}
			sum = sum*31 + word
		}
		return sum, nil
	}
	sample := func(k source.Kind, took *[]float64) measure.Way {
		return measure.Way{Name: openWayName(k), Amount: float64(len(names)), Run: func() (o measure.Outcome, err error) {
			began := time.Now()
			o.Answer, err = openAll(names, k)
			*took = append(*took, float64(time.Since(began).Nanoseconds())/float64(len(names)))
			return o, err
		}}
	}
	p := newPlanning(sample)
	e = p.experiment(name, about, c.Pairs, sample(source.Pread, new([]float64)), bound)
	e.Setup = func() error {
		_, auto := openAll(names[:1], source.Auto)
		_, pread := openAll(names[:1], source.Pread)
		return errors.Join(auto, pread)
	}
	return e, nil
}

// openMany opens thousands of small files one after the other.
func (c *Config) openMany() (list []measure.Experiment, err error) {
	names, err := c.Store.Many(c.OpenFiles, blockBytes)
	if err != nil {
		return nil, err
	}
	for _, o := range []opening{
		{part: "many", does: "read 4 KiB of", do: openBlock},
		{part: "many/window", does: "read a window of", do: openWindow},
	} {
		about := fmt.Sprintf("open, %s and close %d cached files of %s one after the other through one Runtime", o.does, len(names), sizeName(blockBytes))
		e, err := c.openThroughOne("opens/"+o.part, about, names, o.do, stats.AtMost(laterPlanNanoseconds))
		if err != nil {
			return nil, err
		}
		first := e.Setup
		e.Keep = func() error { return keepAll(names) }
		e.Setup = func() error {
			if err := keepAll(names); err != nil {
				return err
			}
			return first()
		}
		list = append(list, e)
	}
	return list, nil
}

// keepAll caches what is missing of some files.
func keepAll(names []string) error {
	for _, name := range names {
		if err := pagecache.KeepLarge(name); err != nil {
			return err
		}
	}
	return nil
}

// openBlock opens a file, reads its first 4 KiB and closes it.
func openBlock(name string, how *source.Options) (word uint64, err error) {
	ctx := context.Background()
	f, err := source.Open(ctx, name, how)
	if err != nil {
		return 0, err
	}
	w, err := f.ReadManagedAt(ctx, 0, blockBytes)
	if err == nil {
		word = mix(0, w.Bytes())
		w.Release()
	}
	return word, errors.Join(err, f.Close())
}

// openOnly opens a file and closes it.
func openOnly(name string, how *source.Options) (uint64, error) {
	f, err := source.Open(context.Background(), name, how)
	if err != nil {
		return 0, err
	}
	return uint64(f.Size()), f.Close()
}

// openWindow opens a file that is read from front to back, reads a window, as
// large as the source has them, and closes it.
func openWindow(name string, how *source.Options) (word uint64, err error) {
	ctx := context.Background()
	r, err := source.OpenReader(ctx, name, how)
	if err != nil {
		return 0, err
	}
	w, err := r.ReadManaged(ctx)
	if err == nil {
		word = binary.LittleEndian.Uint64(w.Bytes())
		w.Release()
	}
	return word, errors.Join(err, r.Close())
}

// compact is sizeName in one word.
func compact(n int64) string { return strings.ReplaceAll(sizeName(n), " ", "") }
