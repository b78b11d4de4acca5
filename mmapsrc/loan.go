package mmapsrc

import (
	"sync"
	"sync/atomic"

	"github.com/oriel-go/oriel/window"
)

// A loan is the Backing of a window: a slice of one or more extents.
type loan struct {
	window.Header
	m     *mapping
	x     *extent // the first
	more  int64   // extents behind it
	n     int     // bytes that are counted when it is given back
	shard uint32  // of the slots, in which its pins are; fixed
}

// loans are recycled: the steady state allocates nothing. The pool gives a
// processor back what it has had, so that a shard's cache line mostly stays
// with one.
var loans = sync.Pool{New: func() any { return &loan{shard: newShard.Add(1) % slotShards} }}

var newShard atomic.Uint32

// lend lends n bytes at off in extents that are open, and nil otherwise.
func (m *mapping) lend(off int64, n int, u Use, count bool) (*loan, []byte) {
	if !m.within(off, n) {
		return nil, nil
	}
	first, more := off>>extentShift, (off+int64(n)-1)>>extentShift-off>>extentShift
	x := m.extent(first)
	if x == nil {
		return nil, nil
	}
	s := x.slot.Load()
	if s == nil {
		return nil, nil
	}
	l := loans.Get().(*loan)
	l.m, l.x, l.more, l.n = m, x, 0, n
	if !l.pin(s, x) {
		loans.Put(l)
		return nil, nil
	}
	if more > 0 && !l.pinMore(more) {
		l.giveUp()
		return nil, nil
	}
	return l, l.slice(off, n, u, count)
}

// pin gets a pin of x, which was seen in s.
func (l *loan) pin(s *slot, x *extent) bool {
	c := &s.shards[l.shard]
	if !c.pin() {
		return false
	}
	if s.x.Load() == x {
		return true
	}
	// Since it was seen there the slot has been taken back and given to
	// another, whose pin this is.
	l.m.extra.Add(1)
	l.m.afterUnpin(s, c.unpin(0))
	return false
}

// pinMore pins so many extents behind the first.
func (l *loan) pinMore(more int64) bool {
	for l.more < more {
		x := l.m.extent(int64(l.x.index) + l.more + 1)
		if x == nil {
			return false
		}
		s := x.slot.Load()
		if s == nil || !l.pin(s, x) {
			return false
		}
		l.more++
		l.m.extra.Add(1)
	}
	return true
}

// giveUp gives back the pins of a loan that comes to nothing.
func (l *loan) giveUp() {
	l.m.extra.Add(1)
	l.n = 0
	l.Free()
}

// slice returns what a loan is of, when its extents are pinned.
func (l *loan) slice(off int64, n int, u Use, count bool) []byte {
	if !count {
		l.m.extra.Add(1)
		l.n = 0
	}
	if u == Once {
		l.pass(off + int64(n))
	}
	return l.m.data[off : off+int64(n) : off+int64(n)]
}

// pass marks what a reader that does not come back has read to its end.
func (l *loan) pass(end int64) {
	for i := range l.more + 1 {
		x := l.m.extent(int64(l.x.index) + i)
		if s := x.slot.Load(); end >= min(int64(x.index+1)<<extentShift, l.m.size) && x.has(extentOnce) && !s.has(flagPassed) {
			s.set(flagPassed)
		}
	}
}

// Free gives the slice back.
func (l *loan) Free() {
	m, x, more, n, shard := l.m, l.x, l.more, l.n, l.shard
	loans.Put(l) // which keeps m and x from the garbage collector until it is used again, and no memory but theirs
	for ; more > 0; more-- {
		s := m.extent(int64(x.index) + more).slot.Load()
		m.afterUnpin(s, s.shards[shard].unpin(0))
	}
	s := x.slot.Load() // as long as there is a pin
	m.afterUnpin(s, s.shards[shard].unpin(n))
}

// afterUnpin does what the flags of a slot asked for when a pin was given back.
func (m *mapping) afterUnpin(s *slot, flagged bool) {
	if !flagged {
		return
	}
	if s.has(flagDead) {
		m.settle()
	} else if x := s.x.Load(); x != nil && !s.pinned() {
		m.dropPassed(x)
	}
}

// Describe says where the bytes are now.
func (l *loan) Describe() window.Info {
	info := window.Info{
		Residency:   window.Guarded,
		Locked:      l.m.g.k.locks,
		Source:      "mmap",
		PinnedBytes: (l.more + 1) << extentShift,
	}
	if l.m.kind == promised {
		info.Residency = window.Trusted
	}
	if l.x.has(extentMoved) {
		// All of a mapping's extents that are lent are moved before its lease
		// is given up.
		info.Residency, info.Locked = window.Private, true
		for i := range l.more + 1 {
			info.Locked = info.Locked && l.m.extent(int64(l.x.index)+i).has(extentRelock)
		}
	}
	return info
}
