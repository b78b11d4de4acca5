package nowait

import (
	"errors"
	"syscall"
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
	n, err := read(fd, p, uintptr(off), uintptr(uint64(off)>>32))
	return n, !unsupported(err)
}

// ReadStream reads into p what a pipe, socket or other stream holds, which
// pipes can do since Linux 6.4. Where it holds nothing the error wraps
// ErrAgain, and errors.ErrUnsupported where it cannot be told; 0 without an
// error is the end, or a FIFO that has not had a writer yet.
func ReadStream(fd int, p []byte) (n int, err error) {
	n, errno := read(fd, p, ^uintptr(0), ^uintptr(0)) // -1 is the position
	switch {
	case errno == 0:
		return n, nil
	case errno == unix.EAGAIN:
		return 0, ErrAgain
	case unsupported(errno):
		return 0, errors.ErrUnsupported
	}
	return 0, errno
}

// unsupported reports whether the kernel, file system or a system call filter
// cannot do it for any range.
func unsupported(err syscall.Errno) bool {
	switch err {
	case unix.EOPNOTSUPP, unix.ENOSYS, unix.EPERM:
		return true
	}
	return false
}

// read is preadv2. The offset comes as two halves of a long each; on 64 bits
// the kernel takes all of it from the low one.
func read(fd int, p []byte, lo, hi uintptr) (int, syscall.Errno) {
	if len(p) == 0 {
		return 0, 0
	}
	// The kernel reads the vector and writes the bytes during the call only;
	// Syscall6 keeps both alive and in place until it returns.
	v := unix.Iovec{Base: unsafe.SliceData(p)}
	v.SetLen(len(p))
	for {
		n, _, err := unix.Syscall6(unix.SYS_PREADV2, uintptr(fd), uintptr(unsafe.Pointer(&v)), 1, lo, hi, unix.RWF_NOWAIT)
		if err == 0 {
			return int(n), 0
		}
		if err != unix.EINTR {
			return 0, err
		}
	}
}
