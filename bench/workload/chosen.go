package workload

import (
	"context"
	"io"

	"github.com/oriel-go/oriel/bench/measure"
	"github.com/oriel-go/oriel/bench/stats"
	"github.com/oriel-go/oriel/source"
)

// What is claimed of what Oriel chooses by itself, which nobody who fixes one way
// can have all of.
const (
	leastOfLarge = 1.2  // of the speed of the best pread loop, in large folios
	leastOfSmall = 0.97 // of that of the better of pread loops and a plain mapping, in small ones
	leastOfCold  = 1.0  // of that of the best pread loop, cold and read once
	mostColdCPU  = 0.6  // of its CPU time
)

// chosen compares what Oriel chooses with raw loops, where a file is cached in one
// way or the other, and where it is not.
func chosen(c *Config) ([]measure.Experiment, error) {
	name, err := c.Store.Random(c.FileBytes)
	if err != nil {
		return nil, err
	}
	rt, err := c.runtime(0)
	if err != nil {
		return nil, err
	}
	var list []measure.Experiment
	for _, state := range c.States {
		e, err := c.chosenCached(name, state, rt)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return append(list, c.chosenCold(name, rt)), nil
}

// chosenCached is about a file in a state of the page cache.
func (c *Config) chosenCached(name, state string, rt *source.Runtime) (measure.Experiment, error) {
	size := c.FileBytes
	subject := countChosen(name, size, &source.Options{Runtime: rt})
	best := &measure.Best{A: subject, Bound: stats.AtLeast(leastOfLarge), Of: countPreads(name, size)}
	plain, itself := countMapping(name, size), countPread(name, size, 256<<10)
	var contests []measure.Contest
	if state == large {
		contests = append(contests, measure.Contest{A: subject, B: plain})
	} else {
		best.Bound, best.Of = stats.AtLeast(leastOfSmall), append(best.Of, plain)
	}
	return inState(measure.Experiment{
		Name: "chosen/" + state,
		About: "count the newlines of " + sizeName(size) + " of random bytes, cached in " + state +
			" folios, by what is chosen, against the best of raw pread loops and a plain mapping of the whole file",
		Unit: "byte", Metric: measure.Speed, Pairs: c.Pairs, Best: best, Itself: &itself, Contests: contests,
		Limits: servedBy(subject.Name),
	}, state, name)
}

// chosenCold is about a file that is read once, and is not cached.
func (c *Config) chosenCold(name string, rt *source.Runtime) measure.Experiment {
	size := c.FileBytes
	prepare := coldStart(name, size)
	uncached := func(w measure.Way) measure.Way {
		w.Prepare, w.Run = prepare, fromDevice(size, w.Run)
		return w
	}
	subject := uncached(countChosen(name, size, &source.Options{Runtime: rt, Pattern: source.Once}))
	best := &measure.Best{A: subject, Bound: stats.AtLeast(leastOfCold), CPU: stats.AtMost(mostColdCPU)}
	for _, w := range countPreads(name, size) {
		best.Of = append(best.Of, uncached(w))
	}
	itself := uncached(countPread(name, size, 256<<10))
	return measure.Experiment{
		Name: "chosen/cold",
		About: "count the newlines of " + sizeName(size) + " of random bytes, evicted before each run, in memory that was used before, " +
			"by what is chosen for what is read once, against the best of raw pread loops",
		Unit: "byte", Metric: measure.Speed, Pairs: c.ColdPairs, Best: best, Itself: &itself,
		Limits: servedBy(subject.Name),
	}
}

// countChosen counts through windows of whatever Oriel chooses, and notes what
// fetched them.
func countChosen(name string, size int64, how *source.Options) measure.Way {
	return measure.Way{
		Name: "oriel windows, chosen", Amount: float64(size), Source: measure.Chosen, Bytes: size,
		Run: func() (o measure.Outcome, err error) {
			ctx := context.Background()
			r, err := source.OpenReader(ctx, name, how)
			if err != nil {
				return o, err
			}
			defer r.Close()
			var t regretTally
			for {
				w, err := r.ReadManaged(ctx)
				if err == io.EOF {
					o = outcome(r, int(t.answer))
					o.Figures = shares(float64(t.lent), float64(t.ringed), float64(t.bytes))
					return o, nil
				}
				if err != nil {
					return o, err
				}
				t.came(w)
				t.count(w.Bytes())
				w.Release()
			}
		},
	}
}

// servedBy are the shares of a way's bytes by what fetched them.
func servedBy(way string) []measure.Limit {
	return []measure.Limit{
		figureOf(way, measure.FigureLent, "of all bytes"), figureOf(way, measure.FigureRinged, "of all bytes"),
		figureOf(way, measure.FigureCopied, "of all bytes"),
	}
}
