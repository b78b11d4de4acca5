//go:build !linux

package uringsrc

import "syscall"

// Simulated rings use Linux's numbers.
const (
	errTime = syscall.Errno(62)
	errLost = syscall.Errno(53)
)
