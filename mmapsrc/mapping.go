package mmapsrc

import (
	"os"
	"sync"
	"sync/atomic"

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
	watched bool          // the keeper has it
	filled  chan struct{} // closed when what follows has been written
	data    mmap.MMap     // the file, and the rest of its last page; nobody touches it after the end
	size    int64         // the file's, in bytes
	chunks  []atomic.Pointer[chunk]

	phase atomic.Uint32
	over  atomic.Bool  // nothing is lent any more
	loads atomic.Int64 // calls that populate and lock now
	extra atomic.Int64 // pins that were not a slice of their own

	copied bool // an extent has been copied for a writer; the keeper's alone

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

// A chunk is the extents of 32 MiB, 1.5 KiB of them, made when the first is
// needed: a sparse file of a TiB costs 256 KiB before it is read.
type chunk [chunkExtents]extent

const (
	chunkShift   = 4
	chunkExtents = 1 << chunkShift
)

// newMapping returns a mapping that is not mapped yet, with so many slots.
func newMapping(of *File, file *os.File, fd int, kind guardKind, slots int) *mapping {
	return &mapping{g: of.g, of: of, file: file, fd: fd, kind: kind, filled: make(chan struct{}), slots: make([]atomic.Pointer[slot], slots)}
}

// mapFile maps size bytes.
func (m *mapping) mapFile(size int64) (err error) {
	m.size = size
	if m.data, err = m.g.k.mapFile(m.file, int(size)); err != nil {
		return err
	}
	extents := (size + ExtentBytes - 1) >> extentShift
	m.chunks = make([]atomic.Pointer[chunk], (extents+chunkExtents-1)>>chunkShift)
	return nil
}

// extent returns the extent with an index, nil if its chunk has not been made.
func (m *mapping) extent(i int64) *extent {
	c := m.chunks[i>>chunkShift].Load()
	if c == nil {
		return nil
	}
	return &c[i&(chunkExtents-1)]
}

// makeExtent returns the extent with an index.
func (m *mapping) makeExtent(i int64) *extent {
	if x := m.extent(i); x != nil {
		return x
	}
	c := new(chunk)
	for j := range c {
		x := &c[j]
		x.index = uint32(i&^(chunkExtents-1)) + uint32(j)
		x.held = -1
	}
	p := &m.chunks[i>>chunkShift]
	if !p.CompareAndSwap(nil, c) {
		c = p.Load()
	}
	return &c[i&(chunkExtents-1)]
}

// bytes returns the extent's memory.
func (m *mapping) bytes(x *extent) []byte {
	lo := int64(x.index) << extentShift
	return m.data[lo:min(lo+ExtentBytes, int64(len(m.data)))]
}

// extents calls f with every extent that has been made.
func (m *mapping) extents(f func(*extent)) {
	for i := range m.chunks {
		if c := m.chunks[i].Load(); c != nil {
			for j := range c {
				f(&c[j])
			}
		}
	}
}

// counts returns how many slices have been lent, and the bytes of those that
// were given back.
func (m *mapping) counts() (n, bytes int64) {
	for i := range m.slots {
		if s := m.slots[i].Load(); s != nil {
			sn, sb := s.counts()
			n += sn
			bytes += sb
		}
	}
	return n - m.extra.Load(), bytes
}

// within reports whether n bytes at off, n > 0, lie in the file.
func (m *mapping) within(off int64, n int) bool {
	return off >= 0 && n > 0 && off <= m.size-int64(n)
}

// close ends the lending. Slices that are out stay valid, and guarded.
func (m *mapping) close() {
	m.kill()
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
	m.endMu.Lock()
	defer m.endMu.Unlock()
	if !m.over.Load() || m.loads.Load() != 0 || m.pinnedExtents() != 0 {
		return
	}
	if m.phase.CompareAndSwap(live, ended) || m.phase.CompareAndSwap(frozen, ended) {
		m.end()
	} // or the keeper is at it, and calls again, or it has ended
}

// end gives everything back. phase is ended.
func (m *mapping) end() {
	m.g.unguard(m)
	m.extents(func(x *extent) {
		x.mu.Lock()
		if x.locked {
			m.g.forget(x)
		}
		x.mu.Unlock()
	})
	if m.data != nil {
		m.g.k.unmap(m.data)
	}
	m.file.Close()
	m.of.ended(m)
}

// thaw gives up what a frozen mapping needs no more, and locks what it lends.
func (m *mapping) thaw() {
	m.extents(func(x *extent) {
		x.mu.Lock()
		defer x.mu.Unlock()
		if !x.locked {
			return
		}
		if !freezes {
			if _, pinned := m.used(x); pinned {
				return // the copy is what is to be missing, and nothing else
			}
		}
		p := m.bytes(x)
		if x.has(extentMoved) {
			if m.g.k.lock(p) == nil {
				x.flags.Or(extentRelock)
				return // it stays in the account
			}
		} else {
			m.g.k.unlock(p)
			m.g.k.drop(p)
		}
		m.g.forget(x)
	})
	m.settle()
}
