package slowfs

import (
	"encoding/binary"
	"time"
)

// Rules say how a file system behaves. They hold for all of its files. The zero
// Rules are those of a file system that is well.
type Rules struct {
	// Delay is how long each read takes, at least.
	Delay time.Duration

	// Fail are ranges of offsets: a read that touches one fails with EIO.
	Fail []Range

	// ShortBytes, if not 0, is the most that one read brings. Files that are
	// opened while it is set are not cached (FOPEN_DIRECT_IO), because the
	// kernel takes a short read into the page cache for the end of the file.
	ShortBytes int

	// Dead lets everything fail with EIO.
	Dead bool
}

// A Range is the Len bytes at Off.
type Range struct{ Off, Len int64 }

// touches reports whether a read of n bytes at off has a byte of r.
func (r Range) touches(off int64, n int) bool { return off < r.Off+r.Len && r.Off < off+int64(n) }

// fails reports whether a read fails.
func (r *Rules) fails(off int64, n int) bool {
	for _, f := range r.Fail {
		if f.touches(off, n) {
			return true
		}
	}
	return r.Dead
}

// Counts are what the server has been asked for since it was mounted.
type Counts struct {
	Reads     int64 // requests of the kernel's, which need not be those of a program
	ReadBytes int64 // brought by them
	Failed    int64 // requests of any kind that a rule let fail
}

// A request is a line to the server; without rules it only asks for the counts.
type request struct {
	Rules *Rules `json:",omitempty"`
}

// A reply is a line from the server: one when it has mounted, one for every
// request.
type reply struct {
	Counts      Counts
	Error       string `json:",omitempty"`
	Unavailable bool   `json:",omitempty"` // Error says what is missing here
}

// Content fills p with what a synthetic file holds at off: a different word of 8
// bytes at every multiple of 8.
func Content(p []byte, off int64) {
	for len(p) > 0 {
		var word [8]byte
		binary.LittleEndian.PutUint64(word[:], scramble(uint64(off)/8))
		n := copy(p, word[off%8:])
		p, off = p[n:], off+int64(n)
	}
}

// scramble is the finalizer of SplitMix64: it has no two equal values.
func scramble(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
