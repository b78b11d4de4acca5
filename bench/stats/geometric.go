package stats

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Paired is what two ways took that were measured in pairs.
type Paired struct{ A, B []float64 }

// GeometricMean returns the geometric mean of the ratios of A's medians to B's,
// and its interval. Each set of pairs is drawn anew by itself: the interval says
// how sure the mean of these sets is, not of others that could have been chosen.
func GeometricMean(sets []Paired) (float64, Interval) {
	if len(sets) == 0 || slices.ContainsFunc(sets, func(p Paired) bool { return len(p.A) == 0 || len(p.A) != len(p.B) }) {
		return math.NaN(), Interval{math.NaN(), math.NaN()}
	}
	whole := 0.0
	sums := make([]float64, resamples) // of logarithms
	for i, p := range sets {
		whole += math.Log(Median(p.A) / Median(p.B))
		n := len(p.A)
		r := rand.New(rand.NewPCG(uint64(i), 0x6f7269656c))
		drawA, drawB := make([]float64, n), make([]float64, n)
		for k := range sums {
			for j := range n {
				pair := r.IntN(n)
				drawA[j], drawB[j] = p.A[pair], p.B[pair]
			}
			sums[k] += math.Log(medianInPlace(drawA) / medianInPlace(drawB))
		}
	}
	mean := func(sum float64) float64 { return math.Exp(sum / float64(len(sets))) }
	slices.Sort(sums)
	cut := resamples / 40 // 2.5 % at each end
	return mean(whole), Interval{mean(sums[cut]), mean(sums[resamples-1-cut])}
}
