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
	mapped once[mmapsrc.File]
	ring   once[ringFile]

	mu     sync.Mutex
	closed bool
}

// once is what is opened once, when it is wanted.
type once[T any] struct {
	atomic.Pointer[T]       // nil: not so far
	refused           error // why it cannot be; ways.mu guards it
}

// openOnce returns what o holds, which make makes if it was not tried before.
func openOnce[T any](w *ways, o *once[T], make func() (*T, error)) (*T, error) {
	if p := o.Load(); p != nil {
		return p, nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch p := o.Load(); {
	case p != nil:
		return p, nil
	case w.closed:
		return nil, window.ErrClosed
	case o.refused != nil:
		return nil, o.refused
	}
	p, err := make()
	if err != nil {
		o.refused = err
		return nil, err
	}
	o.Store(p)
	return p, nil
}

// mapping returns the mapping of the file, which it makes if there is none. The
// caller is inside the gate.
func (f *File) mapping() (*mmapsrc.File, error) {
	return openOnce(&f.ways, &f.ways.mapped, f.openMapping)
}

// ringed returns how the file is read through the ring, and opens it for that if
// it is not. The caller is inside the gate.
func (f *File) ringed() (*ringFile, error) {
	return openOnce(&f.ways, &f.ways.ring, f.openRing)
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
	return w.mapped.refused, w.ring.refused
}
