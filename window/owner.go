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
// A share counts the owners of one piece of memory beyond the first. Each owner
// has a ticket. A Window carries the generation that its ticket had when it was
// made, and is alive while the ticket has it: the one Release that moves the
// generation on ends every copy of the handle. Tickets and shares are recycled
// but never become anything else, and generations only grow, so that a stale
// handle can always be told, however often its ticket has been handed out again.
//
// So making an owner of new memory writes nothing that others write, and its
// Release is one compare-and-swap. A locked instruction that follows the copy
// of a window waits for all of its stores: each one counts.

// A ticket is one owner's place.
type ticket struct {
	gen   atomic.Uint64         // of the handles that are alive, or of those made next
	share atomic.Pointer[share] // what is owned; written only while nobody owns the ticket
	off   int64                 // of the owner's first byte in the source; likewise
}

// A share is one piece of memory and the number of its owners.
//
// It lies in the Backing, if that embeds a [Header], or comes from a sync.Pool.
//
// backing, memory and n are written before the first handle is made and stay
// until the last owner has gone; a reader checks a generation first.
type share struct {
	extra   atomic.Int64 // owners beyond the first; see own for who else adds to it
	first   ticket       // the first owner's; first.share is set once and for ever
	backing Backing
	memory  Memory
	n       int  // bytes that New was given
	lodger  bool // the share lies in a Header
}

// A Header is room for the owners of a window. A Backing that embeds one saves
// New from looking for it, which takes a third of its time. Such a Backing is
// given to New once, and again only after its Free has been called. The zero
// Header is ready; it must not be copied.
type Header struct{ s share }

func (h *Header) header() *share {
	if !h.s.lodger {
		h.s.lodger = true
		h.s.first.share.Store(&h.s)
	}
	return &h.s
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
	if h, ok := b.(interface{ header() *share }); ok {
		return h.header().own(b, m, p, off)
	}
	return shares.Get().(*share).own(b, m, p, off)
}

// Window is New of a Backing that embeds h: b, which saves looking for h.
func (h *Header) Window(b Backing, m Memory, p []byte, off int64) Window {
	return h.header().own(b, m, p, off)
}

// own makes the first owner.
func (s *share) own(b Backing, m Memory, p []byte, off int64) Window {
	if (Range{off, int64(len(p))}).Check() != nil {
		panic("window: New at an offset that is negative or leaves no room for the bytes")
	}
	if m == nil {
		m = Heap
	}
	s.backing, s.memory, s.n = b, m, len(p)
	s.first.off = off
	return Window{start(p), len(p), &s.first, s.first.gen.Load()}
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
// holds, w's owner was alive after the count was raised, and whoever drops it
// later finds the count raised. When it fails, the share may be free or another's
// by now: for a moment it has one owner more than it should, which is dropped
// like any other, and frees the memory if it is the last.
func (w Window) own(op string, lo, hi int) Window {
	if w.t == nil {
		return Window{}
	}
	if w.t.gen.Load() != w.gen { // most mistakes end here and touch nothing of others
		dead(op)
	}
	s := w.t.share.Load()
	if s.extra.Load() >= maxOwners-1 {
		panic("window: too many owners")
	}
	s.extra.Add(1)
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
	return Window{p, hi - lo, t, t.gen.Load()}
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
	return Window{w.p, n, w.t, w.gen + 1}
}

// release is Release of a window that is not zero.
func (w Window) release() {
	s := w.t.share.Load()
	if !w.t.gen.CompareAndSwap(w.gen, w.gen+1) {
		dead("Release")
	}
	// The ticket goes back before the share can: the first one lives in it.
	if w.t != &s.first {
		tickets.Put(w.t)
	}
	s.drop()
}

// drop takes one owner away, and frees the memory with the last. A share with
// no extra owner is left as it is: its only owner is the one that is dropped,
// and what own adds from here on, own takes away.
func (s *share) drop() {
	for n := s.extra.Load(); n > 0; n = s.extra.Load() {
		if s.extra.CompareAndSwap(n, n-1) {
			return
		}
	}
	b := s.backing
	s.backing, s.memory = nil, nil
	if !s.lodger {
		shares.Put(s)
	}
	b.Free()
}
