package plan

import "github.com/oriel-go/oriel/source/internal/access"

// DirectUse says when a file may be read past the page cache.
type DirectUse uint8

// When that may be.
const (
	DirectAuto   DirectUse = iota // where it is expected to be better
	DirectAlways                  // always: every other way is refused
	DirectNever
)

// Ask is what is asked for.
type Ask struct {
	Order       access.Order // declared or detected
	Once, Reuse bool         // declared
	Immutable   bool         // declared: nobody changes the file, so that a mapping needs no guard
	At          bool         // reads at offsets (File), not a Reader from front to back
	WindowBytes int          // set by the caller; 0: the default of the way
	ReadBytes   int          // At: how long a read is; 0: unknown
	Waiting     int          // reads that wait for a device now, this one included
	Only        Set          // ways that may be used; 0: all. A forced source
	Direct      DirectUse
}

// sound returns what is asked for, brought into the ranges that it can have.
func (a Ask) sound(f *Facts) Ask {
	a.WindowBytes = max(a.WindowBytes, 0)
	if a.WindowBytes > 0 {
		a.WindowBytes = wholePages(int64(a.WindowBytes))
	}
	if a.ReadBytes <= 0 {
		a.ReadBytes = usualReadBytes
	}
	a.ReadBytes = min(a.ReadBytes, largestWindowBytes)
	if f.SizeBytes > 0 {
		a.ReadBytes = int(min(int64(a.ReadBytes), f.SizeBytes))
	}
	a.Waiting = min(max(a.Waiting, 1), manyWaiting)
	a.Only &= Of(Pread, Mmap, Ring, Direct)
	if a.Only == 0 {
		a.Only = Of(Pread, Mmap, Ring, Direct)
	}
	return a
}

// frontToBack reports whether a pass over the file is asked for, rather than
// reads here and there.
func (a *Ask) frontToBack() bool {
	return !a.At && (a.Order == access.Unknown || a.Order == access.Sequential)
}

// forced reports whether ways are excluded by the caller.
func (a *Ask) forced() bool { return a.Only != Of(Pread, Mmap, Ring, Direct) }

// wholePages returns n as the size of a window: a whole number of pages, within
// the sizes that there are.
func wholePages(n int64) int {
	n = min(max(n, pageBytes), largestWindowBytes)
	return int(n - n%pageBytes)
}
