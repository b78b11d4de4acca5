package window

import "math/bits"

// A lineIndex holds the ends of the next lines of a Cursor's win, found many
// at a time. Searching for one end costs a call and, because lines differ in
// length, a mispredicted branch; for short lines that is more than looking at
// the bytes. So they are looked at 64 at a time without a branch, and the bits
// that say where lines end are turned into positions, most of them without a
// branch too. Lines of 80 bytes on average take three quarters of the time.
//
// It is used only where lines are read one after the other and are short: a
// parser that reads a line here and there does not pay for ends that it never
// asks for, and long lines are left to bytes.IndexByte, which is as fast there.
type lineIndex struct {
	at   int // the Cursor's pos behind the line that was read last
	base int // what ends are relative to: a position in win
	i, n int // ends[i:n] are those to come
	run  int // short lines in a row, at most indexAfter
	ends [indexBytes + 2]uint16
}

const (
	indexBytes = 1 << 10          // how much is looked at for one filling
	indexAfter = 4                // short lines in a row, after which it pays
	shortLine  = indexBytes / 8   // bytes
	indexLeast = indexBytes / 160 // lines in a filling, below which it did not pay
)

// fill finds the ends of the lines that begin at pos of p. It reports whether
// there are any; none where p ends within indexBytes.
func (x *lineIndex) fill(p []byte, pos int) bool {
	x.base, x.i, x.n = pos, 0, 0
	p = p[pos:]
	if len(p) < indexBytes {
		return false
	}
	var masks newlineMasks
	newlines((*[indexBytes]byte)(p), &masks)
	n := 0
	for i, mask := range masks {
		// Two positions are written for up to two bits, of which there is one
		// most often, and trailing garbage is written over.
		for k := n; mask != 0; k += 2 {
			e := (*[2]uint16)(x.ends[k:])
			e[0] = uint16(64*i + bits.TrailingZeros64(mask))
			mask &= mask - 1
			e[1] = uint16(64*i + bits.TrailingZeros64(mask))
			mask &= mask - 1
		}
		n += bits.OnesCount64(masks[i])
	}
	if x.n = n; n < indexLeast {
		x.run = 0
	}
	return n > 0
}

// newlineMasks says which of indexBytes bytes are '\n': bit i of element k is
// byte 64*k+i.
type newlineMasks [indexBytes / 64]uint64
