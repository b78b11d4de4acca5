package stats

import (
	"math/rand/v2"
	"slices"
)

// resamples is how many samples a bootstrap interval is made of: its ends move
// by less than a tenth of its width when it is made again.
const resamples = 2000

// An Interval is where a figure lies with 95 % confidence.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Covers reports whether x lies in the interval.
func (i Interval) Covers(x float64) bool { return i.Low <= x && x <= i.High }

// bootstrap returns the 95 % percentile interval of a statistic of n samples.
// figure is called with n indices, drawn with replacement. It draws the same
// in every run, so that a report can be made again from its samples.
func bootstrap(n int, figure func(drawn []int) float64) Interval {
	r := rand.New(rand.NewPCG(uint64(n), 0x6f7269656c))
	drawn := make([]int, n)
	figures := make([]float64, resamples)
	for i := range figures {
		for j := range drawn {
			drawn[j] = r.IntN(n)
		}
		figures[i] = figure(drawn)
	}
	slices.Sort(figures)
	cut := resamples / 40 // 2.5 % at each end
	return Interval{figures[cut], figures[resamples-1-cut]}
}
