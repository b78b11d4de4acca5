package workload

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/oriel-go/oriel/bench/measure"
	"github.com/oriel-go/oriel/source"
	"github.com/oriel-go/oriel/window"
)

// background is the context of reads that nobody ends.
var background = context.Background()

// A regretRun is one run of a job by one way.
type regretRun struct {
	*regretJob
	how *source.Options

	mu     sync.Mutex
	total  regretTally
	stats  source.Stats
	source string // that Explain says
}

// A regretTally is what one goroutine has read.
type regretTally struct {
	answer uint64 // a sum: the goroutines' own can be added
	bytes  int64

	// Bytes of windows by what fetched them, and how many windows of each.
	lent, ringed, copied        int64
	lentReads, ringedReads, all int64
}

// came notes what fetched a window.
func (t *regretTally) came(w window.Window) {
	n := int64(w.Len())
	t.all++
	switch w.Info().Source {
	case mapped:
		t.lent += n
		t.lentReads++
	case ringed:
		t.ringed += n
		t.ringedReads++
	default:
		t.copied += n
	}
}

// count counts newlines, which touches every byte.
func (t *regretTally) count(p []byte) {
	t.answer += uint64(bytes.Count(p, newline))
	t.bytes += int64(len(p))
}

// lineBytes is how far apart the words are that are looked at of a read at an
// offset: in every cache line one.
const lineBytes = 64

// words adds one word of every cache line.
func (t *regretTally) words(p []byte) {
	for i := 0; i+8 <= len(p); i += lineBytes {
		t.answer += binary.LittleEndian.Uint64(p[i:])
	}
	t.bytes += int64(len(p))
}

func (r *regretRun) run() error {
	switch c := r.cell; {
	case c.pattern == patternRandom:
		return r.shared(r.randomly)
	case c.pattern == patternLimit, c.file == fileSmall:
		return r.openings(r.goroutineOpens)
	case c.goroutines > 1, c.pattern == patternStrided, c.pattern == patternBackward:
		// Reads at offsets are counted by the File, also those of a Reader.
		for i := range r.opens {
			if err := r.sharedOf(r.names[i%len(r.names)], r.partly); err != nil {
				return err
			}
		}
		return nil
	}
	return r.openings(r.goroutineOpens)
}

// openings has the goroutines share the opens among them.
func (r *regretRun) openings(do func(t *regretTally, from, to int) error) error {
	return r.together(func(t *regretTally, g int) error {
		n := r.cell.goroutines
		return do(t, g*r.opens/n, (g+1)*r.opens/n)
	})
}

// together runs the goroutines of the cell, one of them here.
func (r *regretRun) together(do func(t *regretTally, g int) error) error {
	n := r.cell.goroutines
	tallies, errs := make([]regretTally, n), make([]error, n)
	var wg sync.WaitGroup
	for g := 1; g < n; g++ {
		wg.Go(func() { errs[g] = do(&tallies[g], g) })
	}
	errs[0] = do(&tallies[0], 0)
	wg.Wait()
	for i := range tallies {
		r.total.add(&tallies[i])
	}
	return errors.Join(errs...)
}

func (t *regretTally) add(u *regretTally) {
	t.answer += u.answer
	t.bytes += u.bytes
	t.lent += u.lent
	t.ringed += u.ringed
	t.copied += u.copied
	t.lentReads += u.lentReads
	t.ringedReads += u.ringedReads
	t.all += u.all
}

// goroutineOpens opens files and reads each as the cell says.
func (r *regretRun) goroutineOpens(t *regretTally, from, to int) error {
	for i := from; i < to; i++ {
		if err := r.open(t, r.names[i%len(r.names)], i); err != nil {
			return err
		}
	}
	return nil
}

// open reads one file by a Reader of its own.
func (r *regretRun) open(t *regretTally, name string, i int) (err error) {
	o, err := source.OpenReader(background, name, r.how)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	lo := int64(0)
	if r.cell.pattern == patternLimit {
		lo = r.offs[i]
	}
	if err := r.read(t, o, lo, lo+r.readBytes); err != nil {
		return err
	}
	r.served(o.Source(), o.Stats())
	return nil
}

// served notes what a Reader or File says that it has done.
func (r *regretRun) served(by string, s source.Stats) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.source = by
	r.stats.Reads += s.Reads
	r.stats.Lent += s.Lent
	r.stats.Ringed += s.Ringed
	r.stats.Waits += s.Waits
}

// shared opens the first file for all goroutines.
func (r *regretRun) shared(do func(t *regretTally, f *source.File, g int) error) error {
	return r.sharedOf(r.names[0], do)
}

