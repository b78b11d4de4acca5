package source

import (
	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/window"
)

// willNeed begins to read a range into the page cache. The kernel may refuse;
// nothing depends on it.
func willNeed(fd int, r window.Range) {
	_ = unix.Fadvise(fd, r.Off, r.Len, unix.FADV_WILLNEED)
}

// kernelAhead says whether the kernel is to read ahead of what is read of an open
// file.
func kernelAhead(fd int, yes bool) {
	advice := unix.FADV_RANDOM
	if yes {
		advice = unix.FADV_NORMAL
	}
	_ = unix.Fadvise(fd, 0, 0, advice)
}
