package uringsrc

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestFifoLeavesHolesBehind: what was taken out does not make it grow.
func TestFifoLeavesHolesBehind(t *testing.T) {
	var q fifo
	stays := &Read{}
	q.push(stays)
	for range 10_000 {
		r := &Read{}
		q.push(r)
		q.remove(r)
	}
	if len(q.reads) > 16 || q.n != 1 || q.first() != stays {
		t.Errorf("%d places for %d", len(q.reads), q.n)
	}
}

// TestFifoKeepsTheOrder of what was not taken out.
func TestFifoKeepsTheOrder(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 0))
		var q fifo
		var want []*Read
		for range 500 {
			switch rng.IntN(5) {
			case 0, 1, 2:
				r := &Read{}
				q.push(r)
				want = append(want, r)
			case 3:
				if len(want) > 0 {
					at := rng.IntN(len(want))
					q.remove(want[at])
					want = slices.Delete(want, at, at+1)
				}
			case 4:
				if len(want) > 0 {
					if q.first() != want[0] {
						t.Fatalf("seed %d: another is first", seed)
					}
					q.remove(want[0])
					want = want[1:]
				}
			}
			if q.n != len(want) || (q.first() == nil) != (len(want) == 0) {
				t.Fatalf("seed %d: %d, want %d", seed, q.n, len(want))
			}
		}
	}
}

// TestReadsRemove from the front, the middle and the end.
func TestReadsRemove(t *testing.T) {
	for n := 1; n <= 4; n++ {
		for out := range n {
			var l reads
			var want []*Read
			for i := range n {
				r := &Read{}
				l.push(r)
				if i != out {
					want = append(want, r)
				}
			}
			at := l.head
			for range out {
				at = at.next
			}
			l.remove(at)
			more := &Read{}
			l.push(more)
			for _, r := range append(want, more) {
				if l.pop() != r {
					t.Errorf("%d of %d: another order", out, n)
				}
			}
			if l.pop() != nil {
				t.Errorf("%d of %d: one more", out, n)
			}
		}
	}
}
