package uringsrc

import (
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/oriel-go/oriel/uringsrc/internal/ring"
)

// A lane is one ring with what is in it and who waits for it.
//
// Everything but the system call is done with mu held. Whoever has it settles:
// takes in what has completed, ends those reads, and begins others that had to
// queue. So every call moves the lane on, and no goroutine is needed for that
// while there are calls.
type lane struct {
	e     *Engine
	d     Driver
	leads bool        // Enter can wait for a bounded time, so that a waiter may lead
	taken atomic.Bool // of a seat: somebody has it
	full  atomic.Bool // no slot was free, or the ring failed, when the lane was last left

	flushing atomic.Bool  // somebody brings in what is pending, and looks again afterwards
	flushers atomic.Int32 // goroutines in flush, which keep the ring: nothing but Enter may run beside its Close
	closing  atomic.Bool  // closed, for those who are not in mu
	entering atomic.Int32
	broken   atomic.Pointer[error] // Enter fails for good

	mu          sync.Mutex
	slots       []slot
	free        []uint32 // slots that are not in use
	cancels     int      // in flight
	pushed      uint32   // entries so far
	kernelBytes int64    // of buffers in the kernel
	queuedBytes int64
	orphans     int
	orphanBytes int64
	backlog     fifo
	waiters     waiters
	listeners   int         // Ready channels to be closed
	telling     int         // goroutines that are telling Owners
	timer       *time.Timer // of laterLocked; nil if it is not set
	leading     bool        // a waiter is in Enter, or has been told to go there
	tired       bool        // leading has brought nothing for long: the bell does it
	belled      bool        // the bell is on
	closed      bool
	ended       bool  // closed, and the ring was given back
	gone, fin   reads // what has finished since the last settle: nobody's, and somebody's
	strays      int64
	completions [64]ring.Completion
	entry       ring.Entry // what Push is given, so that it need not be on the heap
}

// A slot is a place in the kernel.
type slot struct {
	r   *Read
	use uint32
}

func newLane(e *Engine, d Driver, inFlight int, leads bool) *lane {
	l := &lane{e: e, d: d, leads: leads, slots: make([]slot, inFlight), free: make([]uint32, inFlight)}
	for i := range l.free {
		l.free[i] = uint32(inFlight - 1 - i)
	}
	d.Notify(false)
	return l
}

func (l *lane) inKernel() int { return len(l.slots) - len(l.free) }

// startLocked begins r, or has it queue.
func (l *lane) startLocked(r *Read, q *Queue) {
	r.N, r.Err, r.passing, r.strange, r.ready, r.next = 0, nil, 0, 0, nil, nil
	r.lane, r.queue = l, q
	r.waiter.r = r
	l.e.count.reads.Add(1)
	switch {
	case l.closed:
		r.Err = ErrClosed
		l.endLocked(r)
	case l.isBroken():
		r.Err = *l.broken.Load()
		l.endLocked(r)
	case l.backlog.n == 0 && l.fits(r) && l.pushLocked(r):
	default:
		r.phase = queued
		l.backlog.push(r)
		l.queuedBytes += int64(len(r.Buf))
	}
}

// fits reports whether r may go into the kernel now. One may whatever its size.
func (l *lane) fits(r *Read) bool {
	return len(l.free) > 0 && (l.kernelBytes == 0 || l.kernelBytes+int64(len(r.Buf)) <= l.e.inFlightBytes)
}

// seatsLocked reports whether r, whose goroutine has taken this seat, goes into
// the kernel at once there: reads that were abandoned and do not come back can
// fill a seat.
func (l *lane) seatsLocked(r *Read) bool {
	return l.closed || l.backlog.n == 0 && l.fits(r) && !l.isBroken()
}

func (l *lane) isBroken() bool { return l.broken.Load() != nil }

