package workload

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/oriel-go/oriel/bench/measure"
	"github.com/oriel-go/oriel/bench/pagecache"
	"github.com/oriel-go/oriel/source"
)

// A regretJob is what a cell does in a run, by whatever way.
type regretJob struct {
	cell      *regretCell
	names     []string // of the files
	fileBytes int64    // size of each
	readBytes int64    // of each, from its beginning; of a large cold file a part
	opens     int      // of a run, one file after the other and from the first again
	reads     int      // at random offsets, in a run; 0: all that is there
	bytes     int64    // that a run looks at
	fromDisk  int64    // that at least come from the device in a run
	offs      []int64  // of random reads, and where in the file of limit's opens
}

// Lengths of runs of the cells at full size: 20 to 500 ms on the machine of the
// records.
const (
	cachedRunBytes  = 1 << 30   // from front to back, at 12 to 35 GB/s
	smallRunBytes   = 256 << 20 // of it, in reads of 4 KiB and less
	coldRunBytes    = 256 << 20 // of a large file, at 1 to 4 GB/s: more would only take longer
	smallOpens      = 3072      // of small files, 8 to 20 µs each
	limitOpens      = 1024      // of cached files, 20 to 70 µs each
	limitPlaces     = 8         // in each file, where limit begins
	halfPlaces      = 32        // the same of a half cached one, of which half take no time
	limitReads      = 3         // of the size
	limitDefault    = 256 << 10 // the size that counts for the default: the same of every way
	cachedReads     = 40_000    // of 4 KiB and less at random, 1 µs each
	cachedReadBytes = 1 << 30   // of larger ones
	coldReads       = 1000      // of one goroutine, 60 µs each
	coldReadsMany   = 6000      // of 64, 11 to 28 µs each
	coldReadBytes   = 128 << 20 // most of larger ones
	strideReads     = 16        // one of so many blocks is read
)

func newRegretJob(cell *regretCell, files regretFiles) *regretJob {
	j := &regretJob{cell: cell, names: files.names[cell.file], fileBytes: files.sizes[cell.file], opens: 1}
	if cell.cached() || cell.file == fileMiddle && cell.pattern != patternLimit {
		j.names = j.names[:1] // which is read again and again, or is long enough
	}
	j.readBytes = j.fileBytes
	// Tests and short runs have smaller files, and fewer of everything.
	share := float64(min(files.sizes[fileLarge], fullLargeBytes)) / fullLargeBytes
	scale := func(n int) int { return max(int(share*float64(n)), cell.goroutines) }
	switch cell.pattern {
	case patternLimit:
		j.limit(scale)
	case patternRandom:
		j.random(scale)
	case patternSequential, patternBackward, patternStrided:
		j.inOrder(scale)
	}
	switch {
	case cell.cache == cacheCold:
		j.fromDisk = j.bytes
	case cell.cache == cacheHalf && j.offs != nil:
		each := j.bytes / int64(len(j.offs))
		for _, off := range j.offs {
			if !pagecache.Alternate.Caches(j.fileBytes, off) {
				j.fromDisk += each
			}
		}
	case cell.cache == cacheHalf:
		j.fromDisk = pagecache.Alternate.Uncached(j.fileBytes, j.readBytes)
	case cell.cache == cacheFirstHalf:
		j.fromDisk = pagecache.FirstHalf.Uncached(j.fileBytes, j.readBytes)
	}
	return j
}

// inOrder is for what is read from one end to the other, all of it or one of
// so many blocks.
func (j *regretJob) inOrder(scale func(int) int) {
	c := j.cell
	switch {
	case c.cached() && c.file == fileSmall:
		j.opens = scale(smallOpens)
	case c.cached():
		run := cachedRunBytes
		if c.size == size256 || c.size == size4K {
			run = smallRunBytes
		}
		j.opens = max(1, scale(run)/int(j.fileBytes))
		if c.pattern == patternStrided { // a sixteenth of it, at four times the cost
			j.opens *= strideReads / 4
		}
	case c.file == fileSmall:
		j.opens = len(j.names)
	default:
		if c.pattern != patternStrided && c.cache != cacheFirstHalf {
			j.readBytes = min(j.fileBytes, max(int64(scale(coldRunBytes)), alignedBytes))
		}
	}
	j.bytes = int64(j.opens) * j.readBytes
	if c.pattern == patternStrided {
		j.bytes /= strideReads
	}
}

