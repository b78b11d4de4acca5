package pool

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// mincore says for every page of p whether it is in memory.
func mincore(p, pages []byte) error {
	_, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(unsafe.SliceData(p))),
		uintptr(len(p)), uintptr(unsafe.Pointer(unsafe.SliceData(pages))))
	if errno != 0 {
		return errno
	}
	return nil
}