// pushLocked gives r a slot and an entry. It returns false where there is none.
func (l *lane) pushLocked(r *Read) bool {
	s := l.free[len(l.free)-1]
	r.slot = s
	if !l.enterLocked(r) {
		return false
	}
	l.free = l.free[:len(l.free)-1]
	l.slots[s].r = r
	r.phase = inKernel
	l.kernelBytes += int64(len(r.Buf))
	return true
}

// enterLocked pushes the entry for what is missing of r, which has a slot.
func (l *lane) enterLocked(r *Read) bool {
	use := l.slots[r.slot].use + 1
	p, off := r.Buf[r.N:], r.Off
	if off >= 0 {
		off += int64(r.N)
	}
	l.entry = ring.Read(r.FD, p, off, r.RWFlags, tag(r.slot, use))
	if !l.d.Push(&l.entry, p) {
		return false
	}
	l.slots[r.slot].use = use
	l.pushed++
	r.seq = l.pushed
	return true
}

// unqueueLocked takes r out of the backlog.
func (l *lane) unqueueLocked(r *Read) {
	l.backlog.remove(r)
	l.queuedBytes -= int64(len(r.Buf))
}

// feedLocked begins reads that queue.
func (l *lane) feedLocked() {
	for r := l.backlog.first(); r != nil && l.fits(r) && l.pushLocked(r); r = l.backlog.first() {
		l.unqueueLocked(r)
	}
}

// orphanLocked marks r as nobody's.
func (l *lane) orphanLocked(r *Read) {
	if r.ready != nil {
		r.ready = nil // whoever had it has given the Read up
		l.listeners--
	}
	r.phase, r.queue = orphaned, nil
	l.orphans++
	l.orphanBytes += int64(len(r.Buf))
	l.e.count.abandoned.Add(1)
}

// cancelLocked asks the kernel to end r soon, which it may or may not do.
func (l *lane) cancelLocked(r *Read) {
	if l.cancels == len(l.slots) || l.isBroken() {
		return
	}
	l.entry = ring.Cancel(tag(r.slot, l.slots[r.slot].use), cancelTag)
	if l.d.Push(&l.entry, nil) {
		l.pushed++
		l.cancels++
	}
}

// endLocked puts r, which has no slot and no place any more, on the list of what
// has finished.
func (l *lane) endLocked(r *Read) {
	if r.phase == orphaned {
		l.orphans--
		l.orphanBytes -= int64(len(r.Buf))
		r.phase = idle
		l.gone.push(r)
		return
	}
	r.phase = finishing
	if r.queue != nil {
		r.queue.finishing++
	}
	l.fin.push(r)
}

// completeLocked takes one completion in.
func (l *lane) completeLocked(c ring.Completion) {
	if c.UserData&cancelTag != 0 {
		if l.cancels > 0 {
			l.cancels--
		} else {
			l.strays++
		}
		return
	}
	s := uint32(c.UserData)
	if int(s) >= len(l.slots) || l.slots[s].r == nil || tag(s, l.slots[s].use) != c.UserData {
		l.strays++
		return
	}
	r := l.slots[s].r
	if r.take(c) && r.phase != orphaned && l.goOnLocked(r) {
		l.e.count.continued.Add(1)
		return
	}
	l.dropLocked(r)
	l.endLocked(r)
}

// goOnLocked begins r again for what is missing of it, or gives it an error.
func (l *lane) goOnLocked(r *Read) bool {
	switch {
	case l.closed:
		r.Err = ErrClosed
	case l.isBroken():
		r.Err = *l.broken.Load()
	case !l.enterLocked(r):
		r.Err = &RingError{syscall.EBUSY}
	default:
		return true
	}
	return false
}

// dropLocked takes r out of its slot.
func (l *lane) dropLocked(r *Read) {
	l.slots[r.slot].r = nil
	l.free = append(l.free, r.slot)
	l.kernelBytes -= int64(len(r.Buf))
}

const (
	maxPassing = 100 // of EINTR and EAGAIN
	maxStrange = 3   // of what a thread that ended can cause

	rwfNoWait = 8 // RWF_NOWAIT
)

