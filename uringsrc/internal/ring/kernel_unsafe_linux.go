package ring

import (
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

func systemKernel() kernel {
	return kernel{
		setup:       sysSetup,
		register:    sysRegister,
		enter:       sysEnter,
		mapRing:     mapRing,
		unmap:       unmap,
		dontFork:    dontFork,
		closeOnExec: closeOnExec,
		close:       func(fd int) { _ = unix.Close(fd) },
	}
}

func sysSetup(entries uint32, p *params) (int, syscall.Errno) {
	fd, _, e := unix.Syscall(unix.SYS_IO_URING_SETUP, uintptr(entries), uintptr(unsafe.Pointer(p)), 0)
	return int(fd), e
}

func sysRegister(fd int, op registerOp, arg argument, n int) syscall.Errno {
	_, _, e := unix.Syscall6(unix.SYS_IO_URING_REGISTER, uintptr(fd), uintptr(op), uintptr(arg), uintptr(n), 0, 0)
	return e
}

// getEvents is struct io_uring_getevents_arg, with the struct __kernel_timespec
// that it points to behind it.
type getEvents struct {
	mask      uint64
	maskBytes uint32
	_         uint32
	time      uint64 // the address of seconds
	seconds   int64
	nanos     int64
}

const getEventsBytes = 24 // without the time behind it

const (
	_ = -uint(unsafe.Offsetof(getEvents{}.time) ^ 16)
	_ = -uint(unsafe.Offsetof(getEvents{}.seconds) ^ getEventsBytes)
	_ = -uint(unsafe.Offsetof(getEvents{}.nanos) ^ (getEventsBytes + 8))
)

// sysEnter does not allocate: g is on the stack.
func sysEnter(fd int, submit, min, flags uint32, wait time.Duration) (int, syscall.Errno) {
	if wait == 0 {
		n, _, e := unix.Syscall6(unix.SYS_IO_URING_ENTER, uintptr(fd), uintptr(submit), uintptr(min), uintptr(flags), 0, 0)
		return int(n), e
	}
	g := getEvents{seconds: int64(wait / time.Second), nanos: int64(wait % time.Second)}
	// The address within g is a number that nobody would correct. A stack moves
	// when a function is called and it is too small, and never during a system
	// call; Syscall6 and what it calls do not look at the stack's size. So there
	// is no call between this line and the system call.
	g.time = uint64(uintptr(unsafe.Pointer(&g.seconds)))
	n, _, e := unix.Syscall6(unix.SYS_IO_URING_ENTER, uintptr(fd), uintptr(submit), uintptr(min),
		uintptr(flags|enterExtArg), uintptr(unsafe.Pointer(&g)), getEventsBytes)
	return int(n), e
}

// mapRing maps a part of the ring, all of it present.
func mapRing(fd int, off int64, n int) ([]byte, syscall.Errno) {
	at, err := unix.MmapPtr(fd, off, nil, uintptr(n), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		return nil, errno(err)
	}
	return unsafe.Slice((*byte)(at), n), 0
}

func unmap(m []byte) { _ = unix.MunmapPtr(unsafe.Pointer(unsafe.SliceData(m)), uintptr(len(m))) }

func dontFork(m []byte) syscall.Errno { return errno(unix.Madvise(m, unix.MADV_DONTFORK)) }

func closeOnExec(fd int) syscall.Errno {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, unix.FD_CLOEXEC)
	return errno(err)
}

// errno returns the number in an error of package unix, which has nothing else.
func errno(err error) syscall.Errno {
	if err == nil {
		return 0
	}
	if e, ok := err.(syscall.Errno); ok {
		return e
	}
	return syscall.EINVAL
}

// vectorsArg returns the buffers as an array of struct iovec.
func vectorsArg(bufs [][]byte) argument {
	vs := make([]unix.Iovec, len(bufs))
	for i, b := range bufs {
		vs[i].Base = unsafe.SliceData(b)
		vs[i].SetLen(len(b))
	}
	return argument(unsafe.SliceData(vs))
}
