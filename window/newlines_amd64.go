package window

import "golang.org/x/sys/cpu"

// canIndex says whether newlines can be used here, and is worth it. The same
// in Go, eight bytes at a time, was measured slower than bytes.IndexByte.
var canIndex = cpu.X86.HasAVX2

// newlines finds the newlines of p. The processor must have AVX2.
func newlines(p *[indexBytes]byte, masks *newlineMasks) { newlinesAVX2(p, masks) }

//go:noescape
func newlinesAVX2(p *[indexBytes]byte, masks *newlineMasks)
