package window

import (
	"sync"
	"sync/atomic"
)

// How ownership works
//
//	Window ──► ticket ──► share ──► Backing
//	Window ──► ticket ──┘   ▲
//	           (first) ─────┘  lives inside the share
//
// A share counts the owners of one piece of memory. Each owner has a ticket,
// whose generation is odd while the owner lives; a Window carries the
// generation it was made with, so every copy of it dies at the one Release
// that moves the generation on. Tickets and shares are recycled but never
// become anything else, and generations only grow, so that a stale handle can
// always be told, however often its ticket has been handed out again.

// A ticket is one owner's place.
type ticket struct {
	gen   atomic.Uint64         // odd: owned; even: free
	share atomic.Pointer[share] // what is owned; written only while gen is even
	off   int64                 // of the owner's first byte in the source; likewise
}

// A share is one piece of memory and the number of its owners.
//
// backing, memory and n are written before the first ticket's generation
// becomes odd and stay until the last owner's has become even; a reader checks
// a generation first.
type share struct {
	owners  atomic.Int64 // 0 while the share is free
	first   ticket       // the first owner's; first.share is set once and for ever
	backing Backing
	memory  Memory
	n       int // bytes that New was given
}

var (
	shares  = sync.Pool{New: func() any { s := new(share); s.first.share.Store(s); return s }}
	tickets = sync.Pool{New: func() any { return new(ticket) }}
)

// maxOwners is where Retain stops, far from overflow.
const maxOwners = 1 << 40

// New makes the first owner of p, which lies in memory that b frees. It is how
// every source makes windows. off is the offset of p[0] in the source, at
// least 0; m is the kind of memory, nil for [Heap]. From here on p must not be
// written, and b.Free is called once, when the last owner is released. It
// allocates nothing in the steady state.
func New(b Backing, m Memory, p []byte, off int64) Window {
	if b == nil {
		panic("window: New without a Backing")
	}
	if (Range{off, int64(len(p))}).Check() != nil {
		panic("window: New at an offset that is negative or leaves no room for the bytes")
	}
	if m == nil {
		m = Heap
	}
	s := shares.Get().(*share)
	s.backing, s.memory, s.n = b, m, len(p)
	s.first.off = off
	s.owners.Store(1)
	return Window{start(p), len(p), &s.first, s.first.gen.Add(1)}
}

// dead is the end of every use of a released handle.
func dead(op string) { panic("window: " + op + " of a released window") }

// shared returns what w owns a part of; w is not the zero Window.
func (w Window) shared(op string) *share {
	s := w.t.share.Load()
	if w.t.gen.Load() != w.gen {
		dead(op)
	}
	return s
}

// own makes one more owner, of w's bytes [lo, hi).
//
// The count is raised first and the handle checked afterwards: when the check
// holds, w's owner was alive after the count was raised, so the memory cannot
// have been given back in between. When it fails, the share may be another's
// by now; what was added is taken away again like any owner, and the count is
// never raised from 0, which would revive a free share.
func (w Window) own(op string, lo, hi int) Window {
	if w.t == nil {
		return Window{}
	}
	if w.t.gen.Load() != w.gen { // most mistakes end here and touch nothing of others
		dead(op)
	}
	s := w.t.share.Load()
	for {
		c := s.owners.Load()
		if c <= 0 {
			dead(op)
		}
		if c >= maxOwners {
			panic("window: too many owners")
		}
		if s.owners.CompareAndSwap(c, c+1) {
			break
		}
	}
	off := w.t.off // between the checks: the ticket may be another's before or after
	if w.t.gen.Load() != w.gen {
		s.drop()
		dead(op)
	}
	t := tickets.Get().(*ticket)
	if t.share.Load() != s { // a load is cheaper than a store that locks the bus
		t.share.Store(s)
	}
	t.off = off + int64(lo)
	p := w.p
	if hi > lo { // an empty slice's address could lie behind the memory
		p = after(p, lo)
	}
	return Window{p, hi - lo, t, t.gen.Add(1)}
}

// move ends every copy of w's handle and gives its owner a new one, of w's
// first n bytes, which are at offset off from here on.
func (w Window) move(op string, n int, off int64) Window {
	if w.t == nil {
		return Window{}
	}
	if !w.t.gen.CompareAndSwap(w.gen, w.gen+1) {
		dead(op)
	}
	w.t.off = off
	return Window{w.p, n, w.t, w.t.gen.Add(1)}
}

// release is Release of a window that is not zero.
func (w Window) release() {
	s := w.t.share.Load()
	if w.gen&1 == 0 || !w.t.gen.CompareAndSwap(w.gen, w.gen+1) {
		dead("Release")
	}
	// The ticket goes back before the share can: the first one lives in it.
	if w.t != &s.first {
		tickets.Put(w.t)
	}
	s.drop()
}

// drop takes one owner away, and frees the memory with the last.
func (s *share) drop() {
	if s.owners.Add(-1) != 0 {
		return
	}
	b := s.backing
	s.backing, s.memory = nil, nil
	shares.Put(s)
	b.Free()
}
