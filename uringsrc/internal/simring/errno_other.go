//go:build !linux

package simring

import "syscall"

const errTime = syscall.Errno(62) // Linux's
