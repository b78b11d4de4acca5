package probe

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// NoWait reports whether the file fd can be read without waiting for a device
// (RWF_NOWAIT). It reads one byte far beyond the end, so that nothing is read and
// the kernel reads nothing ahead either: it looks at the flag first.
//
// It costs 0.3 µs. The flag is there since Linux 4.14; which files heed it differs
// with the file system: ext4, xfs and btrfs do, tmpfs, overlayfs, squashfs, erofs
// and FUSE do not, which is not an error. It is EPERM in filters, and ENOSYS
// before Linux 4.6.
func NoWait(fd int) (supported bool, err error) { return heeds(fd, unix.RWF_NOWAIT) }

// DontCache reports whether a read of the file fd can give up what it brought into
// the page cache (RWF_DONTCACHE). It asks as NoWait does, at the same cost. The
// flag is there since Linux 6.14, on ext4 and xfs among others.
func DontCache(fd int) (supported bool, err error) { return heeds(fd, unix.RWF_DONTCACHE) }

// farOff is beyond the end of every file: the largest offset at which a byte can
// end is one short of 1<<63.
const farOff = 1 << 62

// heeds reports whether reads of a file take a flag.
func heeds(fd, flag int) (bool, error) {
	_, err := readByte(fd, farOff, flag)
	switch {
	case err == nil, errors.Is(err, unix.EAGAIN):
		return true, nil
	case errors.Is(err, unix.EOPNOTSUPP):
		return false, nil
	}
	return false, err
}

// peek reports whether the page that holds the byte at off is cached, by a read
// that would not wait for it. Where it is not, the kernel begins to read it, and
// at the beginning of the file more after it.
func peek(fd int, off int64) (cached bool, err error) {
	n, err := readByte(fd, off, unix.RWF_NOWAIT)
	switch {
	case errors.Is(err, unix.EAGAIN):
		return false, nil
	case err != nil:
		return false, err
	case n == 0: // the end, or Linux 5.9 and 5.10, where it tells nothing
		return false, fmt.Errorf("preadv2: %w", io.ErrUnexpectedEOF)
	}
	return true, nil
}

// readByte reads a byte that nobody wants.
func readByte(fd int, off int64, flag int) (int, error) {
	var b [1]byte
	for {
		n, err := unix.Preadv2(fd, [][]byte{b[:]}, off, flag)
		if err != unix.EINTR { // the runtime's own preemption signals interrupt reads
			return max(n, 0), os.NewSyscallError("preadv2", err)
		}
	}
}
