package nowait

import "golang.org/x/sys/unix"

// Blocks reports whether reads of fd wait in the kernel, holding a thread.
func Blocks(fd int) bool {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	return err == nil && flags&unix.O_NONBLOCK == 0
}
