package workload

import (
	"context"
	"fmt"
	"math"
	"runtime"

	"github.com/oriel-go/oriel/bench/measure"
	"github.com/oriel-go/oriel/bench/stats"
	"github.com/oriel-go/oriel/source"
)

// ringHits compares reads of a cached file through a File that reads what is not
// cached through the ring with those of one that has pread only: both copy it by
// the same system call.
func ringHits(c *Config) ([]measure.Experiment, error) {
	name, size, err := c.ringFile()
	if err != nil {
		return nil, err
	}
	rt, err := c.runtime(0)
	if err != nil {
		return nil, err
	}
	var list []measure.Experiment
	for _, state := range c.States {
		h := &ringHit{blocks: newBlocks(name, size, c.Calls), rt: rt}
		over := func(k source.Kind, endable bool) measure.Way { return h.way(k, endable) }
		base := over(source.Pread, false)
		e, err := inState(measure.Experiment{
			Name:  "ringhit/" + state,
			About: "read 4 KiB at random offsets of " + sizeName(size) + ", cached in " + state + " folios, by a File over the ring and by one over pread",
			Unit:  "read", Metric: measure.Time, Pairs: c.Pairs, Itself: &base,
			Contests: []measure.Contest{
				{A: over(source.Uring, false), B: base},
				{A: over(source.Uring, true), B: over(source.Pread, true)},
			},
			Limits: []measure.Limit{{
				Name: "allocations of 1,000 reads over the ring", Bound: stats.AtMost(0), Runs: 3, Every: true, Measure: h.allocs,
			}},
		}, state, name)
		if err != nil {
			return nil, err
		}
		h.keep = e.Keep
		cache, serves := e.Setup, ringServes(name, false, false)
		e.Setup = func() error {
			if err := serves(); err != nil {
				return err
			}
			return cache()
		}
		list = append(list, e)
	}
	return list, nil
}

// A ringHit is a sequence of reads of a cached file.
type ringHit struct {
	*blocks
	rt   *source.Runtime
	keep func() error // caches what is missing of the file
}

// open opens the file as its windows may come.
func (h *ringHit) open(k source.Kind) (*source.File, error) {
	return source.Open(context.Background(), h.name, &source.Options{Runtime: h.rt, Source: k})
}

// way reads all blocks, with a context that can end or not.
func (h *ringHit) way(k source.Kind, endable bool) measure.Way {
	name, read := fmt.Sprintf("oriel ReadManagedAt, %v", k), h.managed
	if endable {
		name, read = name+", ctx can end", h.managedEndable
	}
	return measure.Way{
		Name: name, Amount: float64(len(h.offs)), Source: served, Bytes: int64(len(h.offs)) * blockBytes,
		Run: func() (o measure.Outcome, err error) {
			f, err := h.open(k)
			if err != nil {
				return o, err
			}
			defer f.Close()
			if o.Answer, err = read(f); err != nil {
				return o, err
			}
			s := f.Stats()
			o.Source, o.Bytes, o.Waits = served, s.Bytes, s.Waits
			if s.Ringed > 0 {
				err = fmt.Errorf("%d of %d reads of a cached file came through the ring", s.Ringed, s.Reads)
			}
			return o, err
		},
	}
}

// hitReads is how many reads are made while allocations are counted.
const hitReads = 1000

// allocs returns how often so many reads over the ring allocate: the least of
// some runs, because the runtime allocates now and then. Each window has to say
// that pread filled it.
func (h *ringHit) allocs() (float64, error) {
	f, err := h.open(source.Uring)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	least := math.Inf(1)
	var before, after runtime.MemStats
	for range 4 { // the first warms up
		if err := h.keep(); err != nil {
			return 0, err
		}
		runtime.ReadMemStats(&before)
		for i := range hitReads {
			w, err := f.ReadManagedAt(ctx, h.offs[i%len(h.offs)], blockBytes)
			if err != nil {
				return 0, err
			}
			from := w.Info().Source
			w.Release()
			if from != served {
				return 0, fmt.Errorf("the window at %d of a cached file comes from %q", h.offs[i%len(h.offs)], from)
			}
		}
		runtime.ReadMemStats(&after)
		least = min(least, float64(after.Mallocs-before.Mallocs))
	}
	return least, nil
}
