package windowtest

import (
	"context"
	"io"
	"math"
	"sync/atomic"

	"github.com/oriel-go/oriel/window"
)

// A Model is a source in memory that does what the contract says and no more:
// each window is a copy, in a buffer of its own that is overwritten when the
// window is released. It is a [window.Reader] for one goroutine and a
// [window.ReaderAt] for any number, at the same time.
type Model struct {
	content     []byte
	windowBytes int
	mem         *Memory
	off         int // of the next window; only ReadManaged's goroutine uses it
	closed      atomic.Bool
}

// NewModel returns a source over content, which must not change, with a
// memory of its own. ReadManaged gives windows of windowBytes, at least 1.
func NewModel(content []byte, windowBytes int) *Model {
	return NewModelIn(NewMemory(false), content, windowBytes)
}

// NewModelIn is NewModel with windows that live in mem.
func NewModelIn(mem *Memory, content []byte, windowBytes int) *Model {
	if windowBytes < 1 {
		panic("windowtest: a Model with windows of no bytes")
	}
	return &Model{content: content, windowBytes: windowBytes, mem: mem}
}

// Memory returns the memory that the windows live in.
func (m *Model) Memory() *Memory { return m.mem }

// HeldBytes returns the number of bytes in windows not yet released.
func (m *Model) HeldBytes() int64 { return m.mem.HeldBytes() }

// Size returns the length of the content.
func (m *Model) Size() int64 { return int64(len(m.content)) }

// ReadManaged implements [window.Reader].
func (m *Model) ReadManaged(ctx context.Context) (window.Window, error) {
	n := min(m.windowBytes, len(m.content)-m.off)
	if err := m.usable(ctx); err != nil {
		return window.Window{}, &window.Error{Op: "read", Path: "model", Off: int64(m.off), Len: int64(n), Err: err}
	}
	if n == 0 {
		return window.Window{}, io.EOF
	}
	w, err := m.read(ctx, m.off, n)
	if err == nil {
		m.off += n
	}
	return w, err
}

// ReadManagedAt implements [window.ReaderAt].
func (m *Model) ReadManagedAt(ctx context.Context, off int64, n int) (window.Window, error) {
	err := window.Range{Off: off, Len: int64(n)}.Check()
	if err == nil {
		err = m.usable(ctx)
	}
	if err != nil {
		return window.Window{}, &window.Error{Op: "read", Path: "model", Off: off, Len: int64(n), Err: err}
	}
	if n == 0 {
		return window.Window{}, nil
	}
	if off >= m.Size() {
		return window.Window{}, io.EOF
	}
	return m.read(ctx, int(off), int(min(int64(n), m.Size()-off, math.MaxInt)))
}

// usable returns what keeps any call from being served.
func (m *Model) usable(ctx context.Context) error {
	if m.closed.Load() {
		return window.ErrClosed
	}
	return ctx.Err()
}

// read copies the range [off, off+n), which lies within the content.
func (m *Model) read(ctx context.Context, off, n int) (window.Window, error) {
	b, err := m.mem.Acquire(ctx, n)
	if err != nil {
		return window.Window{}, err
	}
	copy(b.Bytes(), m.content[off:])
	return window.New(b, m.mem, b.Bytes(), int64(off)), nil
}

// Close ends the reading. Windows stay valid; closing twice does nothing.
func (m *Model) Close() error {
	m.closed.Store(true)
	return nil
}
