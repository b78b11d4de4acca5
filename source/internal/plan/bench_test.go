package plan

import (
	"testing"
	"time"
)

// BenchmarkMake plans the rows of the scripts, among them those in which facts
// are unknown: there every value is costed.
func BenchmarkMake(b *testing.B) {
	all := rows(b)
	unknown := rows(b)[0]
	for _, r := range all {
		if r.name == "nobody knows what is cached" {
			unknown = r
		}
	}
	b.Run("rows", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			r := &all[i%len(all)]
			if p := Make(&r.facts, r.ask); p.Way >= Ways {
				b.Fatal(p.Way)
			}
		}
	})
	b.Run("unknown", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if p := Make(&unknown.facts, unknown.ask); p.Way != Pread {
				b.Fatal(p.Way)
			}
		}
	})
}

// BenchmarkNote takes in stretches that change nothing, as nearly all do.
func BenchmarkNote(b *testing.B) {
	f := Facts{SizeBytes: 1 << 40, CachedShare: 1, LargeFolios: No, LockFreeBytes: 8 << 20, LockLimitBytes: 8 << 20}
	p := Make(&f, Ask{})
	var t Trial
	t.Start(&p)
	n := t.StretchBytes()
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := t.Note(n, time.Duration(n/10), false); ok {
			b.Fatal("a switch")
		}
	}
}

// TestMakeNoAlloc and the Trial's part: planning is on the way of every Open, and
// Note on that of every few windows.
func TestMakeNoAlloc(t *testing.T) {
	all := rows(t)
	i := 0
	if n := testing.AllocsPerRun(len(all), func() {
		r := &all[i%len(all)]
		i++
		if p := Make(&r.facts, r.ask); p.Way >= Ways {
			t.Error(p.Way)
		}
	}); n != 0 {
		t.Errorf("Make allocates %v times", n)
	}
}

func TestTrialNoAlloc(t *testing.T) {
	f := Facts{SizeBytes: 1 << 40, CachedShare: 1, LockFreeBytes: 8 << 20, LockLimitBytes: 8 << 20}
	p := Make(&f, Ask{})
	var trial Trial
	i, switches := 0, 0
	if n := testing.AllocsPerRun(1000, func() {
		if i%100 == 0 {
			trial.Start(&p)
		}
		i++
		if _, ok := trial.Note(trial.StretchBytes(), time.Duration(i%300)*time.Millisecond, i%50 == 0); ok {
			switches++
		}
	}); n != 0 {
		t.Errorf("a Trial allocates %v times", n)
	}
	if switches == 0 {
		t.Error("nothing was switched, so that was not measured")
	}
}
