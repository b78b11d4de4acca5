package mmapsrc

import (
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/edsrzf/mmap-go"
)

// A mapping is one file mapped whole, from when its guard was taken to when the
// last slice has been given back.
//
//	        the keeper            the copies are in place
//	live ──────────────► freezing ───────────────────────► frozen ──► ended
//	 │ ▲                    │                                           ▲
//	 │ └────────────────────┘ nobody had come                           │
//	 └──────────────────────────────────────────────────────────────────┘
//	                       closed, and nothing is lent
//
// Whoever moves phase on from live, or from frozen, does what belongs to it: the
// keeper never touches what has ended, nor does anybody end what it is at.
type mapping struct {
	g       *Guard
	of      *File
	file    *os.File // a descriptor of our own: it carries the lease
	fd      int
	kind    guardKind
	leased  atomic.Bool   // the keeper has to look at it
	watched bool          // and to forget it
	filled  chan struct{} // closed when what follows has been written
	data    mmap.MMap     // the file, and the rest of its last page; nobody touches it after the end
	size    int64         // the file's, in bytes
	fills   bool          // reading its holes through the mapping takes memory
	groups  []atomic.Pointer[group]

	phase atomic.Uint32
	over  atomic.Bool  // nothing is lent any more
	loads atomic.Int64 // calls that populate and lock now
	extra atomic.Int64 // pins that were tried and are not a slice of their own, from before they are

	// The keeper's alone.
	broken time.Time // when it first tried to freeze
	copied bool      // an extent has been copied for a writer

	slotMu sync.Mutex
	slots  []atomic.Pointer[slot] // made, taken and given under slotMu; see slots.go
	hand   int
	taken  int // slots

	endMu sync.Mutex // one at a time looks whether it is the end
}

const (
	live = iota
	freezing
	frozen
	ended
)

// A group is the extents of 8 GiB, or of all of a smaller file: 96 bytes each,
// made when the first is needed. What is not used of it is never written, so that
// it takes no memory but addresses.
type group struct{ extents []extent }

const (
	groupShift   = 12
	groupExtents = 1 << groupShift
)

// newMapping returns a mapping that is not mapped yet, with so many slots.
func newMapping(of *File, file *os.File, fd int, kind guardKind, slots int) *mapping {
	return &mapping{g: of.g, of: of, file: file, fd: fd, kind: kind, filled: make(chan struct{}), slots: make([]atomic.Pointer[slot], slots)}
}

// mapFile maps size bytes.
func (m *mapping) mapFile(size int64) (err error) {
	m.size, m.fills = size, m.g.k.fills(m.file)
	if m.data, err = m.g.k.mapFile(m.file, int(size)); err != nil {
		return err
	}
	extents := (size + ExtentBytes - 1) >> extentShift
	m.groups = make([]atomic.Pointer[group], (extents+groupExtents-1)>>groupShift)
	return nil
}

// extent returns the extent with an index, nil if its group has not been made.
func (m *mapping) extent(i int64) *extent {
	c := m.groups[i>>groupShift].Load()
	if c == nil {
		return nil
	}
	return &c.extents[i&(groupExtents-1)]
}

// makeExtent returns the extent with an index.
func (m *mapping) makeExtent(i int64) *extent {
	if x := m.extent(i); x != nil {
		return x
	}
	first := i &^ (groupExtents - 1)
	all := (m.size + ExtentBytes - 1) >> extentShift
	m.groups[i>>groupShift].CompareAndSwap(nil, &group{make([]extent, min(all-first, groupExtents))})
	return m.extent(i)
}

// bytes returns the extent's memory.
func (m *mapping) bytes(x *extent) []byte { return m.memory(int64(x.index), int64(x.index)+1) }

// memory returns that of the extents [first, stop).
func (m *mapping) memory(first, stop int64) []byte {
	return m.data[first<<extentShift : min(stop<<extentShift, int64(len(m.data)))]
}

// lockedExtents calls f with every extent that is locked, and holds its mutex. A
// load that is at it now may lock more.
func (m *mapping) lockedExtents(f func(*extent)) {
	for i := range m.groups {
		c := m.groups[i].Load()
		if c == nil {
			continue
		}
		for j := range c.extents {
			x := &c.extents[j]
			if !x.has(extentLocked) { // most are not: their mutexes are left alone
				continue
			}
			x.mu.Lock()
			if x.locked {
				f(x)
			}
			x.mu.Unlock()
		}
	}
}

// counts returns how many slices have been lent, and the bytes of those that
// were given back. What is raised first is loaded last: beside others the number is
// behind, never ahead.
func (m *mapping) counts() (n, bytes int64) {
	for i := range m.slots {
		if s := m.slots[i].Load(); s != nil {
			sn, sb := s.counts()
			n += sn
			bytes += sb
		}
	}
	return max(n-m.extra.Load(), 0), bytes
}

// within reports whether n bytes at off, n > 0, lie in the file.
func (m *mapping) within(off int64, n int) bool {
	return off >= 0 && n > 0 && off <= m.size-int64(n)
}

// close ends the lending. Slices that are out stay valid, and guarded.
func (m *mapping) close() {
	m.over.Store(true)
	m.settle()
}

// loaded ends what began with loads.Add(1).
func (m *mapping) loaded() {
	if m.loads.Add(-1) == 0 && m.over.Load() {
		m.settle()
	}
}

// settle ends the mapping if it is over and nobody has a slice of it. All who
// may have been the last to need it call it afterwards.
func (m *mapping) settle() {
	if m.isEnd() {
		m.end()
		m.file.Close()
	}
}

// isEnd reports whether the mapping is at its end, to one caller only, who has to
// end it.
func (m *mapping) isEnd() bool {
	m.endMu.Lock()
	defer m.endMu.Unlock()
	if !m.over.Load() || m.loads.Load() != 0 {
		return false
	}
	// Who set over may not have come to all slots yet, and one that is not dead
	// can be pinned after it was looked at.
	m.kill()
	if m.pinnedExtents() != 0 {
		return false
	}
	// Otherwise the keeper is at it, and calls again, or it has ended.
	return m.phase.CompareAndSwap(live, ended) || m.phase.CompareAndSwap(frozen, ended)
}

// end gives back everything but the descriptor. phase is ended.
func (m *mapping) end() {
	m.g.unguard(m)
	m.lockedExtents(func(x *extent) { m.g.forget(x) })
	if m.data != nil {
		m.g.k.unmap(m.data)
	}
	m.of.ended(m)
}

// thaw gives up what a frozen mapping needs no more, and locks what it lends.
func (m *mapping) thaw() {
	m.unguardFrozen()
	m.lockedExtents(m.thawExtent)
	m.settle()
}

// thawExtent does it to one extent, whose mutex the caller holds.
func (m *mapping) thawExtent(x *extent) {
	_, pinned := m.used(x)
	p := m.bytes(x)
	switch {
	case pinned && !freezes:
		return // the copy is what is to be missing, and nothing else
	case !x.has(extentMoved):
		if m.g.k.unlock(p) != nil {
			return // it is locked until the mapping ends
		}
		m.g.k.drop(p)
	case pinned && m.g.k.lock(p) == nil:
		x.flags.Or(extentRelock)
		return // it stays in the account
	case !pinned:
		m.g.k.drop(p)
	}
	m.g.forget(x)
}

// unguardFrozen ends what the keeper has to do with a mapping whose lease has
// been given up.
func (m *mapping) unguardFrozen() {
	m.endMu.Lock() // or it might end meanwhile, and its descriptor be another's
	defer m.endMu.Unlock()
	if m.phase.Load() == frozen {
		m.g.unguard(m)
	}
}
