package window

import "context"

// Backing is memory that lives as long as somebody needs it: one slot of a
// pool, a range of a mapping, a slice of the Go heap.
type Backing interface {
	// Free says that nobody uses the memory any more. The window package
	// calls it exactly once, from the goroutine that gives up the last owner;
	// it must not block.
	Free()
}

// Describer is what a Backing may implement to say more about itself through
// [Window.Info]. A Backing without it is described as private memory that
// holding the window pins no more of than the window's own bytes.
type Describer interface {
	// Describe is called by any owner of the memory, from any goroutine.
	Describe() Info
}

// Buffer is memory that can be written by its one holder, until the holder
// either calls Free or hands it to [New], which then calls Free in its place.
// A Buffer is used by one goroutine at a time.
type Buffer interface {
	Backing

	// Bytes returns the memory: len is the number of bytes that were asked
	// for, cap == len, and the contents are arbitrary.
	Bytes() []byte
}

// Memory is a kind of memory and where to get more of it. It travels on every
// window ([Window.Memory]), so that whatever joins or copies the bytes of a
// window does so in memory of the same kind: what is secure stays secure.
//
// Its methods may be called by any number of goroutines.
type Memory interface {
	// Acquire returns n bytes, n >= 0, to be freed by the caller. It waits in
	// order for memory that others hold and stops waiting when ctx ends. It
	// fails at once with an error that wraps [ErrNoMemory] when n can never
	// be had, and with one that wraps [ErrClosed] after the memory was closed.
	Acquire(ctx context.Context, n int) (Buffer, error)

	// Secure reports whether the memory is for secrets.
	Secure() bool
}

// Heap is memory of the Go heap without a budget: at most 1 GiB at a time is
// given, because make ends the process when it cannot be had. It is what a
// window made with a nil Memory joins and copies in.
var Heap Memory = heap{}

const heapMaxBytes = 1 << 30

type heap struct{}

type heapBuffer []byte

func (heap) Acquire(ctx context.Context, n int) (Buffer, error) {
	if err := ctx.Err(); err != nil {
		return nil, &Error{Op: "acquire", Len: int64(n), Err: err}
	}
	if n < 0 {
		return nil, &Error{Op: "acquire", Len: int64(n), Err: ErrRange}
	}
	if n > heapMaxBytes {
		return nil, &Error{Op: "acquire", Len: int64(n), Err: ErrNoMemory}
	}
	b := heapBuffer(make([]byte, n))
	return &b, nil
}

func (heap) Secure() bool { return false }

func (b *heapBuffer) Bytes() []byte { return *b }

func (b *heapBuffer) Free() { *b = nil }
