package source

import (
	"sync/atomic"
	"time"
)

// Stats counts what a File or Reader has done. Reads at offsets are counted by
// the File, whoever makes them; what its Readers read in order is counted by
// them, and added to the File's when they are closed.
type Stats struct {
	Reads       int64         // windows handed out, and reads into the caller's memory
	Bytes       int64         // bytes in them
	Lent        int64         // of Reads, windows lent of a mapping; nothing was copied for them
	Ringed      int64         // of Reads, windows with bytes that came through the ring
	Waits       int64         // reads that waited for a device, a stream or a Fetcher
	WaitTime    time.Duration // how long they did, together
	AheadBytes  int64         // bytes read before they were asked for
	WastedBytes int64         // of these, how many were thrown away
	Hits        int64         // hits in the caller's own cache, said by NoteHit
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

// waited counts one wait that began at start.
func (c *counters) waited(start time.Time) {
	c.waits.Add(1)
	c.waitTime.Add(int64(time.Since(start)))
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
