package spread

import "unsafe"

// Of returns a number below 1<<bits that is the same for most calls of one
// goroutine, and another for most other goroutines: it comes from the address
// of the goroutine's stack, in units of 4 KiB. It becomes another when the stack
// grows or the call is much deeper. bits is at most 31.
func Of(bits uint) uint32 {
	// The variable does not escape: only its address is used, as a number.
	var here byte
	hint := uint32(uintptr(unsafe.Pointer(&here)) >> 12)
	// The upper bits of a product with 2^32 / golden ratio depend on all bits
	// of the hint.
	return hint * 0x9E3779B9 >> (32 - bits)
}
