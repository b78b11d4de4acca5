package workload

import (
	"fmt"

	"github.com/oriel-go/oriel/bench/fio"
	"github.com/oriel-go/oriel/bench/measure"
	"github.com/oriel-go/oriel/bench/readers"
	"github.com/oriel-go/oriel/bench/stats"
)

// queueDepth is how many reads ringrandom has in flight, and queueTogether how
// many it begins together.
const (
	queueDepth    = 64
	queueTogether = 8
)

// ringRandom compares one goroutine that has many reads of a cold file in flight
// with fio.
func ringRandom(c *Config) ([]measure.Experiment, error) {
	name, size, err := c.ringFile()
	if err != nil {
		return nil, err
	}
	reads := min(c.RingReads, int(size/blockBytes))
	var list []measure.Experiment
	for _, direct := range []bool{true, false} {
		warm := int64(0)
		if !direct {
			warm = int64(reads) * blockBytes
		}
		prepare := coldStart(name, warm)
		peer := fioWay(fio.Job{File: name, BlockBytes: blockBytes, Depth: queueDepth, Direct: direct, Reads: reads, Random: true},
			float64(reads), prepare)
		load := readers.Load{Way: readers.Queue, File: name, BlockBytes: blockBytes, Direct: direct,
			Goroutines: 1, Depth: queueDepth, Together: queueTogether, Most: reads}
		subject := readersWay(fmt.Sprintf("oriel Queue, %d in flight", queueDepth), load, prepare)
		load.Together = 1
		single := readersWay(subject.Name+", begun one by one", load, prepare)
		e := measure.Experiment{
			Name: "ringrandom/" + through(direct),
			About: fmt.Sprintf("read %d blocks of 4 KiB of %s at random, %s, evicted before each run: one goroutine with %d in flight, of which it begins up to %d together, against fio",
				reads, sizeName(size), throughCache(direct), queueDepth, queueTogether),
			Unit: "read", Metric: measure.Speed, Pairs: c.ColdPairs, Itself: &peer,
			Setup:    ringServes(name, direct, true),
			Contests: []measure.Contest{{A: subject, B: peer, Bound: stats.AtLeast(leastOfBetter)}, {A: single, B: peer}},
			Limits:   []measure.Limit{ringedOf(subject.Name), readCPUOf(peer)},
		}
		list = append(list, e)
	}
	return list, nil
}

// throughCache says how reads go.
func throughCache(direct bool) string {
	if direct {
		return "past the page cache"
	}
	return "through the page cache"
}
