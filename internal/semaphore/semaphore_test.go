package semaphore

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

func TestWaitersAreServedInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(1)
		if !s.TryAcquire() {
			t.Fatal("a free place was not given")
		}
		var mu sync.Mutex
		var order []int
		for i := range 5 {
			go func() {
				if err := s.Acquire(t.Context()); err != nil {
					t.Error(err)
				}
				mu.Lock()
				order = append(order, i)
				mu.Unlock()
				s.Release()
			}()
			synctest.Wait()
		}
		s.Release()
		synctest.Wait()
		for i, got := range order {
			if got != i {
				t.Fatalf("served in the order %v", order)
			}
		}
		if len(order) != 5 || s.InUse() != 0 {
			t.Fatalf("served %d of 5, %d places still in use", len(order), s.InUse())
		}
	})
}

func TestACancelledWaiterLeavesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(1)
		s.TryAcquire()
		ctx, cancel := context.WithCancel(t.Context())
		got := make(chan error, 1)
		go func() { got <- s.Acquire(ctx) }()
		synctest.Wait()
		cancel()
		if err := <-got; !errors.Is(err, context.Canceled) {
			t.Fatalf("Acquire = %v, want context.Canceled", err)
		}
		s.Release()
		if !s.TryAcquire() {
			t.Fatal("the place went to the waiter that had left")
		}
	})
}

func TestResize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(2)
		s.TryAcquire()
		s.TryAcquire()
		done := make(chan error, 1)
		go func() { done <- s.Acquire(t.Context()) }()
		synctest.Wait()
		s.Resize(3)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		s.Resize(1)
		for range 3 {
			if s.TryAcquire() {
				t.Fatal("a place beyond the new size was given")
			}
			s.Release()
		}
		if !s.TryAcquire() || s.TryAcquire() {
			t.Fatal("want exactly one place after the size was lowered to 1")
		}
	})
}

// Nobody may wait while a place is free, however cancels and releases meet.
func TestNoLostWakeUp(t *testing.T) {
	const places = 3
	s := New(places)
	var inside atomic.Int64
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(1, uint64(g)))
			for range 2000 {
				ctx, cancel := context.WithCancel(t.Context())
				if rnd.IntN(2) == 0 {
					go cancel()
				}
				if s.Acquire(ctx) == nil {
					if n := inside.Add(1); n > places {
						t.Errorf("%d inside of %d places", n, places)
					}
					inside.Add(-1)
					s.Release()
				}
				cancel()
			}
		})
	}
	wg.Wait()
	if s.InUse() != 0 || s.waiting.Load() != 0 || s.queue.Len() != 0 {
		t.Fatalf("left behind: %d in use, %d waiting, %d queued", s.InUse(), s.waiting.Load(), s.queue.Len())
	}
}

func BenchmarkAcquireRelease(b *testing.B) {
	s := New(64)
	b.ReportAllocs()
	for b.Loop() {
		if s.TryAcquire() {
			s.Release()
		}
	}
}
