package simring

import (
	"errors"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/oriel-go/oriel/uringsrc/internal/ring"
)

// A Ring is one simulated ring of a World.
type Ring struct {
	w       *World
	extArg  bool
	entries int // room for those that are pending
	room    int // for completions

	pushing, reaping atomic.Bool // who breaks the rule that calls are serialised is seen

	// guarded by w.mu
	pending []op
	flight  []*op
	queue   []ring.Completion
	over    []ring.Completion // overflowed
	notify  bool
	closed  bool
}

// NewRing adds a ring with room for so many entries, and for completions; extArg
// is [ring.Features].ExtArg.
func (w *World) NewRing(entries, completions int, extArg bool) *Ring {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := &Ring{w: w, extArg: extArg, entries: entries, room: completions, notify: true}
	w.rings = append(w.rings, r)
	return r
}

// Push is [ring.Ring.Push]; p is the entry's buffer.
func (r *Ring) Push(e *ring.Entry, p []byte) bool {
	once := r.pushing.CompareAndSwap(false, true)
	r.w.mu.Lock()
	defer r.w.mu.Unlock()
	if !once {
		r.w.breach("Push is called twice at once")
	} else {
		defer r.pushing.Store(false)
	}
	r.open("Push")
	if r.closed || len(r.pending) == r.entries {
		return false
	}
	if len(p) != e.Len() {
		r.w.breach("Push of an entry of %d bytes with a buffer of %d", e.Len(), len(p))
	}
	r.pending = append(r.pending, op{e: *e, p: p, touch: -1})
	return true
}

// open sees to it that nothing but Enter is called after Close: who does not know
// whether the ring was closed may be calling at the same time.
func (r *Ring) open(what string) {
	if r.closed {
		r.w.breach("%s is called after Close", what)
	}
}

// Pending is [ring.Ring.Pending].
func (r *Ring) Pending() int {
	r.w.mu.Lock()
	defer r.w.mu.Unlock()
	r.open("Pending")
	return len(r.pending)
}

// Ready is [ring.Ring.Ready].
func (r *Ring) Ready() int {
	r.w.mu.Lock()
	defer r.w.mu.Unlock()
	r.open("Ready")
	return len(r.queue)
}

// Overflowed is [ring.Ring.Overflowed].
func (r *Ring) Overflowed() bool {
	r.w.mu.Lock()
	defer r.w.mu.Unlock()
	r.open("Overflowed")
	return len(r.over) > 0
}

// Notify is [ring.Ring.Notify]. Now and then something completes just before the
// signals are switched on, for which the bell does not ring.
func (r *Ring) Notify(on bool) {
	r.w.mu.Lock()
	defer r.w.mu.Unlock()
	r.open("Notify")
	if r.notify != on {
		if due, ok := r.w.next(); on && ok && r.w.chance(250) {
			r.w.advance(due)
		}
		r.notify = on
		r.w.change()
	}
}

// pollTime is what a Reap that finds nothing moves the clock by.
const pollTime = 5 * time.Microsecond

// Reap is [ring.Ring.Reap].
func (r *Ring) Reap(dst []ring.Completion) int {
	once := r.reaping.CompareAndSwap(false, true)
	r.w.mu.Lock()
	defer r.w.mu.Unlock()
	if !once {
		r.w.breach("Reap is called twice at once")
	} else {
		defer r.reaping.Store(false)
	}
	r.open("Reap")
	if len(r.queue) == 0 {
		r.w.advance(r.w.now + pollTime)
	}
	n := copy(dst, r.queue)
	r.queue = slices.Delete(r.queue, 0, n)
	return n
}

// Close is [ring.Ring.Close].
func (r *Ring) Close() error {
	r.w.mu.Lock()
	defer r.w.mu.Unlock()
	if r.closed {
		r.w.breach("Close is called twice")
		return syscall.EBADF
	}
	r.closed, r.pending, r.queue, r.over = true, nil, nil, nil
	for _, o := range r.flight {
		if o.e.Op() == ring.OpRead {
			r.w.breach("Close with a read in flight")
		}
	}
	r.flight = slices.DeleteFunc(r.flight, func(o *op) bool { return o.e.Op() != ring.OpRead })
	r.w.change()
	return nil
}

// Enter is [ring.Ring.Enter].
func (r *Ring) Enter(atLeast int, wait time.Duration) (submitted int, err error) {
	switch {
	case atLeast < 0 || wait < 0:
		return 0, syscall.EINVAL
	case atLeast > 0 && wait > 0 && !r.extArg:
		return 0, errors.ErrUnsupported
	}
	w := r.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if submitted, err = r.submit(); err != nil || atLeast == 0 {
		return submitted, err
	}
	return submitted, r.await(min(atLeast, r.room), wait)
}

