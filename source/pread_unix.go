//go:build unix

package source

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// maxPread is as much as every system reads at a time; Darwin refuses 2 GiB.
const maxPread = 1 << 30

// pread reads at off once; 0 without an error is the end.
func pread(_ *os.File, fd int, p []byte, off int64) (int, error) {
	p = p[:min(len(p), maxPread)]
	for {
		n, err := unix.Pread(fd, p, off)
		if err != unix.EINTR { // the runtime's own preemption signals interrupt reads
			return n, err
		}
	}
}

// fileSize returns the size of a regular file, without what f.Stat allocates.
func fileSize(_ *os.File, fd int) (int64, error) {
	var st unix.Stat_t
	for {
		err := unix.Fstat(fd, &st)
		if err != unix.EINTR {
			return st.Size, err
		}
	}
}

// descriptor returns f's descriptor without changing its mode, as f.Fd would.
func descriptor(f *os.File) (fd int, err error) {
	c, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	err = c.Control(func(n uintptr) { fd = int(n) })
	return fd, err
}

// duplicate returns a second descriptor of f, which stays open and keeps its
// number whatever the caller does with f.
func duplicate(f *os.File) (*os.File, error) {
	c, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	var n int
	var failed error
	err = c.Control(func(fd uintptr) {
		// Not F_DUPFD, so that a child process does not inherit it.
		n, failed = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0)
	})
	if err = errors.Join(err, failed); err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(n), f.Name()), nil
}

// device returns the number of the file system that fi lies on.
// owned reports whether the process may ask for what only a file's owner and root
// may have.
func owned(fi fs.FileInfo) bool {
	st, ok := fi.Sys().(*syscall.Stat_t)
	me := os.Geteuid()
	return ok && (me == 0 || uint32(me) == st.Uid)
}

func device(fi fs.FileInfo) uint64 {
	st, ok := fi.Sys().(*syscall.Stat_t)
	switch {
	case !ok:
		return 0
	case fi.Mode()&fs.ModeDevice != 0:
		return uint64(st.Rdev)
	}
	return uint64(st.Dev)
}
