package pool

import (
	"context"
	"fmt"

	"github.com/oriel-go/oriel/window"
)

// The account, all of it under the central lock.
//
//	0            budget                         budget + reserve
//	├──────────────┼──────────────────────────────┤
//	in use ─ idle ─ room │ overdrawn
//
// Memory within the budget goes to whoever waits first; the order is the one
// in which they began to wait. Overdraft goes to any session in the queue whose
// reserve allows it. What is freed serves, in this order: the budget itself
// when more is committed than it allows, the queue, and the debts, oldest
// first. So idle memory and debts exist together only while somebody waits for
// more than is idle.

// roomLocked returns what can still be committed within the budget; it is
// negative after the budget was lowered.
func (p *Pool) roomLocked() int64 { return p.budget - (p.committed - p.overdrawn) }

// limitLocked returns the largest slot that s, or nobody's account, can ever
// get.
func (p *Pool) limitLocked(s *Session) int64 {
	if s == nil || s.closed {
		return p.budget
	}
	extra := min(s.reserve, p.reserve)
	if p.budget+extra < 0 { // beyond 1<<63 - 1
		return 1<<63 - 1
	}
	return p.budget + extra
}

// getSlow serves what the shard could not.
func (p *Pool) getSlow(ctx context.Context, s *Session, n int, try bool) (*Buffer, error) {
	if n < 0 {
		return nil, acquireError(n, window.ErrRange)
	}
	r := request{n: n, class: largeClass, size: int64(ClassSize(n)), session: s}
	if n > 0 && n <= maxSlotBytes {
		r.class = classOf(n)
	}
	p.mu.Lock()
	if err := p.refusalLocked(r); err != nil {
		p.mu.Unlock()
		return nil, acquireError(n, err)
	}
	if n == 0 {
		p.frees++ // at once: Stats will not see it
		p.mu.Unlock()
		b := &Buffer{special: true}
		b.hold(0)
		return b, nil
	}
	var b *Buffer
	var err error
	if p.queue.first == nil {
		b, err = p.takeLocked(r.class, r.size)
	}
	switch {
	case b != nil:
		if r.class != largeClass {
			p.refillLocked(r.class)
		}
	case err == nil && !try:
		return p.waitLocked(ctx, r)
	case err != nil:
		err = acquireError(n, err)
	}
	if b == nil {
		p.balanceLocked() // what takeLocked found on the way may serve others
		p.mu.Unlock()
		return nil, err
	}
	p.mu.Unlock()
	return p.handOut(b, n), nil
}

// refusalLocked returns why r can never be served, nil if it can.
func (p *Pool) refusalLocked(r request) error {
	if p.closed {
		return window.ErrClosed
	}
	if limit := p.limitLocked(r.session); r.size > limit {
		return fmt.Errorf("%w: %d bytes of %d", window.ErrNoMemory, r.size, limit)
	}
	return nil
}

// takeLocked takes a slot within the budget: an idle one of the class, a raw
// one while there is room, or a raw one after idle memory of other classes has
// been given back. It returns nil without an error when there is none.
func (p *Pool) takeLocked(class int, size int64) (*Buffer, error) {
	if class != largeClass {
		if b := p.idle[class].popHot(); b != nil {
			return b, nil
		}
		if p.attention.Load() == 0 {
			if b := p.stealLocked(class); b != nil {
				return b, nil
			}
		}
	}
	if need := size - p.roomLocked(); need > 0 {
		p.gatherLocked()
		if class != largeClass {
			if b := p.idle[class].popHot(); b != nil {
				return b, nil // freed a moment ago
			}
		}
		if p.centralIdleBytesLocked()+p.quarantine.bytes < need {
			return nil, nil // giving some of it back would not help
		}
		if b := p.quarantine.release(p, class, need); b != nil {
			return b, nil
		}
		p.reclaimLocked(need)
	}
	return p.commitLocked(class, size)
}

