package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/oriel-go/oriel/source"
)

const (
	sessionCopies  = 64       // at most, from one File
	mostCopyBytes  = 1 << 20  // of one read, of one in four
	smallCopyBytes = 64 << 10 // of the others
)

// copies reads ranges of f into memory of the reader's own, where they are not
// still, but belong where they are.
func (r *reader) copies(ctx context.Context, file int, f *source.File) {
	if r.buf == nil {
		r.buf = make([]byte, mostCopyBytes)
	}
	for range 1 + r.rng.IntN(sessionCopies) {
		if !r.running() || r.copyOne(ctx, file, f) {
			return
		}
		r.burst()
		r.releaseDue(time.Now())
		r.rest()
	}
}

// copyOne reads one range and reports whether the session has to end.
func (r *reader) copyOne(ctx context.Context, file int, f *source.File) (over bool) {
	most := smallCopyBytes
	if r.rng.IntN(4) == 0 {
		most = mostCopyBytes
	}
	p := r.buf[:1+r.rng.IntN(most)]
	off := r.rng.Int64N(f.Size() + 1)
	var n int
	var err error
	fault := safely(func() {
		switch r.rng.IntN(3) {
		case 0:
			n, err = f.ReadAt(p, off)
		case 1:
			n, err = f.ReadInto(ctx, p, off)
		default:
			n, err = f.WithContext(ctx).ReadAt(p, off)
		}
	})
	if fault != nil {
		r.findAt(faults, file, off, fmt.Sprintf("in a read of %d bytes: %v", len(p), fault))
		return true
	}
	r.tally.add(own, 1)
	if n > 0 {
		if text := r.misfit(p[:n], file, off); text != "" {
			r.findAt(misplacement, file, off, "a read into own memory: "+text)
		}
	}
	if n < len(p) && err == nil {
		r.fine(fmt.Errorf("%d of %d bytes, and no error", n, len(p)), "read")
	}
	if err == io.EOF { // the File stays readable
		r.tally.add(ended, 1)
		return false
	}
	return r.failed(err, "read")
}
