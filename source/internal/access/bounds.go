package access

import "math"

// mostBytes bounds every number of bytes that is counted with, so that small
// multiples of it do not overflow. Offsets are not bounded by it.
const mostBytes = 1 << 50

// clip returns the end of the n bytes at off, and whether there are any: a
// range that would pass the largest offset ends there.
func clip(off, n int64) (end int64, ok bool) {
	if off < 0 || n <= 0 || off == math.MaxInt64 {
		return 0, false
	}
	return off + min(n, math.MaxInt64-off), true
}

// counted returns n as a number to count with.
func counted(n int64) int64 { return max(0, min(n, mostBytes)) }

// more returns n+1, but stays below what an int of 32 bits holds.
func more(n int) int { return min(n+1, math.MaxInt16) }
