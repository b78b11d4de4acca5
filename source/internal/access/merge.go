package access

import (
	"cmp"
	"math"
	"slices"
)

// Range is Len bytes at Off.
type Range struct{ Off, Len int64 }

// Merge sorts ranges by their beginnings and joins neighbours into one range to
// be read, in place. Those that overlap or touch are always joined; others if
// the gap between them is at most gap bytes and what is then read is at most
// amplification times what is wanted, over all that are joined into one. An
// amplification below 1, or none, is 1. Ranges that do not exist are left out.
func Merge(ranges []Range, gap int64, amplification float64) []Range {
	return MergeUpTo(ranges, gap, amplification, math.MaxInt64)
}

// MergeUpTo is Merge, but joins nothing into more than maxBytes, which is what a
// device takes at once. So ranges that overlap may stay apart; those that are
// longer than that stay as they are.
func MergeUpTo(ranges []Range, gap int64, amplification float64, maxBytes int64) []Range {
	if !(amplification >= 1) { // or not a number
		amplification = 1
	}
	slices.SortFunc(ranges, func(a, b Range) int {
		return cmp.Or(cmp.Compare(a.Off, b.Off), cmp.Compare(a.Len, b.Len))
	})
	kept := ranges[:0]
	wanted := int64(0) // of the last that is kept
	for _, r := range ranges {
		end, ok := clip(r.Off, r.Len)
		if !ok {
			continue
		}
		r.Len = end - r.Off
		if len(kept) == 0 {
			kept, wanted = append(kept, r), r.Len
			continue
		}
		last := &kept[len(kept)-1]
		lastEnd := last.Off + last.Len
		sum := max(end, lastEnd) - last.Off
		adds := max(0, end-max(r.Off, lastEnd)) // what nobody wanted yet
		hole := max(0, r.Off-lastEnd)
		near := hole == 0 ||
			hole <= gap && float64(sum) <= amplification*float64(wanted+adds)
		if near && (sum <= maxBytes || sum == last.Len) {
			last.Len = sum
			wanted += adds
			continue
		}
		kept, wanted = append(kept, r), r.Len
	}
	return kept
}
