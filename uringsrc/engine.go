package uringsrc

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oriel-go/oriel/window"
)

// Options say how much an Engine may have under way.
type Options struct {
	// InFlight bounds the reads that are in the kernel at a time through the
	// shared ring; more of them queue. Each seat adds one, and up to three that
	// were abandoned there. From 1 to 4096; the default is DefaultInFlight. About
	// as many as the device takes at a time: the kernel has threads wait for those
	// beyond.
	InFlight int

	// InFlightBytes bounds the bytes of the buffers of each ring likewise. A read
	// of more waits until it is alone, and those behind it wait with it. The
	// default is DefaultInFlightBytes.
	InFlightBytes int64
}

// Defaults of [Options]. 256 is nr_requests of the block devices that were
// measured.
const (
	DefaultInFlight      = 256
	DefaultInFlightBytes = 64 << 20
	MaxInFlight          = 4096
)

// check returns the options with the defaults filled in.
func (o Options) check() (Options, error) {
	if o.InFlight == 0 {
		o.InFlight = DefaultInFlight
	}
	if o.InFlightBytes == 0 {
		o.InFlightBytes = DefaultInFlightBytes
	}
	switch {
	case o.InFlight < 0 || o.InFlight > MaxInFlight:
		return o, fmt.Errorf("%w: InFlight of %d, and at most %d can be", window.ErrOption, o.InFlight, MaxInFlight)
	case o.InFlightBytes < 0:
		return o, fmt.Errorf("%w: InFlightBytes of %d", window.ErrOption, o.InFlightBytes)
	}
	return o, nil
}

// An Engine reads through io_uring for any number of goroutines. Its methods may
// be called by all of them.
//
// It has a few rings. The first is everybody's. The others are seats: each for
// one goroutine that waits for its own read, as it would in pread. See pick.
type Engine struct {
	inFlightBytes int64
	lanes         []*lane      // the shared one, and the seats
	open          atomic.Int32 // of them, those that have not ended
	bell          Bell
	info          Info
	fd            int // of the shared ring, -1 where it has none
	began         time.Time

	waiting atomic.Int32 // goroutines in Read, Wait and Next
	crowded atomic.Int32 // how many reads to go on as if many were waiting
	lag     atomic.Int64 // moving average of how long goroutines that are woken take to run, in ns
	lagAt   atomic.Int64 // when lag was last looked at, by now
	lagging atomic.Int64 // until when to go on as if all processors were busy, by now

	listener sync.WaitGroup // the goroutine that waits for the bell
	ended    chan struct{}  // closed when no lane is open any more

	count counters
}

// A RingError says that the ring failed, not the file: the same read can be made
// in another way.
type RingError struct{ Err error }

func (e *RingError) Error() string { return "io_uring: " + e.Err.Error() }

// Unwrap returns why.
func (e *RingError) Unwrap() error { return e.Err }

// ErrClosed is the result of reads that were started after Close.
var ErrClosed = window.ErrClosed

// now returns the time since the engine was made.
func (e *Engine) now() time.Duration { return time.Since(e.began) }

// Read reads what r says and waits for it, or until ctx ends: then the error is
// the context's and r still goes on, so that it has to be waited for or
// abandoned.
func (e *Engine) Read(ctx context.Context, r *Read) error {
	r.claim()
	l, seat := e.pick()
	l.mu.Lock()
	if seat && !l.seatsLocked(r) {
		l.mu.Unlock()
		l.taken.Store(false)
		l, seat = e.lanes[0], false
		l.mu.Lock()
	}
	l.startLocked(r, nil)
	err := l.waitLocked(ctx, &r.waiter)
	l.leave()
	if seat {
		l.taken.Store(false)
	}
	e.waiting.Add(-1)
	return err
}

const (
	crowdedFor = 256 // reads
	laggingFor = 200 * time.Millisecond
	lagBound   = 2 * time.Millisecond // a goroutine that computes is preempted after 10
	lagWeight  = 32
	lagMost    = 8 * time.Millisecond // what one wake-up counts for at most
	lagEvery   = time.Millisecond     // one pause of the whole process makes many wake-ups late: it counts once
)

// pick counts the caller as waiting and chooses a lane for its read.
//
// With few readers each has a seat: it waits in the kernel for its own read, and
// no other goroutine has to be woken for it. With many they share a lane: one
// waits in the kernel for all, and their entries go in together. That one and all
// the others have to be scheduled, though. When the processors are busy computing
// this takes milliseconds, so that as many as there are seats then wait for
// themselves: a goroutine that returns from a system call soon enough still has
// its processor.
func (e *Engine) pick() (l *lane, seat bool) {
	n := int(e.waiting.Add(1))
	seats := e.lanes[1:]
	many := n > len(seats)
	if many {
		e.crowded.Store(crowdedFor)
	} else if c := e.crowded.Load(); c > 0 {
		e.crowded.Store(c - 1)
		many = true
	}
	if many && int64(e.now()) >= e.lagging.Load() {
		return e.lanes[0], false
	}
	for _, l := range seats {
		if !l.taken.Load() && !l.full.Load() && l.taken.CompareAndSwap(false, true) {
			return l, true
		}
	}
	return e.lanes[0], false
}

// noteLag learns how long a goroutine that was woken took to run. What is seen
// while they take seats says nothing: each seat may hold a processor. So they are
// left after laggingFor, to look again.
func (e *Engine) noteLag(lag, now time.Duration) {
	at := e.lagAt.Load()
	if int64(now) < e.lagging.Load() || now-time.Duration(at) < lagEvery || !e.lagAt.CompareAndSwap(at, int64(now)) {
		return
	}
	was := e.lag.Load()
	mean := was + (int64(min(lag, lagMost))-was)/lagWeight
	if mean > int64(lagBound) {
		e.lagging.Store(int64(now + laggingFor))
		mean = 0
	}
	e.lag.Store(mean)
}

// Start begins reads, all with one system call as far as there is room, and
// returns. q is told when they are done, unless it is nil. It does not wait:
// reads beyond the limits queue. It panics if one of them is under way already or
// cannot be, and so does Read.
func (e *Engine) Start(q *Queue, rs ...*Read) {
	for _, r := range rs {
		r.claim()
	}
	l := e.lanes[0]
	l.mu.Lock()
	for _, r := range rs {
		l.startLocked(r, q)
	}
	l.settleLocked()
	l.leave()
}

// Poll takes in what has completed. It is for event loops that have FD polled.
func (e *Engine) Poll() {
	for _, l := range e.lanes {
		l.poke()
	}
}

// poke moves the lane on, and has somebody lead if somebody waits.
func (l *lane) poke() {
	l.mu.Lock()
	l.settleLocked()
	l.handOnLocked()
	l.leave()
}

// FD returns a descriptor that is readable while something that was started by
// Start has completed and nobody has taken it in, -1 where there is none.
func (e *Engine) FD() int { return e.fd }

// listen waits for the bell until the last lane has ended. Its goroutine also
// keeps the engine, and with it the buffers that the kernel writes to, from the
// garbage collector when nobody else has the engine any more.
func (e *Engine) listen() {
	for e.bell.Wait() == nil {
		e.Poll()
	}
}
