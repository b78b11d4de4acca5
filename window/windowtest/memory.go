package windowtest

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/oriel-go/oriel/window"
)

// Poison is what a [Memory] overwrites a buffer with when it is freed. A slice
// that was kept too long reads it; under -race such a reader is reported.
const Poison = 0xDB

// A Memory is counted memory of the Go heap, without a budget. A buffer is
// overwritten when it is freed and never used again; freeing it twice panics.
type Memory struct {
	secure      bool
	heldBytes   atomic.Int64
	heldBuffers atomic.Int64
	acquired    atomic.Int64
}

// NewMemory returns memory that holds nothing yet. Secure only says so: it
// lets a test see whether a stage keeps secure bytes in secure memory.
func NewMemory(secure bool) *Memory { return &Memory{secure: secure} }

// maxBytes is the most that Acquire gives at once.
const maxBytes = 1 << 30

// Acquire returns n bytes filled with Poison. It never waits. More than 1 GiB
// is an error that wraps [window.ErrNoMemory].
func (m *Memory) Acquire(ctx context.Context, n int) (window.Buffer, error) {
	fail := func(err error) (window.Buffer, error) {
		return nil, &window.Error{Op: "acquire", Len: int64(n), Err: err}
	}
	if err := ctx.Err(); err != nil {
		return fail(err)
	}
	if n < 0 {
		return fail(window.ErrRange)
	}
	if n > maxBytes {
		return fail(window.ErrNoMemory)
	}
	b := &buffer{p: make([]byte, n), m: m}
	poison(b.p)
	m.heldBytes.Add(int64(n))
	m.heldBuffers.Add(1)
	m.acquired.Add(1)
	return b, nil
}

// Secure reports what NewMemory was told.
func (m *Memory) Secure() bool { return m.secure }

// HeldBytes returns the number of bytes acquired and not freed.
func (m *Memory) HeldBytes() int64 { return m.heldBytes.Load() }

// HeldBuffers returns the number of buffers acquired and not freed. Unlike
// HeldBytes it shows a leaked window of no bytes.
func (m *Memory) HeldBuffers() int64 { return m.heldBuffers.Load() }

// Acquired returns how many buffers were ever acquired.
func (m *Memory) Acquired() int64 { return m.acquired.Load() }

// A buffer is one piece of a Memory.
type buffer struct {
	p     []byte
	m     *Memory
	freed atomic.Bool
}

func (b *buffer) Bytes() []byte {
	if b.freed.Load() {
		panic("windowtest: Bytes of a freed buffer")
	}
	return b.p
}

func (b *buffer) Free() {
	if b.freed.Swap(true) {
		panic(fmt.Sprintf("windowtest: a buffer of %d bytes was freed twice", len(b.p)))
	}
	poison(b.p)
	b.m.heldBytes.Add(-int64(len(b.p)))
	b.m.heldBuffers.Add(-1)
}

func (b *buffer) Describe() window.Info {
	return window.Info{Residency: window.Private, Source: "model", PinnedBytes: int64(len(b.p))}
}

func poison(p []byte) {
	for i := range p {
		p[i] = Poison
	}
}
