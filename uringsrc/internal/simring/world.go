package simring

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"time"
)

// A World is what rings have together. Its methods may be called by any
// goroutine.
type World struct {
	content func(fd int, p []byte, off int64) (n int, err error)
	steps   bool

	mu      sync.Mutex
	f       Faults
	rng     *rand.Rand
	now     time.Duration
	rings   []*Ring
	rung    bool          // the bell has, and nobody has heard it
	closed  bool          // the bell is
	changed chan struct{} // is closed, and made anew, when those who wait have to look again
	broken  []error       // rules that were
	counts  Counts
}

// Counts say what a World has seen.
type Counts struct {
	Submitted   int // reads
	Completed   int // reads
	Canceled    int // reads that ended with ECANCELED after a cancel
	MaxInFlight int // reads of one ring
	MaxBytes    int64
	Enters      int
}

// New returns a World in which chance is the seed's. A nil content is Bytes; it is
// called when a read completes, with the World locked, and not at once for two of
// them. With steps nobody hears the bell: Step tells.
func New(seed uint64, f Faults, content func(fd int, p []byte, off int64) (n int, err error), steps bool) *World {
	if content == nil {
		content = Bytes
	}
	return &World{content: content, steps: steps, f: f, rng: rand.New(rand.NewPCG(seed, 0x5eed)), changed: make(chan struct{})}
}

// change has those who wait look again.
func (w *World) change() {
	close(w.changed)
	w.changed = make(chan struct{})
}

// next returns when the next op of any ring is due; ok is false when none is.
func (w *World) next() (due time.Duration, ok bool) {
	for _, r := range w.rings {
		for _, o := range r.flight {
			if o.until == timed && (!ok || o.due < due) {
				due, ok = o.due, true
			}
		}
	}
	return due, ok
}

// advance moves the clock, and completes what is due by then in the order of its
// time.
func (w *World) advance(to time.Duration) {
	w.now = max(w.now, to)
	for _, r := range w.rings {
		for _, o := range r.flight {
			if o.touch >= 0 && o.touch <= w.now && o.touch < o.due {
				o.scribble()
			}
		}
	}
	for {
		var first *Ring
		at := 0
		for _, r := range w.rings {
			for i, o := range r.flight {
				if o.until == timed && o.due <= w.now && (first == nil || o.due < first.flight[at].due) {
					first, at = r, i
				}
			}
		}
		if first == nil {
			return
		}
		first.complete(at)
	}
}

// Wait waits for the bell: a ring whose signals are switched on has a completion.
// It moves the clock while one of them has reads in flight.
func (w *World) Wait() error {
	for {
		w.mu.Lock()
		switch due, ok := w.next(); {
		case w.closed:
			w.mu.Unlock()
			return os.ErrClosed
		case w.rung && !w.steps:
			w.rung = false
			w.mu.Unlock()
			return nil
		case ok && !w.steps && w.notified():
			w.advance(due)
			w.mu.Unlock()
			continue
		}
		changed := w.changed
		w.mu.Unlock()
		<-changed
	}
}

func (w *World) notified() bool {
	for _, r := range w.rings {
		if r.notify && !r.closed {
			return true
		}
	}
	return false
}

// Close ends the bell.
func (w *World) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return os.ErrClosed
	}
	w.closed = true
	w.change()
	return nil
}

// Step moves the clock to the next completion. It reports whether there was one,
// and whether the bell rang since the last Step.
func (w *World) Step() (completed, rang bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	due, ok := w.next()
	if ok {
		w.advance(due)
		w.change()
	}
	rang, w.rung = w.rung, false
	return ok, rang
}

// Release has reads complete that never would, and makes no more of them.
func (w *World) Release() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.f.Never, w.f.Stuck = 0, 0
	for _, r := range w.rings {
		for _, o := range r.flight {
			if o.until != timed {
				o.until, o.due = timed, w.now+w.lateness()
			}
		}
	}
	w.change()
}

// SetFaults replaces the faults from now on.
func (w *World) SetFaults(f Faults) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.f = f
}

// Counts returns what was seen so far.
func (w *World) Counts() Counts {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.counts
}

// Check returns what the rings' user has done that it must not, and what is left
// in flight.
func (w *World) Check() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	bad := w.broken
	for i, r := range w.rings {
		if n := len(r.flight); n > 0 {
			bad = append(bad, fmt.Errorf("ring %d: %d entries in flight", i, n))
		}
		if !r.closed {
			bad = append(bad, fmt.Errorf("ring %d is open", i))
		}
	}
	if !w.closed {
		bad = append(bad, errors.New("the bell is open"))
	}
	return errors.Join(bad...)
}

// breach keeps a rule that was broken; the first few are enough.
func (w *World) breach(format string, args ...any) {
	if len(w.broken) < 10 {
		w.broken = append(w.broken, fmt.Errorf(format, args...))
	}
}
