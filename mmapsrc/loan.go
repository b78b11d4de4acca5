package mmapsrc

import (
	"sync"

	"github.com/oriel-go/oriel/internal/spread"
	"github.com/oriel-go/oriel/window"
)

// A loan is the Backing of a window: a slice of one or more extents. The only
// loan in a shard of a slot lies there, which saves looking for one.
type loan struct {
	window.Header
	m      *mapping
	x      *extent // the first
	more   int64   // extents behind it
	n      int     // bytes that are counted when it is given back
	shard  uint32  // of the slots, in which its pins are
	pooled bool
}

// loans are those that are not alone: the steady state allocates nothing.
var loans = sync.Pool{New: func() any { return &loan{pooled: true} }}

// lend lends n bytes at off in extents that are open, and nil otherwise.
func (m *mapping) lend(off int64, n int, u Use, count bool) *loan {
	if !m.within(off, n) || m.over.Load() {
		return nil
	}
	first, more := off>>extentShift, (off+int64(n)-1)>>extentShift-off>>extentShift
	x := m.extent(first)
	if x == nil {
		return nil
	}
	l := m.pin(x, spread.Of(shardBits), count)
	if l == nil {
		return nil
	}
	if more > 0 && !l.pinMore(more) {
		if count {
			m.extra.Add(1)
		}
		l.Free()
		return nil
	}
	if count {
		l.n = n
	}
	l.note(off+int64(n), u)
	return l
}

// pin makes a loan of x alone, and nil unless it is open. What is not to be counted
// is so from before the slot counts it: who asks meanwhile for what was lent, as
// after a Reader that has left a load to itself, is told of none too many.
func (m *mapping) pin(x *extent, shard uint32, count bool) *loan {
	s := x.slot.Load()
	if s == nil {
		return nil
	}
	if !count {
		m.extra.Add(1)
	}
	c := &s.shards[shard]
	ok, alone := c.pin()
	if !ok || s.x.Load() != x {
		if count {
			m.extra.Add(1)
		}
		m.missed(s, c, ok)
		return nil
	}
	l := &c.own
	if !alone {
		l = loans.Get().(*loan)
	}
	l.m, l.x, l.more, l.n, l.shard = m, x, 0, 0, shard
	return l
}

// missed gives a pin back that was not to be had, or was got of a slot that was
// taken back and given to another extent since it was looked up. It is in extra by
// now: as long as the pin is there the mapping does not end, and nor are its counts
// taken. Whoever looked meanwhile whether it is at its end has left that to others.
func (m *mapping) missed(s *slot, c *shard, got bool) {
	flagged := c.unpin(0)
	if got {
		m.afterUnpin(s, flagged)
	} else if m.over.Load() {
		m.settle()
	}
}

// pinMore pins so many extents behind the first.
func (l *loan) pinMore(more int64) bool {
	for l.more < more {
		if x := l.m.extent(int64(l.x.index) + l.more + 1); x == nil || !l.pinNext(x) {
			return false
		}
	}
	return true
}

// pinNext pins x, the extent behind those of the loan, if it is open.
func (l *loan) pinNext(x *extent) bool {
	s := x.slot.Load()
	if s == nil {
		return false
	}
	l.m.extra.Add(1)
	c := &s.shards[l.shard]
	if ok, _ := c.pin(); !ok || s.x.Load() != x {
		l.m.missed(s, c, ok)
		return false
	}
	l.more++
	return true
}

// note notes what goes with a loan up to an end in the file, when its extents
// are pinned.
func (l *loan) note(end int64, u Use) {
	if u == Once {
		l.pass(end)
	}
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

// Free gives the slice back. The loan is another's from the last unpin on.
func (l *loan) Free() {
	m, x, more, n, shard := l.m, l.x, l.more, l.n, l.shard
	if l.pooled {
		loans.Put(l) // which keeps m and x from the garbage collector until it is used again, and no memory but theirs
	}
	for ; more > 0; more-- {
		s := m.extent(int64(x.index) + more).slot.Load()
		m.afterUnpin(s, s.shards[shard].unpin(0))
	}
	s := x.slot.Load() // which stays as long as there is a pin
	if s.shards[shard].unpin(n) {
		m.afterUnpin(s, true)
	}
}

// afterUnpin does what the flags of a slot asked for when a pin was given back.
func (m *mapping) afterUnpin(s *slot, flagged bool) {
	if !flagged {
		return
	}
	if s.has(flagDead) {
		if !s.pinned() && m.isEnd() {
			m.end()
			go m.file.Close() // which may delete the file, and a Release does not wait for that
		}
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
