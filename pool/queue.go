package pool

import (
	"context"
	"fmt"
	"time"
)

// A request is a Get that no shard could serve.
type request struct {
	n       int
	class   int
	size    int64    // of the slot
	session *Session // nil for the pool's own account
}

// A waiter is a request that memory within the budget could not serve at once.
type waiter struct {
	request
	pressing bool // is calling the pressure functions, and takes no overdraft yet

	done  bool // was served or failed, and is out of the queue
	b     *Buffer
	err   error
	ready chan struct{} // closed when done

	next, prev *waiter
}

// A waitQueue is the waiters from the first to the last. Guarded by Pool.mu.
type waitQueue struct {
	first, last *waiter
	n           int
}

func (q *waitQueue) push(w *waiter) {
	w.prev = q.last
	if q.last != nil {
		q.last.next = w
	} else {
		q.first = w
	}
	q.last = w
	q.n++
}

func (q *waitQueue) remove(w *waiter) {
	if w.prev != nil {
		w.prev.next = w.next
	} else {
		q.first = w.next
	}
	if w.next != nil {
		w.next.prev = w.prev
	} else {
		q.last = w.prev
	}
	w.next, w.prev = nil, nil
	q.n--
}

// finishLocked takes w out of the queue with what it gets.
func (p *Pool) finishLocked(w *waiter, b *Buffer, err error) {
	if err != nil {
		err = acquireError(w.n, err)
	}
	p.queue.remove(w)
	w.done, w.b, w.err = true, b, err
	close(w.ready)
}

// serveLocked serves the queue: in order from the budget, and where an
// overdraft may have become possible, out of order from the reserves.
func (p *Pool) serveLocked() {
	p.serveFirstLocked()
	if !p.credit {
		return
	}
	p.credit = false
	for w := p.queue.first; w != nil && p.reserve > p.overdrawn; {
		next := w.next
		if !w.pressing {
			if b, err := p.overdraftLocked(w); b != nil || err != nil {
				p.finishLocked(w, b, err)
			}
		}
		w = next
	}
	p.serveFirstLocked() // somebody else may be the first now
}

// serveFirstLocked serves the first of the queue as long as the budget lasts.
// A large request that is first lets nobody pass, or it would wait for ever.
func (p *Pool) serveFirstLocked() {
	for w := p.queue.first; w != nil; w = p.queue.first {
		b, err := p.takeLocked(w.class, w.size)
		if b == nil && err == nil {
			return
		}
		p.finishLocked(w, b, err)
	}
}

// failHopelessLocked fails the waiters that can never be served any more.
func (p *Pool) failHopelessLocked() {
	for w := p.queue.first; w != nil; {
		next := w.next
		if err := p.refusalLocked(w.request); err != nil {
			p.finishLocked(w, nil, err)
		}
		w = next
	}
}

// waitLocked puts r into the queue and waits until it is served. It is in the
// queue before the pressure functions run, so that what they free is its own in
// its turn. It unlocks.
func (p *Pool) waitLocked(ctx context.Context, r request) (*Buffer, error) {
	w := &waiter{request: r, pressing: len(p.pressure) > 0, ready: make(chan struct{})}
	p.queue.push(w)
	p.credit = p.credit || !w.pressing
	p.balanceLocked()
	done := w.done
	p.mu.Unlock()
	if !done {
		if err := p.await(ctx, w); err != nil {
			return nil, err
		}
	}
	if w.err != nil {
		return nil, w.err
	}
	return p.handOut(w.b, w.n), nil
}

// The pause after which a waiter asks again for memory that others keep for
// later: what was busy when they were asked first may be free now.
const (
	firstPressPause = 10 * time.Millisecond
	lastPressPause  = time.Second
)

// await waits until w is done or ctx ends, which is the error.
func (p *Pool) await(ctx context.Context, w *waiter) error {
	var again, long <-chan time.Time
	pause := firstPressPause
	if p.press(w) {
		again = time.After(pause)
	}
	p.mu.Lock()
	if !w.done {
		p.waits++
	}
	p.mu.Unlock()
	if d := p.debug.Load(); d != nil {
		long = time.After(d.LongWait)
	}
	for {
		select {
		case <-w.ready:
			return nil
		case <-ctx.Done():
			return p.abandon(ctx, w)
		case <-again:
			p.press(w)
			pause = min(2*pause, lastPressPause)
			again = time.After(pause)
		case <-long:
			long = nil
			p.logLongWait(w)
		}
	}
}

// abandon takes w out of the queue because ctx has ended. What it was given in
// the same moment goes to the next.
func (p *Pool) abandon(ctx context.Context, w *waiter) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := fmt.Errorf("waiting for memory: %d bytes in use of %d: %w", p.inUseLocked(), p.budget, ctx.Err())
	switch {
	case w.done && w.b != nil:
		p.putLocked(w.b)
	case !w.done:
		p.finishLocked(w, nil, err)
		p.credit = true
		p.balanceLocked()
		p.trimHighLocked()
	}
	return acquireError(w.n, err)
}
