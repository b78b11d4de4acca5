//go:build !unix

package uringtest

import "syscall"

// Pread is content of real files: fd is a descriptor of this process. There are
// none on this system.
func Pread(fd int, p []byte, off int64) (n int, err error) { return 0, syscall.EINVAL }
