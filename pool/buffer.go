package pool

import (
	"runtime"
	"sync/atomic"

	"github.com/oriel-go/oriel/window"
)

// A Buffer is memory lent by a pool until Free. It is a [window.Buffer] and a
// [window.Describer]. It is used by one goroutine at a time, except Describe.
//
// On 64-bit systems it is four cache lines: neighbours in a slab share none.
type Buffer struct {
	// frees counts the calls of Free; turn is its value while the Buffer is
	// held, and another while it is free. Free moves frees on by a
	// compare-and-swap from turn, which decides which of two calls is one too
	// many. Stats adds the counts up, so that hand-outs need no counter of
	// their own.
	//
	// What follows is written only by whoever owns the Buffer: its holder, the
	// shard or list that it lies in. In a correct program a holder's uses come
	// after the hand-out and before Free, so plain accesses suffice.
	frees atomic.Uint64
	turn  uint64

	index   uint8 // of the slot in its slab
	class   int8
	special bool   // Free takes the slow path: sampled, large or without a slot; constant
	n       int    // bytes asked for
	mem     []byte // the slot; constant
	slab    *slab  // constant; nil when there is no slot
	source  string // SetSource

	window.Header // of the window that the Buffer becomes

	// Guarded by Pool.mu. The links are those of the one list that the slot is
	// in: idle or in quarantine when it is free, overdrawn when it is held.
	next, prev *Buffer
	session    *Session // who overdrew for it, while debt > 0
	debt       int64    // how much of it is beyond the budget

	sample *sample // a sampled Buffer's; constant
	last   *stack  // where a poisoned slot was acquired, if that was sampled

	_ [48]byte
}

// Bytes returns the memory: len and cap are the number of bytes that were
// asked for, and the contents are arbitrary. It panics after Free.
func (b *Buffer) Bytes() []byte {
	if b.frees.Load() != b.turn {
		panic("pool: Bytes of a freed Buffer")
	}
	return b.mem[:b.n:b.n]
}

// Size returns the bytes of the slot, which is what holding the Buffer counts
// against the budget.
func (b *Buffer) Size() int { return len(b.mem) }

// SetSource says what fetched the bytes, for Describe. It is called before the
// Buffer becomes a window's.
func (b *Buffer) SetSource(name string) { b.source = name }

// Describe implements [window.Describer].
func (b *Buffer) Describe() window.Info {
	return window.Info{Residency: window.Private, Source: b.source, PinnedBytes: int64(len(b.mem))}
}

// Free gives the memory back. It panics when the Buffer is not held, which
// catches every second Free until the slot has been handed out again, and in
// the debug mode those after that as well.
func (b *Buffer) Free() {
	b.end()
	raceRelease(b.mem[:b.n])
	if b.special {
		b.freeSpecial()
		return
	}
	p := b.slab.pool
	if p.attention.Load() != 0 {
		p.freeSlow(b, nil)
		return
	}
	sh, c := p.shard(), b.class
	if int32(c) <= p.cellClass.Load() {
		b = sh.cells[c].Swap(b)
		// Whoever sets attention looks into the cells afterwards, and we look
		// at attention after filling the cell: one of us sees the other.
		if p.attention.Load() != 0 {
			p.emptyCell(sh, c)
		}
		if b == nil {
			return
		}
	}
	p.put(sh, b)
}

// end makes b free.
func (b *Buffer) end() {
	if !b.frees.CompareAndSwap(b.turn, b.turn+1) {
		panic("pool: Free of a Buffer that is free already")
	}
}

// freeSpecial ends a Buffer that is not the permanent one of a slot in a slab.
func (b *Buffer) freeSpecial() {
	if b.slab == nil {
		return
	}
	p := b.slab.pool
	s := b.sample
	if s == nil {
		p.freeSlow(b, nil)
		return
	}
	s.end(p)
	own := &b.slab.slots[b.index]
	own.source = b.source
	own.end()
	p.freeSlow(own, &s.stack)
	// Only now may the cleanup run, which reports a sample that has not ended.
	runtime.KeepAlive(b)
}

// neverHeld is the turn of a Buffer that was not held yet.
const neverHeld = 1<<64 - 1

// hold makes b its taker's, for n bytes.
func (b *Buffer) hold(n int) {
	b.n = n
	if b.source != "" {
		b.source = ""
	}
	b.turn = b.frees.Load()
}