// take adds a completion to the result. It reports whether the read goes on.
func (r *Read) take(c ring.Completion) (more bool) {
	if n := c.N(); n > 0 {
		r.N += min(n, len(r.Buf)-r.N)
		r.passing, r.strange = 0, 0
		return r.N < r.Need && (r.Unit <= 1 || r.N%r.Unit == 0)
	}
	err := c.Err()
	if err == nil {
		if r.N < r.Need {
			r.Err = io.EOF
		}
		return false
	}
	r.Err = err
	switch err {
	case syscall.EAGAIN:
		if r.RWFlags&rwfNoWait != 0 {
			return false
		}
		fallthrough
	case syscall.EINTR:
		if r.passing++; r.passing < maxPassing {
			r.Err = nil
			return true
		}
		r.Err = &RingError{err}
	case syscall.ECANCELED, syscall.EFAULT:
		if r.strange++; r.strange < maxStrange {
			r.Err = nil
			return true
		}
		r.Err = &RingError{err}
	}
	return false
}

// settleLocked takes in what has completed. It unlocks the lane while Owners are
// told, and reports whether anything had.
func (l *lane) settleLocked() (progress bool) {
	for flushed := false; !l.ended; {
		n := l.d.Reap(l.completions[:])
		for _, c := range l.completions[:n] {
			l.completeLocked(c)
		}
		if n > 0 {
			progress, flushed = true, false
		}
		if n == len(l.completions) {
			continue
		}
		if flushed || !l.d.Overflowed() || l.isBroken() {
			break
		}
		if _, err := l.d.Enter(0, 0); err != nil { // brings over what was kept back; it does not wait
			l.laterLocked() // no bell rings for it
		}
		flushed = true
	}
	l.feedLocked()
	gone, fin := l.gone, l.fin
	if gone.head == nil && fin.head == nil {
		return progress
	}
	l.gone, l.fin = reads{}, reads{}
	l.tired = false
	l.telling++
	l.mu.Unlock()
	for r := gone.pop(); r != nil; r = gone.pop() {
		if r.Owner != nil {
			r.Owner.ReadDone(r, true)
		}
	}
	for r := fin.head; r != nil; r = r.next {
		if r.Owner != nil {
			r.Owner.ReadDone(r, false)
		}
	}
	l.mu.Lock()
	l.telling--
	now := l.e.now()
	for r := fin.pop(); r != nil; r = fin.pop() {
		l.finishLocked(r, now)
	}
	return true
}

// finishLocked makes r done and says so to whoever waits.
func (l *lane) finishLocked(r *Read, now time.Duration) {
	r.phase = done
	ready := r.ready
	if w := &r.waiter; w.parked {
		l.waiters.signal(w, now)
	}
	if q := r.queue; q != nil {
		q.finishing--
		q.done.push(r)
		if w := &q.waiter; w.parked {
			l.waiters.signal(w, now)
		}
	}
	if ready != nil {
		l.listeners--
		close(ready) // last: it is not said under mu that r is done
	}
}

// leave unlocks the lane at the end of a call: what is pending is brought in,
// and the bell is on if nobody else would see to what somebody waits for.
func (l *lane) leave() {
	l.tidyLocked()
	pending := !l.ended && l.d.Pending() > 0
	if pending {
		l.flushers.Add(1)
	}
	l.mu.Unlock()
	if !pending {
		return
	}
	l.flush()
	if l.flushers.Add(-1) == 0 && l.closing.Load() {
		l.mu.Lock()
		l.endLaneLocked()
		l.mu.Unlock()
	}
}

// tidyLocked is what is done before the lane is unlocked by who does not lead.
func (l *lane) tidyLocked() {
	for l.bellLocked() {
		l.settleLocked()
	}
	l.endLaneLocked()
	if full := len(l.free) == 0 || l.isBroken(); full != l.full.Load() {
		l.full.Store(full)
	}
}

