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

// session reads one file in one of four ways. Windows outlive it.
func (r *reader) session(i int) {
	ctx, end := r.context()
	defer end()
	switch r.rng.IntN(4) {
	case 0: // a Reader of its own
		d, err := source.OpenReader(ctx, r.plan.path(i), r.options())
		if r.failed(err, "open") {
			return
		}
		r.tally.add(opens, 1)
		r.read(ctx, i, d.ReadManaged)
		r.fine(d.Close(), "close")
	case 1: // a File of its own
		f, err := r.open(ctx, i)
		if r.failed(err, "open") {
			return
		}
		r.read(ctx, i, r.at(f))
		r.fine(f.Close(), "close")
	case 2: // a Reader of a File that others have too
		f, err := r.shelf.get(ctx, i, r.open)
		if r.failed(err, "open") {
			return
		}
		d := f.NewReader(r.options())
		r.read(ctx, i, d.ReadManaged)
		r.fine(d.Close(), "close")
	default: // that File
		f, err := r.shelf.get(ctx, i, r.open)
		if r.failed(err, "open") {
			return
		}
		r.read(ctx, i, r.at(f))
		if r.rng.IntN(4) == 0 {
			r.fine(r.shelf.clear(i), "close")
		}
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

// options returns how a file is opened. The size of a Reader's windows varies.
func (r *reader) options() *source.Options {
	return &source.Options{
		Runtime: r.rt, Source: r.kind, Pattern: source.Reuse,
		WindowBytes: source.Granularity << r.rng.IntN(11),
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
