package source

import (
	"sync/atomic"
	"time"

	"github.com/oriel-go/oriel/internal/probe"
)

// A crowd is the reads of a Runtime that wait for devices. A few of them are best
// made by pread: a thread that waits for its own read is woken without anybody
// between it and the device. A crowd is better served through the ring, which
// holds no threads (bench ringreaders: 64 readers of 4 KiB had 2.5 times as many
// reads for 0.24 of the CPU time, 8 had 0.8 to 1.1 times as many), unless every
// processor computes: who is parked then waits for the scheduler's turn (0.42).
type crowd struct {
	waiting atomic.Int64
	large   atomic.Bool
	began   time.Time
	looked  atomic.Int64 // when the processors were last looked at, since began
	busy    atomic.Int32 // looks in a row that found all of them computing
}

const (
	crowdFrom = 16 // reads that wait when the ring takes over,
	crowdTo   = 4  // and when pread does again
	// The processors are busy when so many looks in a row, so far apart, have found
	// all of them running goroutines while others waited for one. A crowd that
	// waits for a device has such moments too, but not one after the other.
	busyLooks = 16
	lookEvery = time.Millisecond
)

// isLarge reports whether one more read is to go through the ring.
func (c *crowd) isLarge() bool {
	n := c.waiting.Load() + 1
	switch large := c.large.Load(); {
	case large && n <= crowdTo:
		c.large.Store(false)
		return false
	case !large && n < crowdFrom:
		return false
	case !large:
		c.large.Store(true)
	}
	c.look()
	return !c.isBusy()
}

// look looks at the processors, if it is time.
func (c *crowd) look() {
	now := int64(time.Since(c.began))
	at := c.looked.Load()
	if now-at < int64(lookEvery) || !c.looked.CompareAndSwap(at, now) {
		return
	}
	if probe.Busy() {
		c.busy.Add(1)
	} else {
		c.busy.Store(0)
	}
}

// isBusy reports whether all processors compute, as far as was looked.
func (c *crowd) isBusy() bool { return c.busy.Load() >= busyLooks }

// leastCrowdDirect is the size of windows, in bytes, that are read past the page
// cache in a crowd, if they are declared Once: nobody waits for more than their own
// read, and nothing is copied (64 readers of 64 KiB files: 52 µs a file against 63
// through the ring and the cache, and 98 by pread; bench regret).
const leastCrowdDirect = 16 << 10

// choose has a read of an automatic File that may wait go through the ring, if it
// is one of a crowd.
func (q *request) choose() {
	f := q.f
	if q.ring != nil || q.load > 0 || !f.auto() || !f.rt.crowd.isLarge() {
		return
	}
	if g, err := f.ringed(); err == nil {
		q.ring = g
	}
}
