package filtertest

import (
	"errors"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Deny has one system call fail in every thread of the process.
func Deny(number uintptr, with syscall.Errno) error {
	return install(number, with, unix.SECCOMP_FILTER_FLAG_TSYNC)
}

// DenyHere has it fail in the calling thread and in those that it makes.
func DenyHere(number uintptr, with syscall.Errno) error { return install(number, with, 0) }

func install(number uintptr, with syscall.Errno, flags uintptr) error {
	const load, equal, ret = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, unix.BPF_RET | unix.BPF_K
	program := []unix.SockFilter{
		{Code: load, K: 0}, // the number
		{Code: equal, K: uint32(number), Jt: 0, Jf: 1},
		{Code: ret, K: unix.SECCOMP_RET_ERRNO | uint32(with)},
		{Code: ret, K: unix.SECCOMP_RET_ALLOW},
	}
	runtime.LockOSThread() // the privileges are the thread's
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	f := unix.SockFprog{Len: uint16(len(program)), Filter: unsafe.SliceData(program)}
	other, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&f)))
	switch {
	case e != 0:
		return e
	case other != 0:
		return errors.New("a thread could not be given the filter")
	}
	return nil
}
