package access

import (
	"math/rand/v2"
	"testing"
)

func TestAheadNoAlloc(t *testing.T) {
	var a Ahead
	a.Set(Limits{WindowBytes: 1 << 20, MaxBytes: 16 << 20})
	off := int64(1 << 40)
	n := testing.AllocsPerRun(1000, func() {
		a.Read(off, 1<<20, Waited)
		a.Fetched(a.Depth())
		a.Waste(a.Depth())
		a.Jump(off - 1<<30)
		a.Read(off-1<<30, 1<<20, Waited)
		a.Hint()
		off -= 1 << 20
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestStreamsNoAlloc(t *testing.T) {
	var s Streams
	s.Set(Limits{WindowBytes: 1 << 20, MaxBytes: 16 << 20})
	r := rand.New(rand.NewPCG(1, 2))
	off := int64(1 << 40)
	n := testing.AllocsPerRun(1000, func() {
		s.Read(off, 1<<16, Waited)
		s.Read(r.Int64N(1<<40), 1<<12, Waited)
		off -= 1 << 16
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestMergeNoAlloc(t *testing.T) {
	ranges := make([]Range, 100)
	n := testing.AllocsPerRun(100, func() {
		for i := range ranges {
			ranges[i] = Range{int64(i*7919%100) << 12, 1 << 12}
		}
		if got := Merge(ranges, 0, 1); len(got) != 1 {
			t.Fatalf("%v", got)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAheadRead(b *testing.B) {
	var a Ahead
	a.Set(Limits{WindowBytes: 1 << 20, MaxBytes: 16 << 20})
	off := int64(0)
	for b.Loop() {
		a.Read(off, 1<<20, Arrived)
		a.Fetched(a.Depth())
		off += 1 << 20
	}
}

func BenchmarkStreamsRead(b *testing.B) {
	b.Run("random", func(b *testing.B) {
		var s Streams
		s.Set(Limits{WindowBytes: 1 << 20, MaxBytes: 16 << 20})
		r := rand.New(rand.NewPCG(1, 2))
		for b.Loop() {
			s.Read(r.Int64N(1<<40), 1<<12, Hit)
		}
	})
	b.Run("eight", func(b *testing.B) {
		var s Streams
		s.Set(Limits{WindowBytes: 1 << 20, MaxBytes: 16 << 20})
		i := int64(0)
		for b.Loop() {
			const sessions = 8
			s.Read(i%sessions<<40+i/sessions<<12, 1<<12, Hit)
			i++
		}
	})
}
