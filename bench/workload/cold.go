package workload

import (
	"fmt"

	"github.com/oriel-go/oriel/bench/measure"
	"github.com/oriel-go/oriel/bench/pagecache"
)

// cold compares windows with pread loops on a file that has to come from the
// device. Nothing is claimed.
func cold(c *Config) ([]measure.Experiment, error) {
	name, err := c.Store.Random(c.FileBytes)
	if err != nil {
		return nil, err
	}
	prepare := coldStart(name, c.FileBytes)
	uncached := func(w measure.Way) measure.Way {
		w.Prepare = prepare
		return w
	}
	subject := uncached(countWindows(name, c.FileBytes))
	itself := uncached(countPread(name, c.FileBytes, 256<<10))
	return []measure.Experiment{{
		Name:  "cold/seq",
		About: "count the newlines of " + sizeName(c.FileBytes) + " of random bytes, evicted before each run, in memory that was used before",
		Unit:  "byte", Metric: measure.Speed, Pairs: c.ColdPairs, Itself: &itself,
		Contests: []measure.Contest{
			{A: subject, B: itself},
			{A: subject, B: uncached(countPread(name, c.FileBytes, 1<<20))},
		},
	}}, nil
}

// coldStart returns what has a file come from the device, into memory that was
// used before: warmBytes of it, as much as the page cache will take.
func coldStart(name string, warmBytes int64) func() error {
	return func() error {
		if err := pagecache.Evict(name); err != nil {
			return err
		}
		if warmBytes > 0 {
			if err := pagecache.WarmMemory(warmBytes); err != nil {
				return err
			}
		}
		share, err := pagecache.Share(name)
		if err == nil && share > 0 {
			err = fmt.Errorf("%.3g of the file are cached", share)
		}
		return err
	}
}
