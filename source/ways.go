package source

import (
	"sync"
	"sync/atomic"

	"github.com/oriel-go/oriel/mmapsrc"
	"github.com/oriel-go/oriel/window"
)

// ways are the ways in which a file is read beside pread. A forced one is there
// from the beginning. Those of an automatic File are opened when a plan first
// wants them, because each costs descriptors and microseconds.
type ways struct {
	mapped atomic.Pointer[mmapsrc.File] // nil: not mapped so far
	ring   atomic.Pointer[ringFile]     // nil: not opened for the ring so far

	mu     sync.Mutex
	closed bool
	noMap  error // why it cannot be mapped
	noRing error // why it cannot be read through the ring
}

// mapping returns the mapping of the file, which it makes if there is none. The
// caller is inside the gate.
func (f *File) mapping() (*mmapsrc.File, error) {
	w := &f.ways
	if m := w.mapped.Load(); m != nil {
		return m, nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch m := w.mapped.Load(); {
	case m != nil:
		return m, nil
	case w.closed:
		return nil, window.ErrClosed
	case w.noMap != nil:
		return nil, w.noMap
	}
	m, err := f.openMapping()
	if err != nil {
		w.noMap = err
		return nil, err
	}
	w.mapped.Store(m)
	return m, nil
}

// ringed returns how the file is read through the ring. The caller is inside the
// gate.
func (f *File) ringed() (*ringFile, error) {
	w := &f.ways
	if g := w.ring.Load(); g != nil {
		return g, nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch g := w.ring.Load(); {
	case g != nil:
		return g, nil
	case w.closed:
		return nil, window.ErrClosed
	case w.noRing != nil:
		return nil, w.noRing
	}
	g, err := f.openRing()
	if err != nil {
		w.noRing = err
		return nil, err
	}
	w.ring.Store(g)
	return g, nil
}

// shut ends what is lent, and sees to it that nothing is opened any more. The
// descriptors of the ring are closed with the last read.
func (w *ways) shut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	if m := w.mapped.Load(); m != nil {
		m.Close()
	}
}

// refusals returns why there is no mapping and no ring, where that was tried.
func (w *ways) refusals() (noMap, noRing error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.noMap, w.noRing
}
