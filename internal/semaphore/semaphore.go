package semaphore

import (
	"container/list"
	"context"
	"sync"
	"sync/atomic"
)

// Semaphore hands out a number of places. An acquire that need not wait costs
// two atomic operations.
//
// The fast path and the queue meet in one rule: who queues raises waiting
// before it looks at free once more, and who releases raises free before it
// looks at waiting. Whichever comes second sees the other, so no place is left
// free while somebody waits for it.
type Semaphore struct {
	free    atomic.Int64 // places not taken; below 0 after the size was lowered
	waiting atomic.Int64 // length of queue

	mu    sync.Mutex
	queue list.List // of chan struct{}, closed when its place is given
	size  int64
}

// New returns a semaphore of n places, n > 0.
func New(n int) *Semaphore {
	s := &Semaphore{size: int64(n)}
	s.free.Store(int64(n))
	return s
}

// TryAcquire takes a place if one is free and nobody waits.
func (s *Semaphore) TryAcquire() bool {
	return s.waiting.Load() == 0 && s.take()
}

// Acquire takes a place, waiting in order until ctx ends.
func (s *Semaphore) Acquire(ctx context.Context) error {
	if s.TryAcquire() {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	s.waiting.Add(1)
	ready := make(chan struct{})
	e := s.queue.PushBack(ready)
	s.serveLocked()
	s.mu.Unlock()
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	select {
	case <-ready: // given before the cancel was seen: pass it on
		s.mu.Unlock()
		s.Release()
	default:
		s.queue.Remove(e)
		s.waiting.Add(-1)
		s.mu.Unlock()
	}
	return ctx.Err()
}

// Release gives a place back.
func (s *Semaphore) Release() {
	s.free.Add(1)
	if s.waiting.Load() > 0 {
		s.mu.Lock()
		s.serveLocked()
		s.mu.Unlock()
	}
}

// Resize changes the number of places to n, n > 0. Places that are taken beyond
// it are not taken away.
func (s *Semaphore) Resize(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free.Add(int64(n) - s.size)
	s.size = int64(n)
	s.serveLocked()
}

// InUse returns the number of places taken.
func (s *Semaphore) InUse() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int(s.size - s.free.Load())
}

// take takes a place if one is free.
func (s *Semaphore) take() bool {
	for {
		n := s.free.Load()
		if n <= 0 {
			return false
		}
		if s.free.CompareAndSwap(n, n-1) {
			return true
		}
	}
}

// serveLocked gives free places to those who wait.
func (s *Semaphore) serveLocked() {
	for e := s.queue.Front(); e != nil && s.take(); e = s.queue.Front() {
		s.queue.Remove(e)
		s.waiting.Add(-1)
		close(e.Value.(chan struct{}))
	}
}
