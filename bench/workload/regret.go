package workload

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/oriel-go/oriel/bench/measure"
	"github.com/oriel-go/oriel/bench/pagecache"
	"github.com/oriel-go/oriel/bench/stats"
	"github.com/oriel-go/oriel/source"
	"github.com/oriel-go/oriel/window"
)

// What is claimed of each cell, and when a forced source is no longer run.
const (
	mostRegret    = 1.15 // of the time of the best forced source
	hopelessTimes = 2.5  // as long as the fastest, in the first runs that choose
)

// Files of the cells. As many are read as make a run long enough to be measured.
const (
	smallFileBytes  = 64 << 10
	fullLargeBytes  = 1 << 30 // for which the lengths of runs are given
	middlePart      = 16      // of a large file is a middle one
	coldSmallFiles  = 512
	coldMiddleFiles = 8
	maxGoroutines   = 64 // of a cell, of which each opens a small file
)

// regret compares what is chosen with the best of what is forced, over a matrix.
func regret(c *Config) ([]measure.Experiment, error) {
	files, err := newRegretFiles(c)
	if err != nil {
		return nil, err
	}
	ways, err := newRegretWays(c)
	if err != nil {
		return nil, err
	}
	var list []measure.Experiment
	for i := range regretCells {
		e, err := c.regretOf(&regretCells[i], files, ways)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, nil
}

// regretFiles are the files that cells read.
type regretFiles struct {
	sizes [3]int64 // by regretFile
	names [3][]string
}

func newRegretFiles(c *Config) (f regretFiles, err error) {
	large := max(c.FileBytes/alignedBytes*alignedBytes, middlePart*alignedBytes)
	f.sizes = [...]int64{smallFileBytes, large / middlePart, large}
	small := int(max(coldSmallFiles*min(large, fullLargeBytes)/fullLargeBytes, maxGoroutines))
	for i, files := range []int{small, coldMiddleFiles, 1} {
		if f.names[i], err = c.Store.Several(f.sizes[i], files); err != nil {
			return f, err
		}
	}
	return f, nil
}

// regretOf returns the experiment of a cell.
func (c *Config) regretOf(cell *regretCell, files regretFiles, ways regretWays) (e measure.Experiment, err error) {
	j := newRegretJob(cell, files)
	e = measure.Experiment{
		Name: cell.name(j.fileBytes), File: j.names[0],
		About: j.about(), Unit: "byte", Metric: measure.Time, Pairs: c.Pairs, Regret: true,
	}
	if !cell.cached() {
		e.Pairs = c.ColdPairs
	}
	if j.reads > 0 {
		e.Unit = "read"
	} else if cell.pattern == patternLimit || cell.file == fileSmall {
		e.Unit = "open"
	}
	best := &measure.Best{A: ways.auto.of(j), Bound: stats.AtMost(mostRegret), Hopeless: hopelessTimes}
	for _, w := range ways.forced {
		if w.past && cell.declared != source.Once {
			continue // would leave the page cache cold for others
		}
		if err := w.serves(j); err != nil {
			if !errors.Is(err, window.ErrRefused) {
				return e, err
			}
			e.Notes = append(e.Notes, fmt.Sprintf("%s is left out: %v", w.name, err))
			continue
		}
		best.Of = append(best.Of, w.of(j))
	}
	e.Best = best
	itself := ways.forced[0].of(j)
	e.Itself = &itself
	e.Setup, e.Keep = j.setup()
	e.Expected = j.expected(len(best.Of), e.Pairs)
	return e, nil
}

// cached reports whether all that is read is.
func (c *regretCell) cached() bool { return c.cache == cacheLarge || c.cache == cacheSmall }

// setup returns what brings cached files into their state and keeps them there.
// Others are brought into theirs before each run.
func (j *regretJob) setup() (setup, keep func() error) {
	each := func(do func(string) error) func() error {
		return func() error {
			for _, name := range j.names {
				if err := do(name); err != nil {
					return err
				}
			}
			return nil
		}
	}
	switch j.cell.cache {
	case cacheLarge:
		return each(pagecache.CacheLarge), each(pagecache.KeepLarge)
	case cacheSmall:
		return each(pagecache.CacheSmall), each(pagecache.KeepSmall)
	case cacheHalf, cacheFirstHalf:
		return each(pagecache.Evict), nil
	}
	return nil, nil
}

// prepare returns what has to be done before each run, nil for nothing.
func (j *regretJob) prepare() func() error {
	if j.cell.cached() {
		return nil
	}
	return func() error {
		for _, name := range j.names {
			var err error
			switch j.cell.cache {
			case cacheHalf:
				err = pagecache.KeepHalf(name, pagecache.Alternate)
			case cacheFirstHalf:
				err = pagecache.KeepHalf(name, pagecache.FirstHalf)
			default:
				err = coldStart(name, 0)()
			}
			if err != nil {
				return err
			}
		}
		return pagecache.WarmMemory(j.warmBytes())
	}
}

// limitAheadBytes is what comes from the device for one open of limit, at most:
// the kernel reads so much ahead (8 MiB on the machine of the records, where
// pread had 1.3 to 7.7 MiB come for the 192 KiB to 3 MiB that it took). In all
// other cells it was at most twice what is taken.
const limitAheadBytes = 8 << 20

// warmBytes returns how much memory the page cache may want in a run.
func (j *regretJob) warmBytes() int64 {
	if j.cell.pattern == patternLimit {
		return min(int64(j.opens)*limitAheadBytes, int64(len(j.names))*j.fileBytes)
	}
	return max(j.fromDisk, alignedBytes)
}

// What cells cost on the machine of the records, roughly, in nanoseconds.
const (
	cachedByteNs = 0.15   // in large or small folios, by fast ways and slow ones
	coldByteNs   = 1.2    // with the memory that is used before, and the file evicted
	cachedReadNs = 1000   // at an offset
	coldReadNs   = 60_000 // of one goroutine
	coldTogether = 4      // of which more goroutines have so many for one
	openNs       = 20_000
	cachedRunNs  = 10e6 // collecting garbage, looking at the page cache
	coldRunNs    = 30e6
)

// expected returns about how long the cell takes.
func (j *regretJob) expected(candidates, pairs int) time.Duration {
	// Of each pair: every candidate alone, each against auto, and the A/A test.
	runs := float64(pairs * (candidates + 2*candidates + 2))
	ns := float64(j.opens) * openNs
	switch {
	case j.cell.cached():
		ns += cachedRunNs + float64(j.bytes)*cachedByteNs + float64(j.reads)*cachedReadNs
	default:
		reads := float64(j.reads) * coldReadNs / float64(min(j.cell.goroutines, coldTogether))
		ns += coldRunNs + float64(j.bytes)*coldByteNs + reads
	}
	return time.Duration(runs * ns)
}

// regretWays are Oriel's own choice and what is forced, pread first.
type regretWays struct {
	auto   regretWay
	forced []regretWay
}

// A regretWay is how files are opened. Each has a Runtime of its own, with the
// limits that users have by default.
type regretWay struct {
	name string
	o    source.Options
	past bool // reads past the page cache
}

func newRegretWays(c *Config) (w regretWays, err error) {
	all := []regretWay{
		{"auto", source.Options{}, false},
		{"pread", source.Options{Source: source.Pread}, false},
		{"mmap", source.Options{Source: source.Mmap}, false},
		{"uring", source.Options{Source: source.Uring, Direct: source.DirectNever}, false},
		{"uring direct", source.Options{Source: source.Uring, Direct: source.DirectAlways}, true},
	}
	for i := range all {
		if all[i].o.Runtime, err = c.runtime(c.LockBudget); err != nil {
			return w, err
		}
	}
	return regretWays{all[0], slices.Clone(all[1:])}, nil
}

// options returns how the files of a job are opened.
func (w *regretWay) options(j *regretJob) *source.Options {
	o := w.o
	o.Pattern = j.cell.declared
	if j.cell.size >= size4K && (j.cell.pattern == patternSequential || j.cell.pattern == patternLimit) {
		o.WindowBytes = j.cell.size
	}
	return &o
}
