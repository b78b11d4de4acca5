package ring

import (
	"slices"
	"unsafe"
)

// rulesOf returns what io_uring_register was given with RESTRICTIONS.
func rulesOf(arg argument, n int) []restriction {
	return slices.Clone(unsafe.Slice((*restriction)(arg), n))
}
