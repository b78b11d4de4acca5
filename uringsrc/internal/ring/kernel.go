package ring

import (
	"syscall"
	"time"
)

// kernel is what a ring asks of the system, so that tests can refuse it.
type kernel struct {
	// setup is io_uring_setup: it returns a descriptor, and answers in p.
	setup func(entries uint32, p *params) (fd int, err syscall.Errno)
	// register is io_uring_register. The negative result of some operations is
	// an error, and the positive one of others is not told.
	register func(fd int, op registerOp, arg argument, n int) syscall.Errno
	// enter is io_uring_enter; a wait of 0 has no bound.
	enter func(fd int, submit, min, flags uint32, wait time.Duration) (taken int, err syscall.Errno)

	mapRing     func(fd int, off int64, n int) ([]byte, syscall.Errno)
	unmap       func(m []byte)
	dontFork    func(m []byte) syscall.Errno
	closeOnExec func(fd int) syscall.Errno
	close       func(fd int)
}
