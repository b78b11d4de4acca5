package uringsrc

import (
	"context"
	"time"
)

// How goroutines wait
//
//	waitLocked ─► settle: is it there? ─► yes: return
//	    ▲             │ no
//	    │             ├─ nobody leads: lead. Enter, which brings in what is
//	    │             │  pending and waits in the kernel; settle for all;
//	    │             │  and so on until the own wait is over. Then the one
//	    │             │  who has been parked the longest is told to lead.
//	    └─────────────┴─ otherwise: park, woken by whoever settles.
//
// The leader's thread is the only one of the lane in the kernel for long. It
// looks up every leaderWait: for its context, and because a goroutine that
// settled between the leader's look at the queue and its Enter may have taken
// what Enter then waits for. The bell is for when nobody leads: what nobody waits
// for but has to be seen to, kernels without bounded waits, and devices that
// answer so late that a poller's latency is nothing beside them.

const (
	leaderWait = time.Millisecond
	tiredAfter = 64 // waits in which nothing came
)

// waitLocked waits until w is ready or ctx ends. It is called and returns with
// mu held, which it gives up meanwhile.
func (l *lane) waitLocked(ctx context.Context, w *waiter) (err error) {
	for {
		l.settleLocked()
		if w.ready() {
			break
		}
		if err = ctx.Err(); err != nil {
			break
		}
		if l.mayLead() && !w.coming() {
			l.leadLocked(ctx, w)
		} else {
			l.parkLocked(ctx, w)
		}
	}
	l.handOnLocked()
	return err
}

func (l *lane) mayLead() bool {
	return l.leads && !l.leading && !l.tired && !l.ended && !l.isBroken()
}

// leadLocked waits in the kernel for w, and sees to all others meanwhile.
func (l *lane) leadLocked(ctx context.Context, w *waiter) {
	l.leading = true
	l.bellLocked()
	for idle := 0; ; idle++ {
		l.mu.Unlock()
		_, err := l.enter(1, leaderWait)
		goOn := err == nil || l.recover(err)
		l.mu.Lock()
		if l.settleLocked() {
			idle = 0
		}
		l.endLaneLocked()
		l.tired = !goOn || idle >= tiredAfter
		if l.tired || w.coming() || ctx.Err() != nil {
			l.leading = false
			return
		}
	}
}

// handOnLocked has somebody lead, if nobody does and somebody waits.
func (l *lane) handOnLocked() {
	if !l.mayLead() {
		return
	}
	for w := l.waiters.head; w != nil; w = w.next {
		if !w.coming() {
			w.lead, l.leading = true, true
			l.waiters.signal(w, l.e.now())
			return
		}
	}
}

// parkLocked sleeps until w is woken or ctx ends.
func (l *lane) parkLocked(ctx context.Context, w *waiter) {
	l.waiters.push(w)
	l.leave()
	select {
	case <-w.wake:
		l.mu.Lock()
	case <-ctx.Done():
		l.mu.Lock()
		if w.parked {
			l.waiters.remove(w)
			return
		}
		<-w.wake // it was sent with mu held
	}
	now := l.e.now()
	l.e.noteLag(now-w.woken, now)
	if w.lead {
		w.lead, l.leading = false, false
	}
}
