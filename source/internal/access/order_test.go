package access

import (
	"math/rand/v2"
	"testing"
)

func TestOrderString(t *testing.T) {
	want := []string{"unknown", "sequential", "backward", "strided", "random", "invalid"}
	for o, w := range want {
		if got := Order(o).String(); got != w {
			t.Errorf("%d: %s, want %s", o, got, w)
		}
	}
}

// Random reads of a file must not be taken for anything else for long, also of a
// small file, where neighbours are met by chance.
func TestRandomReadsAreRandom(t *testing.T) {
	const reads = 10_000
	for _, x := range []struct {
		name     string
		size, n  int64
		mostAway int // of 1000 reads, those after which the order is another
	}{
		{"4 KiB of 1 MiB", 1 << 20, 4 << 10, 150},
		{"4 KiB of 16 MiB", 16 << 20, 4 << 10, 5},
		{"4 KiB of 4 GiB", 4 << 30, 4 << 10, 2},
		{"64 KiB of 4 GiB", 4 << 30, 64 << 10, 2},
		{"1 MiB of 4 GiB", 4 << 30, 1 << 20, 5},
	} {
		r := rand.New(rand.NewPCG(1, 2))
		var a Ahead
		var s Streams
		l := Limits{WindowBytes: 256 << 10, MaxBytes: 16 << 20}
		a.Set(l)
		s.Set(l)
		away, streamsAway, hints := 0, 0, 0
		for i := range reads {
			off := r.Int64N(x.size/x.n) * x.n
			a.Read(off, x.n, Waited)
			hints += a.Hint().Count + s.Read(off, x.n, Waited).Count
			if i >= 2*strayBits {
				if a.Order() != Random {
					away++
				}
				if s.Order() != Random {
					streamsAway++
				}
			}
		}
		t.Logf("%s: %d and %d reads of %d in another order, %d hints", x.name, away, streamsAway, reads, hints)
		if away*1000 > x.mostAway*reads {
			t.Errorf("%s: %d reads of %d in another order", x.name, away, reads)
		}
		if x.size > 1<<20 && streamsAway*1000 > x.mostAway*reads {
			t.Errorf("%s: Streams: %d reads of %d in another order", x.name, streamsAway, reads)
		}
		if x.size > 1<<20 && hints*1000 > x.mostAway*reads {
			t.Errorf("%s: %d ranges were hinted", x.name, hints)
		}
	}
}
