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
//
// Those who wait are not all of a crowd. A goroutine that waits in pread keeps its
// processor until the runtime takes it away, for 20 µs to 10 ms, and meanwhile the
// others are ready to read and do not come to it. So who is ready counts as well,
// once two wait: of 64 goroutines on two processors never four were in pread at a
// time, and a run that took 67 ms by pread takes 38 through the ring (bench regret,
// sequential/default/cold/64KiB/64/once).
type crowd struct {
	waiting atomic.Int64
	large   atomic.Bool
	began   time.Time
	looked  atomic.Int64 // when the processors were last looked at, since began
	busy    atomic.Int32 // looks in a row that found all of them computing
	small   atomic.Int32 // looks in a row that found few
}

const (
	crowdFrom = 16 // reads that wait when the ring takes over
	crowdSome = 2  // and from which on those who are ready count too
	crowdTo   = 4  // few: when pread takes over again, after smallLooks in a row
	// The processors are busy when so many looks in a row have found all of them
	// running goroutines while others waited for one. A crowd that waits for a
	// device has such moments too, but not one after the other.
	busyLooks  = 16
	smallLooks = 4
	lookEvery  = time.Millisecond // from one look to the next, at least
)

// isLarge reports whether one more read is to go through the ring.
func (c *crowd) isLarge() bool {
	n := c.waiting.Load() + 1
	if n < crowdSome && !c.large.Load() {
		return false
	}
	now := int64(time.Since(c.began))
	if at := c.looked.Load(); now-at >= int64(lookEvery) && c.looked.CompareAndSwap(at, now) {
		c.observe(n, probe.ProcessorsNow())
	}
	if n >= crowdFrom {
		c.large.Store(true)
	}
	return c.large.Load() && !c.isBusy()
}

// observe takes in how many reads wait and what the processors do.
func (c *crowd) observe(n int64, p probe.Processors) {
	if p.Busy() {
		c.busy.Add(1)
	} else {
		c.busy.Store(0)
	}
	switch all := n + int64(p.Runnable); {
	case all >= crowdFrom:
		c.small.Store(0)
		c.large.Store(true)
	case all > crowdTo:
		c.small.Store(0)
	case c.small.Add(1) >= smallLooks:
		c.large.Store(false)
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
