//go:build !linux

package ring

import "syscall"

const errTime = syscall.EINTR // there is no Enter
