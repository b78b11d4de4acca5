package pool

import (
	"fmt"
	"math/bits"
	"strings"

	"github.com/oriel-go/oriel/window"
)

// HeldError says that a pool was closed while memory was out.
type HeldError struct {
	Buffers int      // how many
	Bytes   int64    // of their slots together
	Holders []Holder // who holds them, as far as the debug mode knows
}

// Error names the number of buffers and then the holders, a line each.
func (e *HeldError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d buffers with %d bytes are still held", e.Buffers, e.Bytes)
	for _, h := range e.Holders {
		b.WriteString("\n\t")
		b.WriteString(h.String())
	}
	return b.String()
}

// Close gives all idle memory back and fails whoever waits, and every later
// Get, with [window.ErrClosed]. When memory is still out, the error wraps a
// [*HeldError]; that memory stays valid, and each slab is unmapped when its
// last buffer is freed. Closing twice does nothing.
func (p *Pool) Close() error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil
	}
	p.closed = true
	if p.timer != nil {
		p.timer.Stop()
	}
	p.failHopelessLocked()
	p.balanceLocked() // empties the shards
	p.quarantine.flush(p)
	p.reclaimLocked(p.committed)
	p.unmapRawLocked()
	held := &HeldError{Bytes: p.committed}
	for sl := range p.slabs {
		held.Buffers += bits.OnesCount64(sl.all &^ sl.raw)
	}
	p.mu.Unlock()
	if held.Buffers == 0 {
		return nil
	}
	held.Holders = p.Holders()
	return &window.Error{Op: "close pool", Err: held}
}
