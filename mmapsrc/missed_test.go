package mmapsrc

import "testing"

// For a moment a pin that fails is counted. Close, which saw it so, left a lease
// and a mapping behind for ever.
func TestAPinThatFailsBesideCloseDoesNotKeepTheMapping(t *testing.T) {
	x := guarded(t, pretended(), 2, 2, 2)
	x.get(t, 0, 10, Reuse)()
	m := x.f.cur.Load()
	first := m.extent(0)
	c := &first.slot.Load().shards[3]
	c.entered.Add(1) // a pin that is about to find that the mapping is over
	x.f.Close()
	if m.phase.Load() != live {
		t.Fatal("a mapping has ended while it looked pinned")
	}
	c.left.Add(oneLeft) // and which is given back
	if m.pin(first, 3, true) != nil || m.phase.Load() != ended {
		t.Error("the mapping is there although nobody has a slice of it")
	}
}
