package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime/debug"
	"time"

	"github.com/oriel-go/oriel/source"
	"github.com/oriel-go/oriel/window"
)

const (
	sessionReads = 48                     // at most, from one File or Reader
	patience     = 60 * time.Second       // a read that takes longer hangs
	meanPause    = 300 * time.Microsecond // between bursts
)

// A reader opens files and reads windows, one session after the other.
type reader struct {
	hand
	*stage
	buf []byte // for reads into own memory
}

// A next function reads one window of a session.
type next func(context.Context) (window.Window, error)

// run reads until the stage is over.
func (r *reader) run() {
	debug.SetPanicOnFault(true)
	defer r.releaseAll()
	for r.running() {
		r.session(r.rng.IntN(len(r.plan.FileBytes)))
	}
}

// session reads one file in one of four ways. Windows outlive it; those of some
// sessions are released at once, so that extents are given up behind the reader
// beside those that others hold.
func (r *reader) session(i int) {
	ctx, end := r.context()
	defer end()
	r.hold = r.plan.Hold
	if r.rng.IntN(3) == 0 {
		r.hold = max(r.plan.Hold/32, 1)
	}
	switch r.rng.IntN(4) {
	case 0: // a Reader of its own
		d, err := source.OpenReader(ctx, r.plan.path(i), r.options())
		if r.failed(err, "open") {
			return
		}
		r.tally.add(opens, 1)
		r.inOrder(ctx, i, d)
	case 1: // a File of its own
		f, err := r.open(ctx, i)
		if r.failed(err, "open") {
			return
		}
		r.here(ctx, i, f)
		r.fine(f.Close(), "close")
	case 2: // a Reader of a File that others have too
		f, err := r.shelf.get(ctx, i, r.open)
		if r.failed(err, "open") {
			return
		}
		r.inOrder(ctx, i, f.NewReader(r.options()))
	default: // that File
		f, err := r.shelf.get(ctx, i, r.open)
		if r.failed(err, "open") {
			return
		}
		r.here(ctx, i, f)
		if r.rng.IntN(4) == 0 {
			r.fine(r.shelf.clear(i), "close")
		}
	}
}

// inOrder reads windows or lines of d, and closes it. In the control only
// windows are read: the library is not made to touch what faults itself.
func (r *reader) inOrder(ctx context.Context, i int, d *source.Reader) {
	if freezes && r.rng.IntN(4) == 0 {
		r.lines(ctx, i, d)
	} else {
		r.read(ctx, i, r.next(d))
	}
	r.fine(d.Close(), "close")
}

// here reads ranges of f as windows, or into memory of its own.
func (r *reader) here(ctx context.Context, i int, f *source.File) {
	if freezes && r.rng.IntN(4) == 0 {
		r.copies(ctx, i, f)
	} else {
		r.read(ctx, i, r.at(f))
	}
}

// context returns the context of a session: every third cannot end, which is
// another way through the library.
func (r *reader) context() (context.Context, context.CancelFunc) {
	if r.rng.IntN(3) == 0 {
		return context.Background(), func() {}
	}
	return context.WithTimeout(context.Background(), patience)
}

func (r *reader) open(ctx context.Context, i int) (*source.File, error) {
	f, err := source.Open(ctx, r.plan.path(i), r.options())
	if err == nil {
		r.tally.add(opens, 1)
	}
	return f, err
}

// patterns are what files are opened with: Detect is the default.
var patterns = []source.Pattern{source.Detect, source.Sequential, source.Random, source.Once, source.Reuse}

// options returns how a file is opened. The size of a Reader's windows varies; a
// third have the default, which is two extents of a mapping.
func (r *reader) options() *source.Options {
	o := &source.Options{Runtime: r.rt, Source: r.kind, Pattern: patterns[r.rng.IntN(len(patterns))]}
	if r.rng.IntN(3) != 0 {
		o.WindowBytes = source.Granularity << r.rng.IntN(11)
	}
	return o
}