// overdraftLocked commits a slot for w beyond the budget, if its session's
// reserve and that of all sessions allow it. Whatever is left of the budget is
// used first, but only for whoever is first in the queue.
func (p *Pool) overdraftLocked(w *waiter) (*Buffer, error) {
	s := w.session
	if s == nil || s.closed {
		return nil, nil
	}
	debt := w.size
	if w == p.queue.first {
		if room := p.roomLocked() + p.centralIdleBytesLocked() + p.quarantine.bytes; room > 0 {
			debt -= room
		}
	}
	if s.overdrawn+debt > s.reserve || p.overdrawn+debt > p.reserve {
		return nil, nil
	}
	if debt < w.size {
		p.quarantine.flush(p)
		p.reclaimLocked(p.committed)
	}
	b, err := p.commitLocked(w.class, w.size)
	if err != nil {
		return nil, err
	}
	b.session, b.debt = s, debt
	s.overdrawn += debt
	p.overdrawn += debt
	p.debts.pushLast(b)
	return b, nil
}

// freeSlow takes back a slot that the shard did not take.
// acquired is where its holder got it, nil if that was not sampled.
func (p *Pool) freeSlow(b *Buffer, acquired *stack) {
	if d := p.debug.Load(); d != nil {
		d.poison(b, acquired)
	}
	p.mu.Lock()
	p.putLocked(b)
	p.mu.Unlock()
}

// putLocked takes a free slot back and gives it to whoever needs it most.
func (p *Pool) putLocked(b *Buffer) {
	if b.debt > 0 {
		p.payLocked(b, b.debt)
	}
	switch {
	case p.closed || b.class == largeClass || p.roomLocked() < 0:
		p.uncommitLocked(b)
		p.giveBackLocked()
	case p.quarantine.wants(p, b):
		p.quarantine.add(p, b)
	default:
		p.idle[b.class].pushHot(b)
		if p.attention.Load() == 0 {
			p.makeWayLocked(int(b.class))
		}
	}
	if p.attention.Load() != 0 {
		p.balanceLocked()
	}
	p.trimHighLocked()
}

// trimHighLocked gives back what is idle in the central lists beyond their part
// of HighBytes, unless somebody waits who may need it.
func (p *Pool) trimHighLocked() {
	if p.queue.first == nil {
		if over := p.centralIdleBytesLocked() - (p.high - p.high/4*3); over > 0 {
			p.reclaimLocked(over)
		}
	}
}

// balanceLocked puts committed memory where it belongs, after anything in the
// account has changed while attention is needed, or may be needed now.
func (p *Pool) balanceLocked() {
	if p.attention.Load() == 0 {
		if !p.troubledLocked() {
			return
		}
		p.attention.Store(1)
		p.gatherLocked()
	}
	if over := -p.roomLocked(); over > 0 {
		p.quarantine.flush(p)
		p.reclaimLocked(over)
	}
	p.serveLocked()
	if p.overdrawn > 0 && p.queue.first == nil {
		p.quarantine.flush(p)
		p.reclaimLocked(p.overdrawn)
		p.settleLocked()
	}
	if !p.troubledLocked() {
		p.attention.Store(0)
	}
}

// troubledLocked reports whether the shards must stay empty.
func (p *Pool) troubledLocked() bool {
	return p.closed || p.queue.first != nil || p.overdrawn > 0 || p.roomLocked() < 0 || p.poisoning()
}

// settleLocked pays debts from the room that there is, the oldest first.
func (p *Pool) settleLocked() {
	for b := p.debts.first; b != nil; b = p.debts.first {
		room := p.roomLocked()
		if room <= 0 {
			return
		}
		p.payLocked(b, min(room, b.debt))
	}
}

// payLocked takes amount off the debt of b.
func (p *Pool) payLocked(b *Buffer, amount int64) {
	p.overdrawn -= amount
	b.session.overdrawn -= amount
	b.debt -= amount
	p.credit = true
	if b.debt == 0 {
		b.session = nil
		p.debts.remove(b)
	}
}
