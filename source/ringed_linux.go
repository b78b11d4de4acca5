package source

import (
	"errors"
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

// directAlignment returns what O_DIRECT asks of a file's reads: the alignment of
// memory, and that of offsets and lengths, in bytes.
func directAlignment(fd int) (memory, unit int, err error) {
	var st unix.Statx_t
	if err := unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_DIOALIGN, &st); err != nil {
		return 0, 0, os.NewSyscallError("statx", err)
	}
	if st.Mask&unix.STATX_DIOALIGN == 0 { // before Linux 6.1, or a file system that does not say
		return Granularity, Granularity, nil
	}
	if st.Dio_offset_align == 0 || st.Dio_mem_align == 0 {
		return 0, 0, errors.New("this file cannot be read past the page cache (statx: DIOALIGN)")
	}
	if st.Dio_offset_align > LargestWindowBytes || st.Dio_mem_align > Granularity {
		return 0, 0, errors.New("reads past the page cache of this file need a larger alignment than there is")
	}
	return int(st.Dio_mem_align), int(st.Dio_offset_align), nil
}

// anyCached asks cachestat, since Linux 6.5, whether the page cache has any of a
// range. It refuses files that the process neither owns nor may write.
func anyCached(fd int, off int64, n int) (yes, known bool) {
	var c unix.Cachestat_t
	r := unix.CachestatRange{Off: uint64(off), Len: uint64(n)}
	if unix.Cachestat(uint(fd), &r, &c, 0) != nil {
		return false, false
	}
	return c.Cache > 0, true
}
