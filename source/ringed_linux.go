package source

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// rwDontCache has a buffered read give up what it brought into the page cache;
// since Linux 6.14, on ext4 and xfs among others.
const rwDontCache = unix.RWF_DONTCACHE

// reopen opens the file that h is open on once more, for reading and without
// O_NONBLOCK, past the page cache or through it.
func reopen(h *os.File, direct bool) (*os.File, error) {
	fd, err := descriptor(h)
	if err != nil {
		return nil, err
	}
	flags := os.O_RDONLY
	if direct {
		flags |= unix.O_DIRECT
	}
	return os.OpenFile("/proc/self/fd/"+strconv.Itoa(fd), flags, 0)
}
