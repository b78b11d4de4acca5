package main

import (
	"encoding/binary"
	"math/bits"
)

// A wordCounter counts words as GNU wc -w 9.1 does in the C locale. The bytes
// fall into three classes:
//
//	separators   \t \n \v \f \r and space   end a word
//	graphics     '!' to '~'                 begin a word, or go on with one
//	all others   controls, DEL, 0x80-0xff   do neither: "a\x01b" is one word, "\x01" none
//
// It takes eight bytes at a time as one integer, the first byte lowest. What
// is said of a byte, a flag, is its highest bit; the other bits are zero. The
// bytes before add's p are carried as one bit. The zero wordCounter has seen
// nothing.
type wordCounter struct {
	words  int64
	inWord uint64 // 1 when the bytes so far end within a word, else 0
}

// Integers with one bit of each byte set.
const (
	lowBits  = 0x0101010101010101
	highBits = 0x80 * lowBits
)

// add counts the words that begin in p. The last bytes are filled up with
// zeros, which are of the class that changes nothing.
func (c *wordCounter) add(p []byte) {
	whole := len(p) &^ 7
	c.addEights(p[:whole])
	if whole < len(p) {
		var last [8]byte
		copy(last[:], p[whole:])
		c.addEights(last[:])
	}
}

// addEights is add for a multiple of eight bytes.
func (c *wordCounter) addEights(p []byte) {
	words, inWord := 0, c.inWord
	for ; len(p) >= 8; p = p[8:] {
		graphic, other := classes(binary.LittleEndian.Uint64(p))
		inside := graphic
		if other != 0 {
			inside |= continued(graphic, other, inWord)
		}
		words += bits.OnesCount64(graphic &^ (inside<<8 | inWord<<7))
		inWord = inside >> 63
	}
	c.words, c.inWord = c.words+int64(words), inWord
}

// classes flags the graphics among the bytes of x, and those that are neither
// graphics nor separators.
func classes(x uint64) (graphic, other uint64) {
	// Adding 0x80-v to a byte below 0x80 sets its highest bit where the byte is
	// at least v, and carries nothing into the next one.
	y := x &^ highBits
	from09 := y + (0x80-0x09)*lowBits
	from0e := y + (0x80-0x0e)*lowBits
	from20 := y + (0x80-0x20)*lowBits
	from21 := y + (0x80-0x21)*lowBits
	from7f := y + (0x80-0x7f)*lowBits
	ascii := highBits &^ x
	return (from21 ^ from7f) & ascii, highBits &^ ((from09 ^ from0e ^ from20 ^ from7f) & ascii)
}

// continued flags the others that go on with a word: those in runs of others
// that follow a graphic, or, at the front, a byte that was in a word.
//
// The bytes of a run are filled with ones. Adding one to the first byte of
// such a run carries through all of it and leaves it zero.
func continued(graphic, other, inWord uint64) uint64 {
	runs := other<<1 - other>>7
	first := (graphic<<1 | inWord) & runs & lowBits
	return other &^ (runs + first)
}
