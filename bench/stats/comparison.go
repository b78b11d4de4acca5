package stats

import "math"

// A Comparison says how two ways compare that were measured in pairs.
type Comparison struct {
	Ratio          float64  `json:"ratio"` // of the medians, the first way's over the second's
	Interval       Interval `json:"interval"`
	MedianOfRatios float64  `json:"medianOfRatios"`
	Pairs          int      `json:"pairs"`
}

// Compare returns how a compares with b, where a[i] and b[i] are a pair. All
// values are above 0. Without pairs everything is NaN, which no bound accepts.
func Compare(a, b []float64) Comparison {
	n := len(a)
	if len(b) != n {
		panic("stats: Compare of samples that are no pairs")
	}
	if n == 0 {
		none := math.NaN()
		return Comparison{none, Interval{none, none}, none, 0}
	}
	ratios := make([]float64, n)
	for i := range a {
		ratios[i] = a[i] / b[i]
	}
	drawA, drawB := make([]float64, n), make([]float64, n)
	interval := bootstrap(n, func(drawn []int) float64 {
		for i, j := range drawn {
			drawA[i], drawB[i] = a[j], b[j]
		}
		return medianInPlace(drawA) / medianInPlace(drawB)
	})
	return Comparison{Median(a) / Median(b), interval, Median(ratios), n}
}

// Estimate returns the median of the values, with its interval.
func Estimate(values []float64) (float64, Interval) {
	n := len(values)
	if n == 0 {
		return math.NaN(), Interval{math.NaN(), math.NaN()}
	}
	draw := make([]float64, n)
	return Median(values), bootstrap(n, func(drawn []int) float64 {
		for i, j := range drawn {
			draw[i] = values[j]
		}
		return medianInPlace(draw)
	})
}
