package uringsrc

import "time"

// A waiter is a goroutine that waits for a Read, or for any of a Queue, as
// long as it does.
type waiter struct {
	r *Read  // it waits for this one,
	q *Queue // or for any of these

	wake       chan struct{} // gets one signal for every time parked was set, unless it was unset by the waiter
	parked     bool          // in lane.waiters, and about to sleep or asleep
	lead       bool          // the signal says: lead
	woken      time.Duration // when it was sent
	prev, next *waiter
}

// ready reports whether the wait is over. The lane is locked.
func (w *waiter) ready() bool {
	if w.r != nil {
		return w.r.phase == done
	}
	return w.q.done.head != nil || w.q.woken || w.q.overLocked()
}

// coming reports whether it will be over without the kernel.
func (w *waiter) coming() bool {
	if w.r != nil {
		return w.r.phase >= finishing
	}
	return w.q.finishing > 0 || w.ready()
}

// waiters is a list of those who are parked, in the order they came.
type waiters struct{ head, tail *waiter }

func (l *waiters) push(w *waiter) {
	if w.wake == nil {
		w.wake = make(chan struct{}, 1)
	}
	w.parked = true
	w.prev, w.next = l.tail, nil
	if l.tail == nil {
		l.head = w
	} else {
		l.tail.next = w
	}
	l.tail = w
}

func (l *waiters) remove(w *waiter) {
	w.parked = false
	if w.prev == nil {
		l.head = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		l.tail = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.prev, w.next = nil, nil
}

// signal takes w out of the list and wakes it.
func (l *waiters) signal(w *waiter, now time.Duration) {
	l.remove(w)
	w.woken = now
	w.wake <- struct{}{} // there is room: a signal for each time it was parked
}

// reads is a list of Reads that have finished.
type reads struct{ head, tail *Read }

func (l *reads) push(r *Read) {
	r.next = nil
	if l.tail == nil {
		l.head = r
	} else {
		l.tail.next = r
	}
	l.tail = r
}

func (l *reads) pop() *Read {
	r := l.head
	if r == nil {
		return nil
	}
	if l.head = r.next; l.head == nil {
		l.tail = nil
	}
	r.next = nil
	return r
}

// remove takes out r, which is in the list.
func (l *reads) remove(r *Read) {
	var before *Read
	for at := l.head; at != r; at = at.next {
		before = at
	}
	if before == nil {
		l.head = r.next
	} else {
		before.next = r.next
	}
	if l.tail == r {
		l.tail = before
	}
	r.next = nil
}
