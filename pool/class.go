package pool

import (
	"math"
	"math/bits"
	"os"
)

// Size classes are powers of two and nothing between: windows are sized by
// readers that ask ClassSize, so that what steps of 1.5 would save is not
// wasted in the first place.
const (
	minShift   = 12 // class 0: 4 KiB
	maxShift   = 22 // class 10: 4 MiB
	numClasses = maxShift - minShift + 1
	largeClass = numClasses // not a size class: one mapping for one request

	maxSlotBytes = 1 << maxShift
	hugeBytes    = 2 << 20 // a huge page; slots of at least this size are aligned to it

	slabSlots = 64      // at most: a slab's slots are the bits of one word
	slabBytes = 2 << 20 // at most, unless one slot is larger
)

// pageBytes is the smallest piece that the system gives and takes back.
var pageBytes = os.Getpagesize()

// slotFloor makes classOf return at least the class of one page.
var slotFloor = uint(max(1<<minShift, pageBytes) - 1)

// ClassSize returns the bytes of the slot that serves a request of n bytes:
// the next power of two, at least 4 KiB (or one page where pages are larger)
// up to 4 MiB, and beyond that n rounded up to whole pages. It is what such a
// request counts against the budget. It is 0 for n <= 0, and n itself where
// rounding up would overflow.
func ClassSize(n int) int {
	switch {
	case n <= 0:
		return 0
	case n <= maxSlotBytes:
		return classBytes(classOf(n))
	case n > math.MaxInt-hugeBytes-pageBytes:
		return n // cannot be mapped anyway
	}
	return (n + pageBytes - 1) &^ (pageBytes - 1)
}

// classOf returns the class that serves n bytes, 1 <= n <= maxSlotBytes.
func classOf(n int) int { return bits.Len(uint(n-1)|slotFloor) - minShift }

// classBytes returns the size of class c's slots.
func classBytes(c int) int { return 1 << (c + minShift) }

// slotsPerSlab returns how many slots a slab of class c has.
func slotsPerSlab(c int) int {
	return min(slabSlots, max(1, slabBytes>>(c+minShift)))
}
