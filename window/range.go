package window

import (
	"math"
	"strconv"
)

// A Range is the byte interval [Off, Off+Len) of a source. It is valid when
// Off >= 0, Len >= 0 and Off+Len <= 1<<63 - 1; the methods other than Check
// want valid ranges. The zero Range is empty.
type Range struct {
	Off, Len int64 // in bytes
}

// Check returns nil for a valid range and ErrRange otherwise. Ranges that come
// from data go through it first.
func (r Range) Check() error {
	if r.Off < 0 || r.Len < 0 || r.Len > math.MaxInt64-r.Off {
		return ErrRange
	}
	return nil
}

// End returns the offset behind the last byte.
func (r Range) End() int64 { return r.Off + r.Len }

// Contains reports whether the byte at off is in r.
func (r Range) Contains(off int64) bool { return off >= r.Off && off-r.Off < r.Len }

// Intersect returns the bytes in both ranges. Where they have none in common
// it is empty, at an offset within r.
func (r Range) Intersect(s Range) Range {
	off := min(max(r.Off, s.Off), r.End())
	return Range{off, max(min(r.End(), s.End())-off, 0)}
}

// Join returns the smallest range that holds both.
func (r Range) Join(s Range) Range {
	off := min(r.Off, s.Off)
	return Range{off, max(r.End(), s.End()) - off}
}

// Align returns the smallest range that holds r and begins and ends at a
// multiple of granularity, at least 1. Its end stops at 1<<63 - 1.
func (r Range) Align(granularity int64) Range {
	off, end := r.Off-r.Off%granularity, r.End()
	if rest := end % granularity; rest != 0 {
		if up := granularity - rest; up <= math.MaxInt64-end {
			end += up
		} else {
			end = math.MaxInt64
		}
	}
	return Range{off, end - off}
}

// String returns [off:end).
func (r Range) String() string {
	b := append(make([]byte, 0, 48), '[')
	b = strconv.AppendInt(b, r.Off, 10)
	b = append(b, ':')
	b = strconv.AppendInt(b, r.End(), 10)
	return string(append(b, ')'))
}