// random is for reads at offsets. Of a cold file none is read twice.
func (j *regretJob) random(scale func(int) int) {
	c := j.cell
	blocks := int(j.fileBytes) / c.size
	switch {
	case c.cached() && c.size <= size4K:
		j.reads = scale(cachedReads)
	case c.cached():
		j.reads = max(scale(cachedReadBytes)/c.size, c.goroutines)
	case c.goroutines > 2:
		j.reads = min(scale(coldReadsMany), coldReadBytes/c.size, blocks)
	default:
		j.reads = min(scale(coldReads), coldReadBytes/c.size, blocks)
	}
	r := rand.New(rand.NewPCG(11, 12))
	var order []int
	if !c.cached() {
		order = r.Perm(blocks)
	}
	j.offs = make([]int64, j.reads)
	for i := range j.offs {
		if order != nil {
			j.offs[i] = int64(order[i]) * int64(c.size)
		} else {
			j.offs[i] = r.Int64N(int64(blocks)) * int64(c.size)
		}
	}
	j.bytes = int64(j.reads) * int64(c.size)
}

// limit is for who opens, reads a little somewhere and leaves.
func (j *regretJob) limit(scale func(int) int) {
	c := j.cell
	j.readBytes = min(j.fileBytes, limitReads*int64(j.limitSize()))
	places := limitPlaces
	switch {
	case c.file == fileSmall:
		places = 1
	case c.cache == cacheHalf:
		places = halfPlaces
	}
	places = max(1, min(places, int(j.fileBytes/j.readBytes)))
	j.opens = len(j.names) * places // each place once, or it is cached the second time
	if c.cached() {
		j.opens = scale(limitOpens)
		if c.file == fileSmall {
			j.opens = scale(smallOpens)
		}
	}
	step := j.fileBytes / int64(places)
	r := rand.New(rand.NewPCG(13, 14))
	for len(j.offs) < j.opens {
		for _, place := range r.Perm(places) {
			off := int64(place) * step
			if c.cache == cacheHalf && place%2 == 1 {
				off += alignedBytes // where nothing is cached
			}
			// The same place in every file before the next: what was read of a file is
			// over when it is opened again.
			for range j.names {
				j.offs = append(j.offs, min(off, j.fileBytes-j.readBytes))
			}
		}
	}
	j.offs = j.offs[:j.opens]
	j.bytes = int64(j.opens) * j.readBytes
}

// limitSize returns the size of limit's reads.
func (j *regretJob) limitSize() int {
	if j.cell.size == sizeDefault {
		return limitDefault
	}
	return j.cell.size
}

// amount returns how many of the experiment's unit a run does.
func (j *regretJob) amount() float64 {
	switch {
	case j.reads > 0:
		return float64(j.reads)
	case j.cell.pattern == patternLimit || j.cell.file == fileSmall:
		return float64(j.opens)
	}
	return float64(j.bytes)
}

// about says what the cell is, and why it is in the matrix.
func (j *regretJob) about() string {
	c := j.cell
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s by %s", c.why, sizeName(j.bytes), goroutines(c.goroutines))
	if c.declared != source.Detect {
		fmt.Fprintf(&b, ", declared %v", c.declared)
	}
	if j.readBytes < j.fileBytes && c.pattern != patternLimit {
		fmt.Fprintf(&b, ", of the first %s of a file of %s", sizeName(j.readBytes), sizeName(j.fileBytes))
	}
	switch {
	case len(j.names) > 1:
		fmt.Fprintf(&b, ", of %d files opened %d times", len(j.names), j.opens)
	case j.opens > 1:
		fmt.Fprintf(&b, ", the file opened %d times", j.opens)
	}
	return b.String()
}

// serves returns why a way cannot serve the job's files.
func (w *regretWay) serves(j *regretJob) error {
	f, err := source.Open(background, j.names[0], w.options(j))
	if err != nil {
		return err
	}
	return f.Close()
}

// of returns the way's runs of a job. What is chosen says in its figures what
// served; what is forced has to say its name.
func (w *regretWay) of(j *regretJob) measure.Way {
	o := w.options(j)
	m := measure.Way{Name: w.name, Amount: j.amount(), Source: w.o.Source.String(), Bytes: j.bytes, Prepare: j.prepare()}
	past := w.past && j.cell.cache == cacheCold
	m.Run = func() (measure.Outcome, error) {
		r := &regretRun{regretJob: j, how: o}
		if err := errors.Join(r.run(), r.contradiction()); err != nil {
			return measure.Outcome{}, err
		}
		out := r.outcome()
		if w.o.Source == source.Auto {
			out.Source = w.o.Source.String()
		}
		if past {
			return out, stillCold(j.names[0])
		}
		return out, nil
	}
	if j.fromDisk > 0 {
		m.Run = fromDevice(j.fromDisk, m.Run)
	}
	return m
}
