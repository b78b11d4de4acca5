package uringsrc

import "syscall"

const (
	errTime = syscall.ETIME
	errLost = syscall.EBADR
)
