package main

import (
	"maps"
	"math"
	"math/bits"
	"slices"
	"time"
)

// A histogram counts durations in buckets, of which each is at most a thirty-
// second wider than the one below it: a quantile is at most 3.2 % too large.
// The worst is exact. The zero histogram is empty.
type histogram struct {
	Count   int64         `json:"count"`
	Worst   int64         `json:"worstNanoseconds"`
	Buckets map[int]int64 `json:"buckets"` // number of a bucket: how many
}

const (
	stepBits = 5
	steps    = 1 << stepBits // buckets for each doubling
)

// bucket returns the number of the bucket of d: d itself up to 31 ns, and then
// 32 buckets for each doubling.
func bucket(d time.Duration) int {
	n := uint64(max(d, 0))
	if n < steps {
		return int(n)
	}
	shift := bits.Len64(n) - stepBits - 1
	return (shift+1)*steps + int(n>>shift) - steps
}

// bucketEnd returns the largest duration in a bucket.
func bucketEnd(i int) time.Duration {
	if i < steps {
		return time.Duration(i)
	}
	shift := i/steps - 1
	end := uint64(i%steps+steps+1)<<shift - 1
	return time.Duration(min(end, math.MaxInt64))
}

// add counts one duration.
func (h *histogram) add(d time.Duration) {
	if h.Buckets == nil {
		h.Buckets = map[int]int64{}
	}
	h.Count++
	h.Worst = max(h.Worst, int64(d))
	h.Buckets[bucket(d)]++
}

// merge adds what o counted.
func (h *histogram) merge(o *histogram) {
	if h.Buckets == nil {
		h.Buckets = map[int]int64{}
	}
	h.Count += o.Count
	h.Worst = max(h.Worst, o.Worst)
	for i, n := range o.Buckets {
		h.Buckets[i] += n
	}
}

// quantile returns the duration that a share of q of them, 0 < q <= 1, did not
// exceed, as far as the buckets tell; 0 when there are none.
func (h *histogram) quantile(q float64) time.Duration {
	want := int64(math.Ceil(q * float64(h.Count)))
	for _, i := range slices.Sorted(maps.Keys(h.Buckets)) {
		if want -= h.Buckets[i]; want <= 0 {
			return min(bucketEnd(i), time.Duration(h.Worst))
		}
	}
	return time.Duration(h.Worst)
}

// Waits are histograms by operation.
type waits map[string]*histogram

// add counts how long one call of an operation took.
func (w waits) add(operation string, d time.Duration) {
	h := w[operation]
	if h == nil {
		h = &histogram{}
		w[operation] = h
	}
	h.add(d)
}

// merge adds what o counted.
func (w waits) merge(o waits) {
	for name, h := range o {
		if w[name] == nil {
			w[name] = &histogram{}
		}
		w[name].merge(h)
	}
}
