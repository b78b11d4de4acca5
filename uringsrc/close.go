package uringsrc

import (
	"context"
	"fmt"
	"time"
)

// A QuarantineError says that Close has left reads in the kernel. The memory
// that they write to is never used for anything else before they have completed,
// and is lost if they never do.
type QuarantineError struct {
	Reads int
	Bytes int64 // of their buffers
}

func (e *QuarantineError) Error() string {
	return fmt.Sprintf("io_uring: %d reads have not come back, and keep %d bytes", e.Reads, e.Bytes)
}

// Close ends the engine: reads that queue end with ErrClosed, as those that are
// started later do; those in the kernel are cancelled, where that can be, and
// waited for until ctx ends. If some have not come back by then the error is a
// [QuarantineError]; each still ends as if the engine were open, and the rings
// are given back with the last. Closing twice is fine.
func (e *Engine) Close(ctx context.Context) error {
	for _, l := range e.lanes {
		l.close()
	}
	var q QuarantineError
	for _, l := range e.lanes {
		l.drain(ctx)
		l.mu.Lock()
		q.Reads += l.inKernel()
		q.Bytes += l.kernelBytes
		l.leave()
	}
	if q.Reads > 0 {
		return &q
	}
	<-e.ended // whoever tells the last Owner sees to it
	e.listener.Wait()
	return nil
}

// close has the lane take no more, and asks for the end of what is in it.
func (l *lane) close() {
	l.mu.Lock()
	defer l.leave()
	if l.closed {
		return
	}
	l.closed = true
	l.closing.Store(true)
	for r := l.backlog.first(); r != nil; r = l.backlog.first() {
		l.unqueueLocked(r)
		r.Err = ErrClosed
		l.endLocked(r)
	}
	l.settleLocked()
	l.cancelAllLocked()
}

func (l *lane) cancelAllLocked() {
	for _, s := range l.slots {
		if s.r != nil {
			l.cancelLocked(s.r)
		}
	}
}

// drain waits until the lane has ended, or ctx has. What is in the kernel it
// cancels again and again, less and less often: a cancel can miss, and their
// number at a time is bounded.
func (l *lane) drain(ctx context.Context) {
	for round := uint(0); ; round++ {
		l.mu.Lock()
		if round > 1 && round&(round-1) == 0 {
			l.cancelAllLocked()
		}
		l.settleLocked()
		l.handOnLocked()
		l.leave()
		l.mu.Lock()
		ended := l.ended
		l.mu.Unlock()
		if ended || ctx.Err() != nil {
			return
		}
		if l.leads && !l.isBroken() {
			if _, err := l.enter(1, leaderWait); err == nil || l.recover(err) {
				continue
			}
		}
		t := time.NewTimer(leaderWait)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
		}
	}
}

// endLaneLocked gives the ring back once nothing is in it any more, and the bell
// with the last ring.
func (l *lane) endLaneLocked() {
	if !l.closed || l.ended || l.inKernel() > 0 || l.telling > 0 || l.flushers.Load() > 0 {
		return
	}
	l.ended = true
	if l.timer != nil {
		l.timer.Stop()
	}
	l.d.Close()
	for w := l.waiters.head; w != nil; w = l.waiters.head {
		l.waiters.signal(w, l.e.now()) // Next, for which nothing comes any more
	}
	if l.e.open.Add(-1) == 0 {
		l.e.bell.Close()
		close(l.e.ended)
	}
}
