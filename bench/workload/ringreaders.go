package workload

import (
	"cmp"
	"fmt"
	"time"

	"github.com/oriel-go/oriel/bench/measure"
	"github.com/oriel-go/oriel/bench/readers"
	"github.com/oriel-go/oriel/bench/stats"
)

// readerCounts are how many goroutines ringreaders has, each with a read in
// flight.
var readerCounts = []int{1, 2, 8, 64}

// readersFor is how long goroutines read by default, and readersWarm how much
// of the page cache they fill at most in a second: 200,000 blocks.
const (
	readersFor  = 1500 * time.Millisecond
	readersWarm = 200_000 * blockBytes
)

// A readersClaim is what is claimed of so many goroutines in comparison with as
// many in pread. 0 claims nothing.
type readersClaim struct {
	goroutines int
	busy       bool
}

var (
	leastOfPreads = map[readersClaim]float64{{1, false}: 0.9, {2, false}: 0.9, {64, false}: 1.1, {1, true}: 0.9, {64, true}: 0.3}
	mostPreadsCPU = map[readersClaim]float64{{64, false}: 0.7}
	leastEven     = map[readersClaim]float64{{64, false}: 0.9}
)

// ringReaders compares goroutines that each wait for a window of a cold file
// with as many that each wait in pread, on idle processors and beside goroutines
// that compute on all of them.
func ringReaders(c *Config) ([]measure.Experiment, error) {
	name, size, err := c.ringFile()
	if err != nil {
		return nil, err
	}
	var list []measure.Experiment
	for _, busy := range []bool{false, true} {
		for _, direct := range []bool{true, false} {
			for _, n := range readerCounts {
				list = append(list, c.ringReadersOf(name, size, n, busy, direct))
			}
		}
	}
	return list, nil
}

func (c *Config) ringReadersOf(name string, size int64, n int, busy, direct bool) measure.Experiment {
	lasts := cmp.Or(c.RingFor, readersFor)
	warm := int64(0)
	if !direct {
		warm = min(size, int64(lasts.Seconds()*readersWarm))
	}
	prepare := coldStart(name, warm)
	load := readers.Load{Way: readers.Managed, File: name, BlockBytes: blockBytes, Direct: direct, Goroutines: n, For: lasts, Busy: busy}
	subject := readersWay(string(readers.Managed), load, prepare)
	load.Way = readers.Pread
	base := readersWay(string(readers.Pread), load, prepare)

	state, beside := "idle", "with nothing else to do"
	if busy {
		state, beside = "busy", "beside a goroutine for each processor that computes"
	}
	claim := readersClaim{n, busy}
	even := figureOf(subject.Name, figureEven, "")
	even.Bound = atLeastIf(leastEven[claim])
	e := measure.Experiment{
		Name: fmt.Sprintf("ringreaders/%s/%s/%d", state, through(direct), n),
		About: fmt.Sprintf("read blocks of 4 KiB of %s at random for %v, %s, evicted before each run: %s, each with one read in flight, %s",
			sizeName(size), lasts, throughCache(direct), goroutines(n), beside),
		Unit: "read", Metric: measure.Speed, Pairs: c.ColdPairs, Itself: &base,
		Setup:    ringServes(name, direct, false),
		Contests: []measure.Contest{{A: subject, B: base, Bound: atLeastIf(leastOfPreads[claim])}},
		Limits:   []measure.Limit{ringedOf(subject.Name)},
	}
	if most := mostPreadsCPU[claim]; most > 0 {
		e.Contests[0].CPU = stats.AtMost(most)
	}
	if n > 1 {
		e.Limits = append(e.Limits, even, figureOf(base.Name, figureEven, ""))
	}
	if busy {
		e.Limits = append(e.Limits, figureOf(subject.Name, figureUnits, ""), figureOf(base.Name, figureUnits, ""))
	}
	e.Limits = append(e.Limits, figureOf(subject.Name, figureThreads, ""), figureOf(base.Name, figureThreads, ""))
	return e
}

// atLeastIf claims what is not 0.
func atLeastIf(limit float64) *stats.Bound {
	if limit == 0 {
		return nil
	}
	return stats.AtLeast(limit)
}

// goroutines returns n with its noun.
func goroutines(n int) string {
	if n == 1 {
		return "1 goroutine"
	}
	return fmt.Sprintf("%d goroutines", n)
}
