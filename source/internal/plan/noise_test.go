package plan

import (
	"math/rand/v2"
	"testing"
	"time"
)

// noisy returns a Trial of a cached file of many GiB, and the plan.
func noisy(t *testing.T, folios Known) (*Trial, *Plan) {
	t.Helper()
	f := Facts{SizeBytes: 1 << 44, CachedShare: 1, LargeFolios: folios, LockFreeBytes: 8 << 20, LockLimitBytes: 8 << 20}
	p := Make(&f, Ask{})
	trial := new(Trial)
	trial.Start(&p)
	return trial, &p
}

// TestNoiseDoesNotSwitch: ±20 % in every stretch and one in twenty five times as
// dear make fewer than one wrong switch in 1,000 stretches, whichever way the
// plan prefers and however close the ways are.
func TestNoiseDoesNotSwitch(t *testing.T) {
	for _, c := range []struct{ pread, mmap float64 }{
		{0.085, 0.25}, {0.045, 0.055}, {0.045, 0.048}, {0.045, 0.045}, {0.048, 0.045}, {0.055, 0.045}, {0.045, 0.030},
	} {
		const runs, length = 20, 3000
		wrong, switches := 0, 0
		for seed := range uint64(runs) {
			trial, _ := noisy(t, Unsure)
			rng := rand.New(rand.NewPCG(seed, 7))
			cost := [Ways]float64{Pread: c.pread, Mmap: c.mmap, Ring: c.pread, Direct: 0.33}
			for range length {
				n := trial.StretchBytes()
				took := float64(n) * cost[trial.Way()] * (0.8 + 0.4*rng.Float64())
				if rng.Float64() < 0.05 {
					took *= outlierFactor
				}
				s, ok := trial.Note(n, time.Duration(took), false)
				if !ok || s.Trying || s.Reason.code != reasonFaster {
					continue
				}
				switches++
				if cost[s.To] > cost[s.From]*(1+worthwhile) {
					wrong++
				}
			}
		}
		t.Logf("pread %.3f, mmap %.3f: %d switches, %d of them wrong, in %d stretches", c.pread, c.mmap, switches, wrong, runs*length)
		if wrong*1000 >= runs*length {
			t.Errorf("pread %.3f, mmap %.3f: %d wrong switches in %d stretches", c.pread, c.mmap, wrong, runs*length)
		}
	}
}

// TestBackOffDoubles: a way that loses again and again is tried more and more
// seldom, and never sooner than 64 stretches later.
func TestBackOffDoubles(t *testing.T) {
	trial, _ := noisy(t, Unsure)
	cost := [Ways]float64{Pread: 0.045, Mmap: 0.050, Ring: 0.045, Direct: 0.33}
	var gaps []int64
	at, last := int64(0), int64(0)
	for range 5000 {
		at++
		n := trial.StretchBytes()
		s, ok := trial.Note(n, time.Duration(float64(n)*cost[trial.Way()]), false)
		switch {
		case ok && s.Trying:
			if last > 0 {
				gaps = append(gaps, at-last)
			}
		case ok:
			last = at
		}
	}
	if len(gaps) < 4 {
		t.Fatalf("tried again after %v stretches only", gaps)
	}
	for i, g := range gaps {
		if least := min(int64(firstGap)<<i, lastGap); g < least {
			t.Errorf("gaps of %v stretches: number %d is under %d", gaps, i, least)
		}
	}
	if bytes, took := trial.Measured(Mmap); bytes == 0 || took == 0 {
		t.Errorf("of the tries %d bytes in %v are known", bytes, took)
	}
}

// TestTriesAreCheap: all tries together cost no more than their share of the
// work, whatever the way that is tried turns out to cost.
func TestTriesAreCheap(t *testing.T) {
	for _, dear := range []float64{1.1, 2, 5, 20} {
		trial, _ := noisy(t, Unsure)
		trial.plan.WorkBytes = 1 << 30
		const pread = 0.05
		extra, total, worst := 0.0, 0.0, 0.0
		for total < 1<<30*pread {
			n := trial.StretchBytes()
			took := float64(n) * pread
			if trial.Way() == Mmap {
				took *= dear
				extra += took - float64(n)*pread
				worst = max(worst, took)
			}
			total += took
			trial.Note(n, time.Duration(took), false)
		}
		// One stretch may end up over it: it is known only when it has been read.
		if extra > tryShare*total+worst {
			t.Errorf("a way %v times as dear: tries cost %.1f %% of the work", dear, 100*extra/total)
		}
	}
}

