package window

import (
	"context"
	"fmt"
	"io"
)

// A Window is an owned, read-only slice of resident memory. The zero Window is
// empty, owns nothing, and every method works on it.
//
// A Window is a handle of four words. Copying it copies the handle, not the
// ownership: all copies stand for one owner, and exactly one Release among
// them is right. A second owner is made by [Window.Retain] or [Window.Slice].
// Any use of a handle whose owner has been released panics, in every build.
//
// Different owners of the same memory may be used and released by different
// goroutines at the same time. One owner's Release must not run at the same
// time as another use of that same owner.
//
// Putting a Window into an interface value allocates.
type Window struct {
	// At most four words: a fifth keeps the struct out of registers and
	// doubles the cost of a handle.
	p   *byte   // the first byte
	n   int     // the length
	t   *ticket // the owner's; nil only in the zero Window
	gen uint64  // t.gen while the owner lives
}

// Bytes returns the window's bytes, lent until Release. They must not be
// written: a guarded window's pages are read-only, and writing them kills the
// process. cap == len, so that an append copies and never reaches what lies
// behind. It inlines, and costs one load and a compare: call it once per loop.
//
// A slice kept after Release cannot be detected in a release build. For memory
// of package pool, builds with -race report its readers, and the debug mode
// poisons it.
func (w Window) Bytes() []byte {
	if w.t != nil && w.t.gen.Load() != w.gen {
		dead("Bytes")
	}
	return bytesAt(w.p, w.n)
}

// Len returns the number of bytes.
func (w Window) Len() int {
	if w.t != nil && w.t.gen.Load() != w.gen {
		dead("Len")
	}
	return w.n
}

// Off returns the offset in the source of the first byte. What is not a range
// of a source, such as the zero Window, is at 0.
func (w Window) Off() int64 {
	if w.t == nil {
		return 0
	}
	if w.t.gen.Load() != w.gen {
		dead("Off")
	}
	off := w.t.off
	if w.t.gen.Load() != w.gen { // again: the ticket may be another's by now
		dead("Off")
	}
	return off
}

// Retain returns one more owner of the same bytes. Both are released once.
func (w Window) Retain() Window { return w.own("Retain", 0, w.n) }

// Slice returns a new owner of the bytes [lo, hi). It shares memory with w and
// may outlive it. It panics when not 0 <= lo <= hi <= w.Len().
func (w Window) Slice(lo, hi int) Window {
	if lo < 0 || hi < lo || hi > w.n {
		panic(fmt.Sprintf("window: Slice[%d:%d] of a window of %d bytes", lo, hi, w.n))
	}
	return w.own("Slice", lo, hi)
}

// Release gives the owner up. The last owner's Release gives the memory back
// to where it came from. Releasing the zero Window does nothing; releasing the
// same owner twice panics, and harms no other owner.
func (w Window) Release() {
	if w.t != nil {
		w.release()
	}
}

// Info describes the memory under the window. The zero Window has the zero
// Info.
func (w Window) Info() Info {
	if w.t == nil {
		return Info{}
	}
	s := w.shared("Info")
	if d, ok := s.backing.(Describer); ok {
		return d.Describe()
	}
	return Info{Residency: Private, PinnedBytes: int64(s.n)}
}

// Memory returns the kind of memory the window lives in, where joins and
// copies of it must live too. The zero Window's is [Heap].
func (w Window) Memory() Memory {
	if w.t == nil {
		return Heap
	}
	return w.shared("Memory").memory
}

// Compact returns a copy of the bytes in memory acquired from m, or from
// w.Memory() when m is nil, at the same offset: a small copy instead of a large
// pinned block. w stays owned by the caller. Copying secure bytes into memory
// that is not secure is an error that wraps [ErrUnsupported].
func (w Window) Compact(ctx context.Context, m Memory) (Window, error) {
	p, from := w.Bytes(), w.Memory()
	if m == nil {
		m = from
	}
	fail := func(err error) (Window, error) {
		return Window{}, wrap(err, "compact", "", w.Off(), int64(w.n))
	}
	if from.Secure() && !m.Secure() {
		return fail(fmt.Errorf("secure bytes into memory that is not: %w", ErrUnsupported))
	}
	b, err := m.Acquire(ctx, len(p))
	if err != nil {
		return fail(err)
	}
	c := b.Bytes()[:len(p):len(p)]
	copy(c, p)
	return New(b, m, c, w.Off()), nil
}

// Format prints window[off:end), whatever the verb, and never the contents:
// windows end up in logs, and some hold secrets. It prints released windows
// too, as such.
func (w Window) Format(f fmt.State, _ rune) {
	switch {
	case w.t == nil:
		io.WriteString(f, "window[0:0)")
	case w.t.gen.Load() != w.gen:
		io.WriteString(f, "window(released)")
	default:
		fmt.Fprintf(f, "window[%d:%d)", w.t.off, w.t.off+int64(w.n))
	}
}