func (r *regretRun) sharedOf(name string, do func(t *regretTally, f *source.File, g int) error) (err error) {
	f, err := source.Open(background, name, r.how)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := r.together(func(t *regretTally, g int) error { return do(t, f, g) }); err != nil {
		return err
	}
	r.served(f.Source(), f.Stats())
	return nil
}

// partly reads a goroutine's part of the file by a Reader.
func (r *regretRun) partly(t *regretTally, f *source.File, g int) (err error) {
	o := f.NewReader(nil)
	defer func() { err = errors.Join(err, o.Close()) }()
	n := int64(r.cell.goroutines)
	part := func(g int64) int64 { return g * r.readBytes / n / size64K * size64K }
	lo, hi := part(int64(g)), part(int64(g)+1)
	if int64(g) == n-1 {
		hi = r.readBytes
	}
	return r.read(t, o, lo, hi)
}

// read reads [lo, hi) of a file in the order of the cell.
func (r *regretRun) read(t *regretTally, o *source.Reader, lo, hi int64) error {
	size := int64(r.cell.size)
	switch r.cell.pattern {
	case patternStrided:
		for off := lo; off+size <= hi; off += strideReads * size {
			if err := r.at(t, o, off); err != nil {
				return err
			}
		}
		return nil
	case patternBackward:
		for off := hi - size; off >= lo; off -= size {
			if err := r.at(t, o, off); err != nil {
				return err
			}
		}
		return nil
	}
	if lo > 0 {
		if err := o.SeekTo(lo); err != nil {
			return err
		}
	}
	if size == size256 {
		return records(t, o, hi-lo)
	}
	return inWindows(t, o, hi)
}

// inWindows reads up to an offset. Of the last window counts what is before it.
func inWindows(t *regretTally, o *source.Reader, hi int64) error {
	for {
		w, err := o.ReadManaged(background)
		if err != nil {
			return unexpectedEnd(err)
		}
		t.came(w)
		end := w.Off() + int64(w.Len())
		t.count(w.Bytes()[:int64(w.Len())-max(0, end-hi)])
		w.Release()
		if end >= hi {
			return nil
		}
	}
}

// records reads n bytes in records of 256 by a Cursor.
func records(t *regretTally, o *source.Reader, n int64) (err error) {
	c := window.NewCursor(background, o, nil)
	defer func() { err = errors.Join(err, c.Close()) }()
	for ; n > 0; n -= size256 {
		b, err := c.Peek(size256)
		if err != nil {
			return unexpectedEnd(err)
		}
		t.count(b.Bytes())
		if err := c.Skip(size256); err != nil {
			return unexpectedEnd(err)
		}
	}
	return nil
}

// unexpectedEnd makes an error of the end of a file that was to be longer.
func unexpectedEnd(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// at reads one block.
func (r *regretRun) at(t *regretTally, f window.ReaderAt, off int64) error {
	w, err := f.ReadManagedAt(background, off, r.cell.size)
	if err != nil {
		return unexpectedEnd(err)
	}
	t.came(w)
	t.words(w.Bytes())
	w.Release()
	return nil
}

// randomly reads a goroutine's share of the blocks.
func (r *regretRun) randomly(t *regretTally, f *source.File, g int) error {
	n := r.cell.goroutines
	for _, off := range r.offs[g*r.reads/n : (g+1)*r.reads/n] {
		if err := r.at(t, f, off); err != nil {
			return err
		}
	}
	return nil
}

// outcome returns what the run was.
func (r *regretRun) outcome() measure.Outcome {
	t, s := &r.total, &r.stats
	o := measure.Outcome{Answer: t.answer, Source: r.source, Bytes: t.bytes, Waits: s.Waits}
	// A Cursor's windows are seen by Stats only.
	lent, ringed, all := float64(s.Lent), float64(s.Ringed), float64(s.Reads)
	if t.all > 0 {
		lent, ringed, all = float64(t.lent), float64(t.ringed), float64(t.lent+t.ringed+t.copied)
	}
	o.Figures = shares(lent, ringed, all)
	return o
}

// shares are what fetched what was read, of all of it.
func shares(lent, ringed, all float64) map[string]float64 {
	return map[string]float64{
		measure.FigureLent: lent / all, measure.FigureRinged: ringed / all, measure.FigureCopied: (all - lent - ringed) / all,
	}
}

// contradiction returns an error if the windows say something else than Stats.
func (r *regretRun) contradiction() error {
	t, s := &r.total, &r.stats
	if t.all > 0 && (t.all != s.Reads || t.lentReads != s.Lent || t.ringedReads != s.Ringed) {
		return fmt.Errorf("of %d windows %d say that they were lent and %d that they came through the ring; Stats have %d, %d and %d",
			t.all, t.lentReads, t.ringedReads, s.Reads, s.Lent, s.Ringed)
	}
	return nil
}
