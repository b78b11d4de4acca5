package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{[]float64{7}, 7},
		{[]float64{2, 1}, 1.5},
		{[]float64{9, 1, 5}, 5},
		{[]float64{4, 1, 3, 2}, 2.5},
		{[]float64{1, 1, 1, 100}, 1},
	} {
		before := slices.Clone(c.values)
		if got := Median(c.values); got != c.want {
			t.Errorf("Median(%v) = %v, want %v", c.values, got, c.want)
		}
		if !slices.Equal(c.values, before) {
			t.Errorf("Median changed %v to %v", before, c.values)
		}
	}
	if got := Median(nil); !math.IsNaN(got) {
		t.Errorf("Median of nothing = %v", got)
	}
}

func TestComparisonOfExactPairs(t *testing.T) {
	b := []float64{1, 2, 3, 4, 5}
	a := []float64{2, 4, 6, 8, 10}
	c := Compare(a, b)
	if c.Ratio != 2 || c.MedianOfRatios != 2 || c.Pairs != 5 {
		t.Errorf("Compare = %+v", c)
	}
	// Pairs are drawn together: however much they differ from each other, the
	// ratio is known exactly.
	if c.Interval != (Interval{2, 2}) {
		t.Errorf("interval %+v of pairs that all have the ratio 2", c.Interval)
	}
}

func TestComparisonIsTheSameAgain(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	a, b := pairs(r, 31, 1, 0.05)
	if x, y := Compare(a, b), Compare(a, b); x != y {
		t.Errorf("%+v, then %+v", x, y)
	}
}

// pairs returns n pairs whose true ratio is given: both halves share the noise
// of their moment and have some of their own, with outliers on the slow side.
func pairs(r *rand.Rand, n int, ratio, noise float64) (a, b []float64) {
	own := func() float64 {
		x := 1 + noise*r.NormFloat64()
		if r.IntN(10) == 0 {
			x += 5 * noise * r.ExpFloat64()
		}
		return max(x, 0.1)
	}
	for range n {
		moment := 1 + noise*r.ExpFloat64()
		a = append(a, ratio*moment*own())
		b = append(b, moment*own())
	}
	return a, b
}

// TestIntervalCoversTheTruth draws samples whose ratio is known and counts how
// often the interval misses it.
func TestIntervalCoversTheTruth(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	const trials = 60
	for _, n := range []int{15, 31} {
		missed := 0
		for range trials {
			a, b := pairs(r, n, 0.97, 0.03)
			if !Compare(a, b).Interval.Covers(0.97) {
				missed++
			}
		}
		if missed > trials/10 {
			t.Errorf("with %d pairs %d of %d intervals miss the true ratio; 5 %% should", n, missed, trials)
		}
	}
}

func TestVerdictOfIntervals(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		bound *Bound
		i     Interval
		calm  bool
		want  Verdict
	}{
		{AtLeast(0.97), Interval{0.98, 1.02}, true, Holds},
		{AtLeast(0.97), Interval{0.97, 0.99}, true, Holds},
		{AtLeast(0.97), Interval{0.96, 1.02}, true, Undecided},
		{AtLeast(0.97), Interval{0.90, 0.96}, true, FallsShort},
		{AtLeast(0.97), Interval{0.98, 1.02}, false, Undecided},
		{AtLeast(0.97), Interval{0.90, 0.96}, false, FallsShort},
		{AtMost(1.15), Interval{1.01, 1.15}, true, Holds},
		{AtMost(1.15), Interval{1.10, 1.20}, true, Undecided},
		{AtMost(1.15), Interval{1.16, 1.30}, true, FallsShort},
		{AtMost(1.15), Interval{1.16, 1.30}, false, FallsShort},
		{AtLeast(0.97), Interval{nan, nan}, true, Undecided},
		{AtMost(0.97), Interval{nan, nan}, true, Undecided},
	} {
		if got := c.bound.Judge(c.i, c.calm); got != c.want {
			t.Errorf("%v, interval %+v, calm %v: %s, want %s", c.bound, c.i, c.calm, got, c.want)
		}
	}
}

func TestVerdictOfEveryValue(t *testing.T) {
	for _, c := range []struct {
		bound  *Bound
		values []float64
		want   Verdict
	}{
		{AtMost(64), []float64{10, 64}, Holds},
		{AtMost(64), []float64{10, 65, 12}, FallsShort},
		{AtMost(0), []float64{0, 0}, Holds},
		{AtLeast(2), []float64{2, 1}, FallsShort},
		{AtMost(64), []float64{math.NaN()}, FallsShort},
		{AtMost(64), nil, Undecided},
	} {
		if got := c.bound.JudgeAll(c.values); got != c.want {
			t.Errorf("%v of %v: %s, want %s", c.bound, c.values, got, c.want)
		}
	}
}

// TestFalseClaimFallsShort makes ways that are slower than is claimed of them.
func TestFalseClaimFallsShort(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	const trials = 60
	verdicts := func(ratio, noise float64, bound *Bound) map[Verdict]int {
		m := map[Verdict]int{}
		for range trials {
			a, b := pairs(r, 31, ratio, noise)
			m[bound.Judge(Compare(a, b).Interval, true)]++
		}
		return m
	}
	if m := verdicts(0.85, 0.03, AtLeast(0.97)); m[FallsShort] < trials*95/100 || m[Holds] > 0 {
		t.Errorf("0.85 where 0.97 was claimed: %v", m)
	}
	if m := verdicts(1.40, 0.03, AtMost(1.15)); m[FallsShort] < trials*95/100 || m[Holds] > 0 {
		t.Errorf("1.40 where at most 1.15 was claimed: %v", m)
	}
	// Just short of the bound and noisy it cannot always be told, but it must
	// hardly ever hold.
	if m := verdicts(0.96, 0.05, AtLeast(0.97)); m[Holds] > trials*8/100 {
		t.Errorf("0.96 where 0.97 was claimed, with much noise: %v", m)
	}
	if m := verdicts(1.05, 0.02, AtLeast(0.97)); m[Holds] < trials*95/100 {
		t.Errorf("1.05 where 0.97 was claimed: %v", m)
	}
}
