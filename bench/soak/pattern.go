package main

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// What is written says where it belongs and who wrote it. Each eight bytes at a
// multiple of eight are, little-endian:
//
//	bits  0–31   the offset in the file
//	bits 32–39   the number of the file, from 1
//	bits 40–63   the stamp: writer (6 bits), write (18 bits)
//
// A hole, what a file was grown by and what was punched, is zero. So every byte
// below bit 40 is either that of its place or zero, wherever a file was cut,
// even in a copy that was made in the middle of a write.
const (
	wordBytes  = 8
	placeBytes = 5
	stampBits  = 24
	writerBits = 6
	writeBits  = stampBits - writerBits
)

// placeOf returns the lower 40 bits of the word at off, a multiple of eight.
func placeOf(file int, off int64) uint64 { return uint64(file+1)<<32 | uint64(uint32(off)) }

// stamp returns the stamp of a write.
func stamp(writer, write int) uint32 {
	return uint32(writer)<<writeBits&(1<<stampBits-1) | uint32(write)&(1<<writeBits-1)
}

// fill writes what belongs at off, a multiple of eight, into p.
func fill(p []byte, file int, off int64, stamp uint32) {
	upper := uint64(stamp)<<40 | uint64(file+1)<<32
	for len(p) >= wordBytes {
		binary.LittleEndian.PutUint64(p, upper|uint64(uint32(off)))
		p, off = p[wordBytes:], off+wordBytes
	}
	var last [wordBytes]byte
	binary.LittleEndian.PutUint64(last[:], upper|uint64(uint32(off)))
	copy(p, last[:])
}

// misplaced returns the index of a byte of p[lo:hi] that does not belong where
// it is, -1 if all do. p begins at off in the file.
func misplaced(p []byte, lo, hi, file int, off int64) int {
	for i := lo; i < hi; i++ {
		at := off + int64(i)
		j := at % wordBytes
		if j >= placeBytes || p[i] == 0 {
			continue
		}
		if p[i] != byte(placeOf(file, at-j)>>(8*j)) {
			return i
		}
	}
	return -1
}

// stamps lists who wrote the words of p, which begins at off, for people.
func stamps(p []byte, off int64) []string {
	var list []string
	for i := int(-off & (wordBytes - 1)); i+wordBytes <= len(p); i += wordBytes {
		s := uint32(binary.LittleEndian.Uint64(p[i:]) >> 40)
		text := fmt.Sprintf("writer %d, write %d", s>>writeBits, s&(1<<writeBits-1))
		if s == 0 {
			text = "zeros"
		}
		if !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	return list
}