// TestColdIsNeverMapped: what waits for a device is not tried by a mapping.
func TestColdIsNeverMapped(t *testing.T) {
	trial, _ := noisy(t, Unsure)
	for range 2000 {
		n := trial.StretchBytes()
		if s, ok := trial.Note(n, time.Duration(n), true); ok && s.To == Mmap {
			t.Fatalf("%v", s)
		}
	}
}

// TestRefusedNeverReturns: a way that failed is not taken again, by whatever
// plan, and pread takes over.
func TestRefusedNeverReturns(t *testing.T) {
	trial, p := noisy(t, Yes)
	for trial.Way() != Mmap {
		n := trial.StretchBytes()
		trial.Note(n, time.Duration(n/20), false)
	}
	s, ok := trial.Refuse(Mmap, "a writer came")
	if !ok || s.From != Mmap || s.To != Pread || s.Trying || s.Reason.String() != "a writer came" || s.Bytes < leadBytes {
		t.Fatalf("refused: %+v, %v", s, ok)
	}
	for i := range 3000 {
		if i%500 == 0 {
			trial.Start(p)
		}
		if trial.Way() == Mmap {
			t.Fatal("it came back")
		}
		n := trial.StretchBytes()
		trial.Note(n, time.Duration(n/20), false)
	}
	if _, ok := trial.Refuse(Ring, "no ring"); ok {
		t.Error("refusing a way that is not the present one switched")
	}
	if _, ok := trial.Refuse(Ways, "no way"); ok {
		t.Error("refusing what is no way switched")
	}
}

// TestForcedAndRefused: where nothing else may serve, the way stays what it is,
// and the caller has the error.
func TestForcedAndRefused(t *testing.T) {
	f := Facts{SizeBytes: 1 << 30, CachedShare: 1, LockFreeBytes: 8 << 20, LockLimitBytes: 8 << 20}
	p := Make(&f, Ask{Only: Of(Mmap)})
	var trial Trial
	trial.Start(&p)
	if trial.Way() != Mmap {
		t.Fatalf("starts with %v", trial.Way())
	}
	if s, ok := trial.Refuse(Mmap, "gone"); ok || trial.Way() != Mmap {
		t.Errorf("went on with %v: %+v", trial.Way(), s)
	}
}

// TestANewPlanIsTaken at the end of the next stretch, and at once only if it
// refuses the present way.
func TestANewPlanIsTaken(t *testing.T) {
	f := Facts{SizeBytes: 1 << 30, CachedShare: 0}
	cold := Make(&f, Ask{})
	once := Make(&f, Ask{Once: true})
	var trial Trial
	trial.Start(&cold)
	note := func() (Switch, bool) {
		n := trial.StretchBytes()
		return trial.Note(n, time.Duration(n), true)
	}
	for range 10 {
		if s, ok := note(); ok {
			t.Fatalf("%+v", s)
		}
	}
	trial.Start(&once)
	if trial.Way() != Pread {
		t.Fatal("the way changed before its stretch was over")
	}
	s, ok := note()
	if !ok || s.To != Direct || trial.Way() != Direct || s.Reason.String() == "" {
		t.Fatalf("%+v, %v", s, ok)
	}
	note()
	trial.Start(&cold) // which refuses Direct
	if trial.Way() != Pread {
		t.Errorf("goes on with %v, which is refused", trial.Way())
	}
	if s, ok := note(); !ok || s.From != Direct || s.To != Pread {
		t.Errorf("the switch was not told of: %+v, %v", s, ok)
	}
}

// TestASurpriseIsToldOnce.
func TestASurpriseIsToldOnce(t *testing.T) {
	trial, p := noisy(t, No)
	if p.Way != Pread {
		t.Fatal(p.Way)
	}
	told := 0
	for range 1000 {
		n := trial.StretchBytes()
		trial.Note(n, time.Duration(n), true)
		if trial.Surprised() {
			told++
			trial.Start(p)
		}
		if trial.Surprised() {
			t.Fatal("told twice")
		}
	}
	if told != 1 {
		t.Errorf("told %d times of waits that stay the same, want 1", told)
	}
}

// TestTheZeroTrial reads by pread and takes no notice.
func TestTheZeroTrial(t *testing.T) {
	var trial Trial
	if s, ok := trial.Note(1<<20, time.Second, true); ok || trial.Way() != Pread || trial.StretchBytes() <= 0 || trial.Surprised() {
		t.Errorf("%+v", s)
	}
	if bytes, took := trial.Measured(Ways); bytes != 0 || took != 0 {
		t.Errorf("measured %d bytes in %v", bytes, took)
	}
}
