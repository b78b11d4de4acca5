package stats

import (
	"math"
	"slices"
)

// Median returns the middle of the values, the mean of the two middle ones of
// an even number, and NaN of none. It leaves values as they are.
func Median(values []float64) float64 {
	return medianInPlace(slices.Clone(values))
}

// medianInPlace is Median, and sorts values.
func medianInPlace(values []float64) float64 {
	n := len(values)
	if n == 0 {
		return math.NaN()
	}
	slices.Sort(values)
	if n%2 == 1 {
		return values[n/2]
	}
	return (values[n/2-1] + values[n/2]) / 2
}
