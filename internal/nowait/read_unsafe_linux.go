package nowait

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Read reads into p, at offset off of the file fd, what can be had without
// waiting, and returns how many bytes that were. supported is false when this
// kernel, file system or system call filter cannot do it for any range.
//
// It is unix.Preadv2 without that function's slice of vectors, which would be
// allocated on every call.
func Read(fd int, p []byte, off int64) (n int, supported bool) {
	return read(fd, p, uintptr(off), uintptr(uint64(off)>>32))
}

// ReadStream is Read from the position of a pipe, socket or other stream,
// which pipes can do since Linux 6.4.
func ReadStream(fd int, p []byte) (n int, supported bool) {
	return read(fd, p, ^uintptr(0), ^uintptr(0)) // -1 is the position
}

// read is preadv2. The offset comes as two halves of a long each; on 64 bits
// the kernel takes all of it from the low one.
func read(fd int, p []byte, lo, hi uintptr) (n int, supported bool) {
	if len(p) == 0 {
		return 0, true
	}
	// The kernel reads the vector and writes the bytes during the call only;
	// Syscall6 keeps both alive and in place until it returns.
	v := unix.Iovec{Base: unsafe.SliceData(p)}
	v.SetLen(len(p))
	for {
		r, _, errno := unix.Syscall6(unix.SYS_PREADV2, uintptr(fd), uintptr(unsafe.Pointer(&v)), 1, lo, hi, unix.RWF_NOWAIT)
		switch errno {
		case 0:
			return int(r), true
		case unix.EINTR:
			continue
		case unix.EOPNOTSUPP, unix.ENOSYS, unix.EPERM, unix.EINVAL:
			return 0, false
		}
		return 0, true
	}
}
