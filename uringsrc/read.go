package uringsrc

import (
	"context"
	"math"
)

// An Owner is told when the kernel has finished with a [Read].
type Owner interface {
	// ReadDone is called once for every Read that was started, by whichever
	// goroutine takes its completion in: the kernel uses neither the buffer nor
	// the descriptor any more. It does not wait and calls no method of the
	// engine. With abandoned set nobody else will look at the Read, which is
	// the Owner's to use again from now on; otherwise it is still the engine's
	// until Done reports true or a wait for it has returned.
	ReadDone(r *Read, abandoned bool)
}

// A Read is one read of a file into a buffer.
//
//	           ┌──────────── Abandon ───────────┐
//	           │                                ▼
//	Start ─► queued ──► in the kernel ──┬──► orphaned ──► ReadDone(abandoned)
//	                     ▲    │         │
//	                     └────┤ short   └──► finishing ─► ReadDone ─► done
//	                          │ again             ▲
//	                          └───────────────────┘ its terminal completion
//
// From Start until ReadDone the buffer belongs to the engine, whatever happens:
// a context that ended, a file or an engine that was closed. A Read can be
// started again when it is done; it must not be copied.
type Read struct {
	FD      int    // the file: open until ReadDone
	Buf     []byte // where to: on the heap or mapped, never a mapping of a file
	Off     int64  // where from; -1 is the file's position, as of a pipe
	Need    int    // it goes on after fewer bytes than this; at most len(Buf)
	Unit    int    // it does not go on from a count that is no multiple; 0 is 1
	RWFlags uint32 // RWF_…
	Owner   Owner  // may be nil

	// The result, from when it is done. N bytes were read; what is behind them in
	// the buffer is anything. Err is io.EOF if the file ended before Need of them,
	// ErrClosed if the engine was closed before, a [RingError], or the
	// syscall.Errno of the read, and nil with fewer if N is no multiple of Unit.
	N   int
	Err error

	lane  *lane
	queue *Queue // which is told, or nil
	slot  uint32 // in lane.slots, in the kernel
	seq   uint32 // number of its entry
	place uint   // in lane.backlog, queued
	phase phase  // guarded by lane.mu

	passing, strange uint8 // errors of either kind since the last byte

	waiter waiter        // who waits for this Read
	ready  chan struct{} // nil if nobody asked
	next   *Read         // in a list of those that have finished
}

// A phase is where a Read is.
type phase uint8

const (
	idle    phase = iota
	claimed       // about to be started
	queued
	inKernel
	orphaned
	finishing
	done
)

// tag marks the user data of a Read's entry: its slot, and how often the slot
// was used, so that a completion of an earlier use is not taken for this one's.
func tag(slot, use uint32) uint64 { return uint64(use&math.MaxInt32)<<32 | uint64(slot) }

// cancelTag marks the user data of a cancel.
const cancelTag = 1 << 63

// claim panics if r cannot be started. No lane is locked: r is its caller's, unless
// it is under way, which is seen then or was lost to a race.
func (r *Read) claim() {
	switch {
	case r.Need > len(r.Buf):
		panic("uringsrc: a Read needs more bytes than its buffer holds")
	case r.phase != idle && r.phase != done:
		panic("uringsrc: a Read is started that is under way")
	case r.queue != nil:
		panic("uringsrc: a Read is started that has not come out of its Queue")
	}
	r.phase = claimed
}

// Done reports whether the result is there: true once ReadDone has been called.
// It takes in what has completed, and waits for no device.
func (r *Read) Done() bool {
	l := r.lane
	l.mu.Lock()
	if r.phase != done {
		l.settleLocked()
	}
	if r.phase == finishing { // another goroutine is about to say so
		l.waitLocked(context.Background(), &r.waiter)
	}
	is := r.phase == done
	l.leave()
	return is
}

// Wait waits until the Read is done, or returns the context's error; the Read
// goes on then. One goroutine waits for it at a time.
func (r *Read) Wait(ctx context.Context) error {
	l := r.lane
	l.e.waiting.Add(1)
	l.mu.Lock()
	err := l.waitLocked(ctx, &r.waiter)
	l.leave()
	l.e.waiting.Add(-1)
	return err
}

// Ready returns a channel that is closed when the Read is done, or never if it is
// abandoned.
func (r *Read) Ready() <-chan struct{} {
	l := r.lane
	l.mu.Lock()
	defer l.leave()
	if r.phase == done {
		return always
	}
	if r.ready == nil {
		r.ready = make(chan struct{})
		l.listeners++
	}
	return r.ready
}

// always is the Ready channel of what is done.
var always = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// Abandon gives the Read up. It returns true if it is done, so that the buffer
// is the caller's; and false if the buffer belongs to the engine until ReadDone,
// after which nobody but the Owner may use the Read. In either case it does not
// come out of its Queue any more. Nobody waits for it meanwhile.
func (r *Read) Abandon() (isDone bool) {
	l := r.lane
	l.mu.Lock()
	defer l.leave()
	if r.phase == finishing { // its goroutine is about to say so
		l.waitLocked(context.Background(), &r.waiter)
	}
	switch r.phase {
	case orphaned:
		return false
	case queued:
		l.unqueueLocked(r)
		l.orphanLocked(r)
		l.endLocked(r)
		l.settleLocked()
		return false
	case inKernel:
		l.orphanLocked(r)
		l.cancelLocked(r)
		return false
	}
	if q := r.queue; q != nil {
		q.done.remove(r)
		r.queue = nil
	}
	return true
}
