package pool

import "unsafe"

// address returns where p begins. It is used to align within memory that does
// not move: mappings and large heap blocks.
func address(p []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(p))) }

// stackHint returns a number that is the same for most calls of one goroutine
// and different for most goroutines: the address of its stack in units of
// 4 KiB. It becomes another when the stack grows or the call is much deeper.
// The variable does not escape: only its address is used, as a number.
func stackHint() uint {
	var here byte
	return uint(uintptr(unsafe.Pointer(&here)) >> 12)
}