// bellLocked switches the bell on or off. It reports whether something has
// completed that the bell may not have rung for.
func (l *lane) bellLocked() (settle bool) {
	if l.ended {
		return false
	}
	on := !l.leading && (l.waiters.head != nil || l.closed && l.inKernel() > 0 || l.orphans > 0 || l.listeners > 0 || l.backlog.n > 0)
	if on == l.belled {
		return false
	}
	l.belled = on
	l.d.Notify(on)
	return on && (l.d.Ready() > 0 || l.d.Overflowed())
}

// crowd is the number of waiting goroutines from which on one that is about to
// bring in entries lets others go first, whose entries it then brings in as well. With fewer the delay costs more than the system calls.
const crowd = 8

// flush brings in what is pending. Only one goroutine of a lane does: what others
// push meanwhile it brings in with its next round, because they see flushing
// after they have pushed, and it looks for entries after it has unset it.
func (l *lane) flush() {
	for !l.isBroken() && l.d.Pending() > 0 && l.flushing.CompareAndSwap(false, true) {
		if l.crowded() {
			runtime.Gosched()
		}
		_, err := l.enter(0, 0)
		l.flushing.Store(false)
		if err != nil && !l.recover(err) {
			return
		}
	}
}

func (l *lane) crowded() bool { return l.e.waiting.Load() >= crowd }

// enter is the driver's Enter, of which the lane knows how many are under way.
func (l *lane) enter(atLeast int, wait time.Duration) (n int, err error) {
	l.entering.Add(1)
	if p := l.broken.Load(); p != nil {
		err = *p
	} else {
		n, err = l.d.Enter(atLeast, wait)
		l.e.count.enters.Add(1)
	}
	if l.entering.Add(-1) == 0 && l.isBroken() {
		l.withdraw()
	}
	return n, err
}

// recover does what an error of Enter asks for. It reports whether to go on at
// once.
func (l *lane) recover(err error) bool {
	switch err {
	case nil, syscall.EINTR, errTime:
		return true
	case syscall.EAGAIN, syscall.EBUSY, syscall.ENOMEM, errLost:
		// No memory for a request, or no room for its completion. Somebody has to
		// come again, and nothing need be in flight that would make anybody.
		l.mu.Lock()
		defer l.mu.Unlock()
		progress := l.settleLocked()
		if !progress {
			l.laterLocked()
		}
		l.tidyLocked()
		return progress
	case syscall.ENXIO: // the lane has ended
		return false
	}
	l.fail(err)
	return false
}

// laterLocked brings in what is pending in a while, and brings over what has
// overflowed.
func (l *lane) laterLocked() {
	if l.timer != nil || l.ended {
		return
	}
	l.timer = time.AfterFunc(leaderWait, func() {
		l.mu.Lock()
		l.timer, l.tired = nil, false
		l.mu.Unlock()
		if _, err := l.enter(0, 0); err != nil {
			l.recover(err)
		}
		l.mu.Lock()
		l.settleLocked()
		l.handOnLocked()
		l.leave()
	})
}

// fail gives the ring up: a filter of system calls was installed, say. Nobody
// enters it any more, so what the kernel has not taken it never will.
func (l *lane) fail(err error) {
	err = &RingError{err}
	l.entering.Add(1)
	l.broken.CompareAndSwap(nil, &err)
	if l.entering.Add(-1) == 0 {
		l.withdraw()
	}
}

// withdraw ends the reads of a broken lane that the kernel has not taken. Nobody
// is in Enter, and broken was set before that was seen.
func (l *lane) withdraw() {
	l.mu.Lock()
	defer l.leave()
	if l.ended {
		return
	}
	err := *l.broken.Load()
	taken := l.pushed - uint32(l.d.Pending())
	for _, s := range l.slots {
		if s.r != nil && int32(s.r.seq-taken) > 0 {
			s.r.Err = err
			l.dropLocked(s.r)
			l.endLocked(s.r)
		}
	}
	for r := l.backlog.first(); r != nil; r = l.backlog.first() {
		l.unqueueLocked(r)
		r.Err = err
		l.endLocked(r)
	}
	l.settleLocked()
}
