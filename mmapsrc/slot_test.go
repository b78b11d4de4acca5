package mmapsrc

import (
	"sync"
	"sync/atomic"
	"testing"
)

func TestSlotIsLentUnlessItIsClosedOrDead(t *testing.T) {
	s := &slot{}
	a, b := &s.shards[1], &s.shards[5]
	if !a.pin() || !b.pin() || !s.pinned() {
		t.Fatal("an open slot is not lent")
	}
	if s.close() || s.has(flagClosed) {
		t.Error("a slot was taken back while slices were out")
	}
	if a.unpin(10) || !s.pinned() || b.unpin(1) || s.pinned() {
		t.Error("slices given back are still out, or one that is not is not")
	}
	if !s.close() || a.pin() || b.pin() || s.pinned() {
		t.Error("a closed slot was lent")
	}
	s.clear(flagClosed)
	if !b.pin() {
		t.Error("a slot that was opened again is not lent")
	}
	s.set(flagDead)
	if b.pin() || a.pin() {
		t.Error("a dead slot was lent")
	}
	if !b.unpin(5) {
		t.Error("giving back a slice of a dead slot says nothing of it")
	}
	if n, bytes := s.counts(); n != 3 || bytes != 16 {
		t.Errorf("%d slices of %d bytes, want 3 of 16", n, bytes)
	}
}

func TestSlotCountsBytesBeyondItsField(t *testing.T) {
	s := &slot{}
	const times, n = 5, spillBytes - 1
	for range times {
		s.shards[0].pin()
		s.shards[0].unpin(n)
	}
	if got, bytes := s.counts(); got != times || bytes != times*n || s.pinned() {
		t.Errorf("%d slices of %d bytes, want %d of %d", got, bytes, times, int64(times*n))
	}
}

// However pins, returns and takings back fall together: what was taken back has
// no slice out, until it is lent again.
func TestSlotThatWasTakenBackHasNoSliceOut(t *testing.T) {
	s := &slot{}
	var out atomic.Int64 // slices that somebody knows to have
	var stop atomic.Bool
	var wg sync.WaitGroup
	for i := range 4 {
		c := &s.shards[i%2]
		wg.Go(func() {
			for !stop.Load() {
				if c.pin() {
					out.Add(1)
					out.Add(-1)
					c.unpin(1)
				}
			}
		})
	}
	closed := 0
	for i := 0; closed < 2000 && i < 2_000_000; i++ {
		if s.close() {
			closed++
			if n := out.Load(); n != 0 {
				t.Errorf("%d slices are out of a slot that was taken back", n)
			}
			s.clear(flagClosed)
		}
	}
	stop.Store(true)
	wg.Wait()
	if closed == 0 {
		t.Error("the slot was never taken back: nothing was tested")
	}
	if n, bytes := s.counts(); n != bytes {
		t.Errorf("%d slices and %d bytes of one byte each", n, bytes)
	}
}
