package source

import (
	"sync"
	"sync/atomic"

	"github.com/oriel-go/oriel/source/internal/access"
	"github.com/oriel-go/oriel/window"
)

// A follower finds out the order in which a file is read at offsets, by one
// session or by several that are mixed. The kernel reads ahead of what is read
// from front to back; what is read backwards or in strides is asked of it here,
// before it is read.
type follower struct {
	off     atomic.Bool // nothing is to be gained
	armed   atomic.Bool // an order was found, so that reads that did not wait count too
	mu      sync.Mutex
	streams *access.Streams // nil until a read has waited
}

// hintBytes bounds what is asked of the kernel ahead of reads at offsets.
const hintBytes = 4 << 20

// follow notes a read at an offset, and begins to read what will follow it.
func (f *File) follow(off int64, n int, waited bool) {
	s := &f.follower
	if f.pread == nil || !waited && !s.armed.Load() || s.off.Load() {
		return
	}
	event := access.Hit
	if waited {
		event = access.Waited
	}
	s.mu.Lock()
	if s.streams == nil {
		if f.set.direct == DirectAlways || f.rt.system(f.pread).fs.InMemory {
			s.off.Store(true)
		}
		s.streams = new(access.Streams)
		s.streams.Set(access.Limits{WindowBytes: Granularity, MaxBytes: hintBytes, Declared: order(f.set.pattern)})
	}
	hint := s.streams.Read(off, int64(n), event)
	o := s.streams.Order()
	s.mu.Unlock()
	s.armed.Store(o == access.Backward || o == access.Strided)
	f.hint(hint)
}

// hint begins to bring ranges into the page cache.
func (f *File) hint(h access.Hint) {
	if f.pread == nil {
		return
	}
	all := window.Range{Len: f.Size()}
	for i := range h.Count {
		r := window.Range{Off: h.Off + int64(i)*h.Stride, Len: h.Len}.Intersect(all)
		if r.Len > 0 {
			willNeed(f.pread.fd, r)
			f.ahead.Add(r.Len)
		}
	}
}

// order returns the order that a pattern declares.
func order(p Pattern) access.Order {
	switch p {
	case Sequential, Once:
		return access.Sequential
	case Random:
		return access.Random
	}
	return access.Unknown
}
