package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/oriel-go/oriel/source"
	"github.com/oriel-go/oriel/window"
)

const (
	sessionLines  = 2000    // at most, of one Cursor
	burstLines    = 64      // between two bursts
	retainedOneIn = 16      // lines that are kept
	skippedOneIn  = 128     // lines behind which some are skipped
	mostSkipped   = 4 << 20 // bytes
)

// lines reads lines of d through a Cursor. The files have them by chance: a byte
// of an offset is a line feed in 256 bytes of each 64 KiB.
func (r *reader) lines(ctx context.Context, file int, d *source.Reader) {
	c := window.NewCursor(ctx, d, nil)
	defer func() { r.fine(c.Close(), "close") }()
	over := false
	for n := 0; n < sessionLines && !over && r.running(); {
		fault := safely(func() { n, over = r.someLines(ctx, file, c, n) })
		if fault != nil {
			r.findAt(faults, file, c.Off(), fmt.Sprintf("in a Cursor: %v", fault))
			return
		}
	}
}

// someLines reads lines until some are to be skipped. n of them have been read,
// and it returns how many are then; over is true if there are no more.
func (r *reader) someLines(ctx context.Context, file int, c *window.Cursor, n int) (_ int, over bool) {
	for b, err := range c.Lines() {
		if errors.Is(err, window.ErrTooLong) { // what was punched has none
			_, err = c.SkipUntil('\n')
			return n + 1, r.skipped(err)
		}
		if err != nil {
			r.failed(err, "read a line")
			return n, true
		}
		n++
		r.tally.add(lines, 1)
		if b.Len() > 0 && r.line(ctx, file, b) {
			return n, true
		}
		if n%burstLines == 0 {
			r.burst()
			r.releaseDue(time.Now())
			r.rest()
		}
		if n >= sessionLines || !r.running() {
			return n, true
		}
		if r.rng.IntN(skippedOneIn) == 0 {
			return n, r.skipped(c.Skip(r.rng.Int64N(mostSkipped)))
		}
	}
	r.tally.add(ended, 1)
	return n, true
}

// skipped is failed of a skip, which may reach beyond the end.
func (r *reader) skipped(err error) (over bool) {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return r.failed(err, "skip")
}

// line looks at a line and keeps it now and then. It returns true if that is
// not to be had.
func (r *reader) line(ctx context.Context, file int, b window.Borrowed) (over bool) {
	if text := r.misfit(b.Bytes(), file, b.Off()); text != "" {
		r.findAt(misplacement, file, b.Off(), "a line: "+text)
	}
	if r.full() || r.rng.IntN(retainedOneIn) != 0 {
		return false
	}
	w, err := b.Retain(ctx)
	if err != nil {
		return r.failed(err, "retain")
	}
	r.take(w, file)
	return false
}
