package source

import "unsafe"

// addressOf returns where p is: to look at its alignment, and in tests for what
// x/sys does with whole mappings only.
func addressOf(p []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(p))) }
