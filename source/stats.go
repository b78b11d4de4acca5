package source

import (
	"context"
	"runtime/trace"
	"sync/atomic"
	"time"
)

// Stats counts what a File or Reader has done. Reads at offsets are counted by
// the File, whoever makes them; what its Readers read in order is counted by
// them, and added to the File's when they are closed.
type Stats struct {
	Reads       int64         `json:"reads"`       // windows handed out, and reads into the caller's memory
	Bytes       int64         `json:"bytes"`       // bytes in them
	Lent        int64         `json:"lent"`        // of Reads, windows lent of a mapping; nothing was copied for them
	Ringed      int64         `json:"ringed"`      // of Reads, windows with bytes that came through the ring
	Waits       int64         `json:"waits"`       // reads that waited for a device, a stream or a Fetcher
	WaitTime    time.Duration `json:"waitNs"`      // how long they did, together
	AheadBytes  int64         `json:"aheadBytes"`  // bytes read before they were asked for
	WastedBytes int64         `json:"wastedBytes"` // of these, how many were thrown away
	Hits        int64         `json:"hits"`        // hits in the caller's own cache, said by NoteHit
}

// counters are Stats that are counted by several goroutines.
type counters struct {
	reads, bytes, lent, ringed, waits, waitTime, ahead, wasted, hits atomic.Int64
}

// read counts one read of n bytes.
func (c *counters) read(n int) {
	c.reads.Add(1)
	c.bytes.Add(int64(n))
}

// A wait is a read that waits. It is a region of the execution trace.
type wait struct {
	c      *counters
	began  time.Time
	region *trace.Region
}

// wait begins a wait, which end ends and counts.
func (c *counters) wait(ctx context.Context) wait {
	w := wait{c: c, began: time.Now()}
	if trace.IsEnabled() {
		w.region = trace.StartRegion(ctx, "oriel: wait")
	}
	return w
}

func (w wait) end() {
	if w.region != nil {
		w.region.End()
	}
	w.c.waits.Add(1)
	w.c.waitTime.Add(int64(time.Since(w.began)))
}

func (c *counters) stats() Stats {
	return Stats{
		Reads:       c.reads.Load(),
		Bytes:       c.bytes.Load(),
		Lent:        c.lent.Load(),
		Ringed:      c.ringed.Load(),
		Waits:       c.waits.Load(),
		WaitTime:    time.Duration(c.waitTime.Load()),
		AheadBytes:  c.ahead.Load(),
		WastedBytes: c.wasted.Load(),
		Hits:        c.hits.Load(),
	}
}

// add counts what s says.
func (c *counters) add(s Stats) {
	c.reads.Add(s.Reads)
	c.bytes.Add(s.Bytes)
	c.lent.Add(s.Lent)
	c.ringed.Add(s.Ringed)
	c.waits.Add(s.Waits)
	c.waitTime.Add(int64(s.WaitTime))
	c.ahead.Add(s.AheadBytes)
	c.wasted.Add(s.WastedBytes)
	c.hits.Add(s.Hits)
}
