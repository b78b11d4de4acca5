package uringsrc

import (
	"context"
	"runtime"
)

// A Queue collects Reads as they are done. Reads are started into it by
// [Engine.Start], and each comes out of Next or TryNext once, before which it is
// not started again; what was abandoned does not. Its methods may be called by any number of goroutines, but for Next,
// which is for one at a time.
type Queue struct {
	l         *lane
	waiter    waiter
	done      reads
	finishing int  // in the queue's lane, between its completion and done
	woken     bool // by Wake, since the last Next
}

// NewQueue returns a Queue for Reads of the engine.
func (e *Engine) NewQueue() *Queue {
	q := &Queue{l: e.lanes[0]}
	q.waiter.q = q
	return q
}

// Next returns a Read that is done, and waits for one, or until ctx ends. With
// none started into the Queue it waits until one is, or until the engine has been
// closed and nothing can come any more: then the error is ErrClosed. It returns
// nil, and no error, after Wake.
func (q *Queue) Next(ctx context.Context) (*Read, error) {
	q.l.e.waiting.Add(1)
	q.l.mu.Lock()
	err := q.l.waitLocked(ctx, &q.waiter)
	r := q.popLocked()
	switch {
	case r != nil:
		err = nil
	case q.woken:
		q.woken, err = false, nil
	case err == nil:
		err = ErrClosed
	}
	q.l.leave()
	q.l.e.waiting.Add(-1)
	return r, err
}

// popLocked takes out a Read that is done, nil if there is none.
func (q *Queue) popLocked() *Read {
	r := q.done.pop()
	if r != nil {
		r.queue = nil
	}
	return r
}

// overLocked reports whether nothing can come any more, unless it is started in
// vain.
func (q *Queue) overLocked() bool { return q.l.ended && q.finishing == 0 }

// Wake has Next return, the one that waits or the one that comes, within a
// millisecond or so: something else than a Read is there for whoever waits.
func (q *Queue) Wake() {
	q.l.mu.Lock()
	q.woken = true
	if w := &q.waiter; w.parked {
		q.l.waiters.signal(w, q.l.e.now())
	}
	q.l.leave()
}

// TryNext returns a Read that is done, nil if there is none: one of which ReadDone
// has been called is there.
func (q *Queue) TryNext() *Read {
	q.l.mu.Lock()
	if q.done.head == nil {
		q.l.settleLocked()
	}
	for q.done.head == nil && q.finishing > 0 { // another goroutine is about to say so
		q.l.mu.Unlock()
		runtime.Gosched()
		q.l.mu.Lock()
	}
	r := q.popLocked()
	q.l.leave()
	return r
}
