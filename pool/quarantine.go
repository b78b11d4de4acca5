package pool

import (
	"bytes"
	"log/slog"
)

// poisonByte fills freed memory in the debug mode.
const poisonByte = 0xDB

// poisoned is what is compared with: one page of poison.
var poisoned = bytes.Repeat([]byte{poisonByte}, 4<<10)

// A quarantine is freed slots, filled with poison, that are not used again for
// a while; first in, first out. Guarded by Pool.mu.
type quarantine struct {
	bufferList
	n     int
	bytes int64
}

// poison fills a slot that nobody holds any more.
func (d *debugMode) poison(b *Buffer, acquired *stack) {
	if d.Level < Poison || b.class == largeClass {
		return // a large one is unmapped, and writing to it faults
	}
	for p := b.mem; len(p) > 0; {
		p = p[copy(p, poisoned):]
	}
	b.n, b.last = poisonMark, acquired
}

// poisonMark is Buffer.n of a slot that was poisoned when it was freed.
const poisonMark = -1

// wants reports whether b goes to the quarantine. It does not while memory is
// short: it would leave again at once.
func (q *quarantine) wants(p *Pool, b *Buffer) bool {
	return b.n == poisonMark && p.poisoning() && p.queue.first == nil && p.overdrawn == 0
}

// add puts a poisoned slot in, and lets the oldest out beyond the bound.
func (q *quarantine) add(p *Pool, b *Buffer) {
	q.pushLast(b)
	q.n++
	q.bytes += int64(len(b.mem))
	if d := p.debug.Load(); d != nil {
		q.shrink(p, d.QuarantineBytes)
	}
}

// shrink lets the oldest out until at most limit bytes are in.
func (q *quarantine) shrink(p *Pool, limit int64) {
	for q.bytes > limit {
		b := q.pop(p)
		p.idle[b.class].pushHot(b)
	}
}

// flush lets everything out.
func (q *quarantine) flush(p *Pool) { q.shrink(p, 0) }

// release lets the oldest out until as much as need is idle altogether, and
// returns one of them if it is of the class that is wanted.
func (q *quarantine) release(p *Pool, class int, need int64) *Buffer {
	for q.first != nil && p.centralIdleBytesLocked() < need {
		b := q.pop(p)
		if int(b.class) == class {
			return b
		}
		p.idle[b.class].pushHot(b)
	}
	return nil
}

// pop takes the oldest out and looks whether it was written to.
func (q *quarantine) pop(p *Pool) *Buffer {
	b := q.first
	q.remove(b)
	q.n--
	q.bytes -= int64(len(b.mem))
	p.checkPoisonLocked(b)
	return b
}

// checkPoisonLocked reports a slot that was written after it was freed.
func (p *Pool) checkPoisonLocked(b *Buffer) {
	for off := 0; off < len(b.mem); off += len(poisoned) {
		page := b.mem[off:min(off+len(poisoned), len(b.mem))]
		if bytes.Equal(page, poisoned[:len(page)]) {
			continue
		}
		for page[0] == poisonByte {
			page = page[1:]
			off++
		}
		acquired := "not sampled"
		if b.last != nil {
			acquired = b.last.String()
		}
		p.corrupted++
		if p.logger != nil {
			p.logger.Error("pool: memory was written after it was freed",
				slog.Int("offset", off),
				slog.Int("slot_bytes", len(b.mem)),
				slog.String("source", b.source),
				slog.String("stack", acquired))
		}
		return
	}
}