// next returns a function that reads d from front to back, for the most part.
func (r *reader) next(d *source.Reader) next {
	return func(ctx context.Context) (window.Window, error) {
		switch r.rng.IntN(24) {
		case 0:
			if err := d.SeekTo(r.rng.Int64N(d.Size() + source.Granularity)); err != nil {
				return window.Window{}, err
			}
		case 1:
			return d.TryReadManaged(ctx)
		case 2:
			return d.ReadManagedAt(ctx, r.rng.Int64N(d.Size()+1), 1+r.rng.IntN(64<<10))
		case 3:
			d.SetPattern(patterns[r.rng.IntN(len(patterns))])
		}
		w, err := d.ReadManaged(ctx)
		if err == io.EOF && r.rng.IntN(2) == 0 { // once more from the beginning
			if err = d.SeekTo(0); err == nil {
				return d.ReadManaged(ctx)
			}
		}
		return w, err
	}
}

// at returns a function that reads ranges of f, most of them small.
func (r *reader) at(f *source.File) next {
	return func(ctx context.Context) (window.Window, error) {
		n := source.Granularity
		switch k := r.rng.IntN(100); {
		case k < 20:
			n = 1 + r.rng.IntN(64<<10)
		case k < 30:
			n <<= r.rng.IntN(11)
		}
		off := r.rng.Int64N(f.Size() + 1)
		if r.rng.IntN(2) == 0 {
			off -= off % source.Granularity
		}
		switch r.rng.IntN(16) {
		case 0:
			return f.TryReadManagedAt(ctx, off, n)
		case 1:
			soon, end := context.WithTimeout(ctx, time.Duration(r.rng.IntN(1000))*time.Microsecond)
			defer end()
			w, err := f.ReadManagedAt(soon, off, n)
			if errors.Is(err, context.DeadlineExceeded) {
				err = errHurried
			}
			return w, err
		}
		return f.ReadManagedAt(ctx, off, n)
	}
}

// errHurried: the context of a read ended early, as it was meant to.
var errHurried = errors.New("hurried")

// read reads windows, holds them and releases them.
func (r *reader) read(ctx context.Context, file int, next next) {
	for range 1 + r.rng.IntN(sessionReads) {
		if !r.running() {
			return
		}
		if !r.full() {
			w, err := next(ctx)
			switch {
			case err != nil:
				if r.failed(err, "read") {
					return
				}
			case w.Len() == 0:
				r.fine(fmt.Errorf("%v is empty", w), "read")
				w.Release()
			default:
				r.take(w, file)
				r.share()
			}
		}
		r.burst()
		r.releaseDue(time.Now())
		r.rest()
	}
}

// share gives another goroutine an owner of the last window, now and then.
func (r *reader) share() {
	if r.rng.IntN(sharedOneIn) != 0 {
		return
	}
	x, ok := r.second(len(r.held) - 1)
	if !ok {
		return
	}
	select {
	case r.handed <- x:
	default: // all are busy
		r.keep(x)
	}
}

// failed counts an error of an open or a read and reports whether the session
// has to end.
func (r *reader) failed(err error, operation string) (over bool) {
	if err == nil {
		return false
	}
	c, over := expected(err)
	if c == unexpected {
		r.log.add("%s: %v", operation, err)
	}
	r.tally.add(c, 1)
	if over {
		r.rest()
	}
	return over
}

// expected says what an error is counted as, and whether it ends a session.
func expected(err error) (c count, over bool) {
	switch {
	case err == io.EOF:
		return ended, true
	case err == errHurried:
		return hurried, false
	case errors.Is(err, window.ErrNotReady):
		return notReady, false
	case errors.Is(err, window.ErrRefused):
		return refused, true
	case errors.Is(err, window.ErrClosed):
		return closed, true
	case errors.Is(err, fs.ErrNotExist):
		return missing, true
	}
	return unexpected, true
}

// fine counts an error of what must not fail.
func (r *reader) fine(err error, operation string) {
	if err != nil {
		r.log.add("%s: %v", operation, err)
		r.tally.add(unexpected, 1)
	}
}

// A holder holds what readers share with it.
type holder struct {
	hand
	*stage
}

// run holds windows until the readers are done.
func (h *holder) run() {
	debug.SetPanicOnFault(true)
	defer h.releaseAll()
	for {
		given := h.handed
		if h.full() {
			given = nil
		}
		if len(h.held) == 0 { // nothing to do but to wait
			x, ok := <-given
			if !ok {
				return
			}
			h.keep(x)
		}
		select {
		case x, ok := <-given:
			if !ok {
				return
			}
			h.keep(x)
		default:
		}
		h.burst()
		h.releaseDue(time.Now())
		h.rest()
	}
}
