package windowtest

import (
	"bytes"
	"context"
	"sync"

	"github.com/oriel-go/oriel/window"
)

// A ModelWriter is a [window.Writer] into memory that does what the contract
// says and no more. Its write windows are buffers of their own in a [Memory].
type ModelWriter struct {
	mem *Memory

	mu      sync.Mutex
	content []byte
	limit   int64 // content grows to here
	err     error // what a commit beyond the limit fails with
	failed  error // the first error, final
	closed  bool
}

// NewModelWriter returns a writer over nothing, with a memory of its own.
func NewModelWriter() *ModelWriter {
	return &ModelWriter{mem: NewMemory(false), limit: maxBytes}
}

// FailAfter has the commit that would exceed n bytes write up to there and
// fail with err in a [*window.Error], as does every later call. It is called
// before the first commit.
func (m *ModelWriter) FailAfter(n int64, err error) *ModelWriter {
	m.limit, m.err = n, err
	return m
}

// Memory returns the memory that the write windows live in.
func (m *ModelWriter) Memory() *Memory { return m.mem }

// HeldBytes returns the number of bytes in write windows that have not ended.
func (m *ModelWriter) HeldBytes() int64 { return m.mem.HeldBytes() }

// Written returns a copy of what was committed.
func (m *ModelWriter) Written() []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return bytes.Clone(m.content)
}

// BeginWrite implements [window.Writer].
func (m *ModelWriter) BeginWrite(ctx context.Context, n int) (window.WriteWindow, error) {
	err := m.usable(ctx)
	if err == nil && n <= 0 {
		err = window.ErrRange
	}
	if err != nil {
		return window.WriteWindow{}, m.wrap("begin", n, err)
	}
	b, err := m.mem.Acquire(ctx, n)
	if err != nil {
		return window.WriteWindow{}, err
	}
	return window.NewWrite(b, m.mem), nil
}

// CommitWrite implements [window.Writer].
func (m *ModelWriter) CommitWrite(ctx context.Context, w window.WriteWindow, n int) (off int64, err error) {
	defer w.Abort()
	if err := m.usable(ctx); err != nil {
		return 0, m.wrap("commit", n, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	off = int64(len(m.content))
	r := w.Commit(n, off)
	defer r.Release()
	took := min(int64(n), m.limit-off)
	m.content = append(m.content, r.Bytes()[:took]...)
	if took < int64(n) {
		err = m.err
		if err == nil {
			err = window.ErrLimit
		}
		m.failed = &window.Error{Op: "commit", Path: "model", Off: off + took, Len: int64(n) - took, Err: err}
		return 0, m.failed
	}
	return off, nil
}

// Flush implements [window.Writer].
func (m *ModelWriter) Flush(ctx context.Context) error {
	if err := m.usable(ctx); err != nil {
		return m.wrap("flush", 0, err)
	}
	return nil
}

// Close ends the writing. Closing twice does nothing.
func (m *ModelWriter) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}

// usable returns what keeps any call from being served.
func (m *ModelWriter) usable(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return window.ErrClosed
	}
	if m.failed != nil {
		return m.failed
	}
	return ctx.Err()
}

func (m *ModelWriter) wrap(op string, n int, err error) error {
	if _, ok := err.(*window.Error); ok {
		return err
	}
	return &window.Error{Op: op, Path: "model", Len: int64(n), Err: err}
}
