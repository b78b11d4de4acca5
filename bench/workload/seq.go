package workload

import (
	"bytes"
	"context"
	"io"
	"runtime"

	"github.com/oriel-go/oriel"
	"github.com/oriel-go/oriel/bench/measure"
	"github.com/oriel-go/oriel/bench/pagecache"
	"github.com/oriel-go/oriel/bench/stats"
)

// bufferSizes are those that a raw pread loop is tried with, in KiB.
var bufferSizes = []int{32, 64, 128, 256, 512, 1 << 10, 4 << 10}

// countPreads are loops around pread(2) with buffers of several sizes.
func countPreads(name string, size int64) (ways []measure.Way) {
	for _, kib := range bufferSizes {
		ways = append(ways, countPread(name, size, kib<<10))
	}
	return ways
}

// readFileBytes is the largest file that is read by os.ReadFile.
const readFileBytes = 1 << 30

// sequential compares windows with loops around pread on a cached file.
func sequential(c *Config) ([]measure.Experiment, error) {
	name, err := c.Store.Random(c.FileBytes)
	if err != nil {
		return nil, err
	}
	var list []measure.Experiment
	for _, state := range c.States {
		subject := countWindows(name, c.FileBytes)
		best := &measure.Best{A: subject, Bound: stats.AtLeast(0.97), Of: countPreads(name, c.FileBytes)}
		itself := countPread(name, c.FileBytes, 256<<10)
		e, err := inState(measure.Experiment{
			Name:  "seq/" + state,
			About: "count the newlines of " + sizeName(c.FileBytes) + " of random bytes, cached in " + state + " folios, against the best of several raw pread loops",
			Unit:  "byte", Metric: measure.Speed, Pairs: c.Pairs, Best: best, Itself: &itself,
			Contests: []measure.Contest{{A: subject, B: countBufio(name, c.FileBytes)}},
			Limits:   []measure.Limit{allocsPerWindow(name)},
		}, state, name)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	whole, err := wholeFile(c)
	return append(list, whole), err
}

// wholeFile compares windows with os.ReadFile, which needs the memory.
func wholeFile(c *Config) (e measure.Experiment, err error) {
	size := min(c.FileBytes, readFileBytes)
	name, err := c.Store.Random(size)
	if err != nil {
		return e, err
	}
	itself := countPread(name, size, 256<<10)
	return inState(measure.Experiment{
		Name:  "seq/readfile",
		About: "count the newlines of " + sizeName(size) + " of random bytes, cached in large folios, against reading all of it into memory",
		Unit:  "byte", Metric: measure.Speed, Pairs: c.Pairs, Itself: &itself,
		Contests: []measure.Contest{{A: countWindows(name, size), B: countReadFile(name, size)}},
	}, large, name)
}

// warmWindows is how many windows are read before allocations are counted.
const warmWindows = 8

// allocsPerWindow counts what reading allocates once it is under way, up to the
// last window: at the end of the file its size is looked at once more.
func allocsPerWindow(name string) measure.Limit {
	return measure.Limit{
		Name: "allocations per window", Unit: "per window", Bound: stats.AtMost(0), Runs: 3, Every: true,
		Measure: func() (float64, error) {
			if err := pagecache.KeepLarge(name); err != nil { // waiting allocates
				return 0, err
			}
			ctx := context.Background()
			r, err := oriel.OpenReader(ctx, name, byPread)
			if err != nil {
				return 0, err
			}
			defer r.Close()
			var before, after runtime.MemStats
			windows := -warmWindows
			for end := int64(0); end < r.Size(); windows++ {
				if windows == 0 {
					runtime.ReadMemStats(&before)
				}
				w, err := r.ReadManaged(ctx)
				if err != nil {
					return 0, err
				}
				bytes.Count(w.Bytes(), newline)
				end = w.Off() + int64(w.Len())
				w.Release()
			}
			runtime.ReadMemStats(&after)
			if windows <= 0 {
				return 0, io.ErrUnexpectedEOF
			}
			return float64(after.Mallocs-before.Mallocs) / float64(windows), nil
		},
	}
}
