//go:build unix

package uringtest

import "syscall"

// Pread is content of real files: fd is a descriptor of this process.
func Pread(fd int, p []byte, off int64) (n int, err error) {
	for {
		if off < 0 {
			n, err = syscall.Read(fd, p)
		} else {
			n, err = syscall.Pread(fd, p, off)
		}
		if err != syscall.EINTR {
			return max(n, 0), err
		}
	}
}
