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
