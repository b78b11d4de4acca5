package workload

import (
	"cmp"
	"fmt"
	"time"

	"github.com/oriel-go/oriel/bench/measure"
	"github.com/oriel-go/oriel/bench/readers"
	"github.com/oriel-go/oriel/bench/stats"
)

// manyFor is how long the goroutines of ringmany read by default, and
// manyMemoryBytes the budget of their windows.
const (
	manyFor         = 4 * time.Second
	manyMemoryBytes = 64 << 20
)

// ringMany compares thousands of goroutines that each wait for a window of a
// cold file, within a budget of memory, with as many that each wait in pread.
func ringMany(c *Config) ([]measure.Experiment, error) {
	name, size, err := c.ringFile()
	if err != nil {
		return nil, err
	}
	lasts := cmp.Or(c.RingFor, manyFor)
	prepare := coldStart(name, 0)
	load := readers.Load{Way: readers.Managed, File: name, BlockBytes: blockBytes, Direct: true,
		Goroutines: c.RingReaders, For: lasts, Watch: true, MemoryBytes: manyMemoryBytes}
	subject := readersWay(string(readers.Managed), load, prepare)
	load.Way, load.MemoryBytes = readers.Pread, 0
	base := readersWay(string(readers.Pread), load, prepare)
	budget := figureOf(subject.Name, figureWindow, "MiB")
	budget.Bound, budget.Every = stats.AtMost(manyMemoryBytes>>20), true
	e := measure.Experiment{
		Name: "ringmany",
		About: fmt.Sprintf("read blocks of 4 KiB of %s at random for %v, past the page cache, evicted before each run: %s, each with one read in flight; "+
			"windows have a budget of %s", sizeName(size), lasts, goroutines(c.RingReaders), sizeName(manyMemoryBytes)),
		Unit: "read", Metric: measure.Speed, Pairs: c.ColdPairs, Itself: &base,
		Setup:    ringServes(name, true, false),
		Contests: []measure.Contest{{A: subject, B: base}},
		Limits:   []measure.Limit{budget},
	}
	for _, w := range []measure.Way{subject, base} {
		e.Limits = append(e.Limits, figureOf(w.Name, figureThreads, ""), peakMiBOf(w.Name), figureOf(w.Name, figureEven, ""))
		for _, figure := range []string{figureLeast, figureP1, figureP50, figureP99, figureMost} {
			l := figureOf(w.Name, figure, "reads")
			l.Name = w.Name + ": of one goroutine, " + figure
			e.Limits = append(e.Limits, l)
		}
	}
	return []measure.Experiment{e}, nil
}

// peakMiBOf is a limit on the memory of a way's processes.
func peakMiBOf(way string) measure.Limit {
	return measure.Limit{Name: way + ": peak memory of the process", Unit: "MiB", Way: way,
		Figure: func(s measure.Sample) float64 { return float64(s.PeakRSSBytes) / (1 << 20) }}
}
