package pool

import "unsafe"

// address returns where p begins. It is used to align within memory that does
// not move: mappings and large heap blocks.
func address(p []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(p))) }
