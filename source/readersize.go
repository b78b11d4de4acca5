package source

import (
	"fmt"

	"github.com/oriel-go/oriel/source/internal/plan"
	"github.com/oriel-go/oriel/window"
)

// Name returns the name the source was opened by, as far as it has one.
func (r *Reader) Name() string { return r.f.Name() }

// Size returns the size of the source as [File.Size] has it, and -1 of a
// stream.
func (r *Reader) Size() int64 {
	if r.f.stream != nil {
		return -1
	}
	return r.f.Size()
}

// Granularity returns what window sizes are multiples of, in bytes.
func (r *Reader) Granularity() int { return Granularity }

// MaxWindowSize returns the largest window size that can be set, in bytes:
// LargestWindowBytes, or the Runtime's memory budget if that is less. What a
// mapping lends by default may be more.
func (r *Reader) MaxWindowSize() int { return r.f.rt.maxWindow() }

// WindowSize returns the size of the windows to come, in bytes. Over a mapping
// it is MappedWindowBytes unless it was set; what has to be copied comes in
// smaller ones then.
func (r *Reader) WindowSize() int {
	if plan.Way(r.way.Load()) == plan.Mmap && !r.sized.Load() {
		return r.f.lentBytes()
	}
	return r.copyBytes()
}

// copyBytes is the size of windows that are copied.
func (r *Reader) copyBytes() int { return int(r.bytes.Load()) }

// SetWindowSize sets the size of the windows to come, in bytes: a multiple of
// Granularity, at least that and at most MaxWindowSize. What was begun already
// keeps its size. Any other size is an error that wraps window.ErrOption and
// changes nothing.
func (r *Reader) SetWindowSize(n int) error {
	if err := checkWindow(n, r.MaxWindowSize()); err != nil {
		return r.f.fail("window size", 0, 0, err)
	}
	r.bytes.Store(int64(n))
	r.sized.Store(true)
	r.stale.Store(true)
	r.sess.SetReserve(int64(n) + r.joins.Load())
	return nil
}

// ReserveJoin makes room for a join of maxBytes while it grows, in the account
// of memory beyond the budget. window.NewCursor calls it.
func (r *Reader) ReserveJoin(maxBytes int) {
	r.joins.Store(max(2*int64(maxBytes), reserveBytes))
	r.sess.SetReserve(r.bytes.Load() + r.joins.Load())
}

// Pattern returns the pattern that was set last.
func (r *Reader) Pattern() Pattern { return Pattern(r.pattern.Load()) }

// SetPattern changes the hint at how the source will be read from here on.
func (r *Reader) SetPattern(p Pattern) {
	if p > Reuse {
		panic(fmt.Sprintf("source: SetPattern(%v)", p))
	}
	r.pattern.Store(uint32(p))
	r.stale.Store(true)
}

// Stats returns what the Reader has done.
func (r *Reader) Stats() Stats { return r.count.stats() }

var (
	_ window.Reader   = (*Reader)(nil)
	_ window.ReaderAt = (*Reader)(nil)
	_ window.ReaderAt = (*File)(nil)
)
