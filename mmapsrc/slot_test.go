package mmapsrc

import (
	"sync"
	"sync/atomic"
	"testing"
)

func TestSlotIsLentUnlessItIsClosedOrDead(t *testing.T) {
	s := &slot{}
	a, b := &s.shards[1], &s.shards[5]
	pin := func(c *shard) bool {
		ok, _ := c.pin()
		if !ok {
			c.unpin(0)
		}
		return ok
	}
	if !pin(a) || !pin(b) || !s.pinned() {
		t.Fatal("an open slot is not lent")
	}
	if s.close() || s.has(flagClosed) {
		t.Error("a slot was taken back while slices were out")
	}
	if a.unpin(10) || !s.pinned() || b.unpin(1) || s.pinned() {
		t.Error("slices given back are still out, or one that is not is not")
	}
	if !s.close() || pin(a) || pin(b) || s.pinned() {
		t.Error("a closed slot was lent")
	}
	s.clear(flagClosed)
	if !pin(b) {
		t.Error("a slot that was opened again is not lent")
	}
	s.set(flagDead)
	if pin(b) || pin(a) {
		t.Error("a dead slot was lent")
	}
	if !b.unpin(5) {
		t.Error("giving back a slice of a dead slot says nothing of it")
	}
	if n, bytes := s.counts(); n != 3+4 || bytes != 16 {
		t.Errorf("%d tries and slices of %d bytes, want 7, of which 4 failed, and 16", n, bytes)
	}
}

// The loan that lies in a shard is one's at a time.
func TestShardTellsWhoIsAlone(t *testing.T) {
	c := &shard{}
	var owners, pins atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 5000 {
				ok, alone := c.pin()
				if !ok {
					t.Error("an open shard is not lent")
				}
				pins.Add(1)
				if alone {
					if owners.Add(1) != 1 {
						t.Error("two are alone")
					}
					c.own.n++ // the race detector looks too
					owners.Add(-1)
				}
				c.unpin(0)
			}
		})
	}
	wg.Wait()
	if c.own.n == 0 || pins.Load() != 20_000 {
		t.Errorf("alone %d times of %d", c.own.n, pins.Load())
	}
}

func TestSlotCountsBytesBeyondItsField(t *testing.T) {
	s := &slot{}
	const times, n = 5 << 9, 1 << 30 // several times spillBytes
	for range times {
		s.shards[0].pin()
		s.shards[0].unpin(n)
	}
	if got, bytes := s.counts(); got != times || bytes != int64(times)*n || s.pinned() {
		t.Errorf("%d slices of %d bytes, want %d of %d", got, bytes, times, int64(times)*n)
	}
}

// However pins, returns and takings back fall together: what was taken back has
// no slice out, until it is lent again.
func TestSlotThatWasTakenBackHasNoSliceOut(t *testing.T) {
	s := &slot{}
	var out atomic.Int64 // slices that somebody knows to have
	var failed atomic.Int64
	var stop atomic.Bool
	var wg sync.WaitGroup
	for i := range 4 {
		c := &s.shards[i%2]
		wg.Go(func() {
			for !stop.Load() {
				if ok, _ := c.pin(); ok {
					out.Add(1)
					out.Add(-1)
					c.unpin(1)
				} else {
					failed.Add(1)
					c.unpin(0)
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
	if n, bytes := s.counts(); n != bytes+failed.Load() {
		t.Errorf("%d tries, of which %d failed, and %d bytes of one byte each", n, failed.Load(), bytes)
	}
}

// Somebody who comes later and has left must not be taken for one who was there
// before and still is.
func TestShardIsNotAloneBecauseAnotherHasLeft(t *testing.T) {
	c := &shard{}
	if _, alone := c.pin(); !alone {
		t.Fatal("the first is not alone")
	}
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for !stop.Load() {
				if _, alone := c.pin(); alone {
					t.Error("alone beside a pin that was held all the time")
					stop.Store(true)
				}
				c.unpin(0)
			}
		})
	}
	for range 200_000 {
		c.pin()
		c.unpin(0)
	}
	stop.Store(true)
	wg.Wait()
}

// More pins than the counts can tell from none are not lent.
func TestShardRefusesMorePinsThanItCounts(t *testing.T) {
	c := &shard{}
	c.entered.Store(mostPins - 1)
	if ok, _ := c.pin(); !ok {
		t.Error("the last pin that can be counted was refused")
	}
	if ok, _ := c.pin(); ok {
		t.Error("a pin was lent beyond what can be counted")
	}
}