// submit takes what is pending, and brings over what has overflowed.
func (r *Ring) submit() (n int, err error) {
	w, f := r.w, &r.w.f
	if r.closed {
		return 0, syscall.ENXIO
	}
	w.counts.Enters++
	if f.EnterFails > 0 && w.counts.Enters >= f.EnterFails {
		return 0, f.EnterError
	}
	if len(r.over) > 0 {
		if w.chance(f.EnterBusy) {
			return 0, syscall.EBUSY
		}
		k := min(len(r.over), r.room-len(r.queue))
		r.queue = append(r.queue, r.over[:k]...)
		r.over = slices.Delete(r.over, 0, k)
		r.ring(k > 0)
	}
	n = len(r.pending)
	if n > 0 && w.chance(f.EnterAgain) {
		n, err = w.rng.IntN(n), syscall.EAGAIN
	}
	for i := range n {
		r.start(r.pending[i])
	}
	r.pending = slices.Delete(r.pending, 0, n)
	w.advance(w.now)
	return n, err
}

// start begins an entry.
func (r *Ring) start(o op) {
	w := r.w
	switch o.e.Op() {
	case ring.OpRead:
		w.begin(&o)
		w.counts.Submitted++
	case ring.OpAsyncCancel:
		o.errno = syscall.ENOENT
		if i := slices.IndexFunc(r.flight, func(f *op) bool { return f.e.UserData() == o.e.Target() }); i >= 0 {
			o.errno = w.cancel(r.flight[i])
		}
		o.due = w.now
		if w.chance(w.f.CancelLate) {
			o.due += w.lateness()
		}
	default:
		o.errno, o.due = syscall.EACCES, w.now
	}
	r.flight = append(r.flight, &o)
	w.change()
	reads, bytes := 0, int64(0)
	for _, f := range r.flight {
		if f.e.Op() == ring.OpRead {
			reads++
			bytes += int64(len(f.p))
		}
	}
	w.counts.MaxInFlight = max(w.counts.MaxInFlight, reads)
	w.counts.MaxBytes = max(w.counts.MaxBytes, bytes)
}

// complete ends the op at an index of r.flight.
func (r *Ring) complete(at int) {
	w, o := r.w, r.flight[at]
	r.flight = slices.Delete(r.flight, at, at+1)
	c := ring.Completion{UserData: o.e.UserData(), Res: -int32(o.errno)}
	if o.e.Op() == ring.OpRead {
		c.Res = w.result(o)
		w.counts.Completed++
		if o.errno == syscall.ECANCELED {
			w.counts.Canceled++
		}
	}
	r.post(c)
	if w.chance(w.f.Repeated) {
		r.post(c)
	}
}

// post makes a completion seen.
func (r *Ring) post(c ring.Completion) {
	if len(r.over) > 0 || len(r.queue) == r.room {
		r.over = append(r.over, c)
		return
	}
	r.queue = append(r.queue, c)
	r.ring(true)
}

// ring rings the bell, if there is something and the signals are on.
func (r *Ring) ring(is bool) {
	if is && r.notify {
		r.w.rung = true
		r.w.change()
	}
}

// await waits until so many completions are there, for at most the time given, or
// without a bound if that is 0. The world is locked.
func (r *Ring) await(n int, wait time.Duration) error {
	w := r.w
	end := w.now + wait
	for first := true; len(r.queue) < n; first = false {
		if first && w.chance(w.f.EnterInterrupted) {
			return syscall.EINTR
		}
		if r.closed {
			return nil
		}
		due, ok := w.next()
		switch {
		case ok && (wait == 0 || due <= end):
			w.advance(due)
		case ok:
			w.advance(end)
			return r.late()
		case r.idle(wait):
			w.advance(w.now + wait)
			return r.late()
		}
	}
	return nil
}

// late is the result of a wait that was too short.
func (r *Ring) late() error {
	if len(r.queue) > 0 {
		return nil
	}
	return errTime
}

// idle waits for a change in real time, as nothing is on its way. It reports
// whether the time is over. The world is unlocked meanwhile.
func (r *Ring) idle(wait time.Duration) (over bool) {
	changed := r.w.changed
	r.w.mu.Unlock()
	defer r.w.mu.Lock()
	if wait == 0 {
		<-changed
		return false
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-changed:
		return false
	case <-t.C:
		return true
	}
}
