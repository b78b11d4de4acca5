package window

import "unsafe"

// A Window keeps a pointer and a length where a slice would keep a capacity
// too; these functions are all that turns one into the other. They rely
// on one invariant: p and n came from the same slice, through start and a
// bounds check, and the memory under it stays where it is while an owner lives.

// start returns the address of p's first byte, nil for a slice without memory.
func start(p []byte) *byte { return unsafe.SliceData(p) }

// bytesAt returns the n bytes at p, with cap == len.
func bytesAt(p *byte, n int) []byte { return unsafe.Slice(p, n) }

// after returns the address n bytes behind p; n is within p's allocation.
func after(p *byte, n int) *byte { return (*byte)(unsafe.Add(unsafe.Pointer(p), n)) }
