package probe

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// The alignments that buffers of the pool have. Where the kernel does not say
// what it wants, a page is enough: no device has larger blocks than that, unless
// its file system does (since Linux 6.12), which then says so.
const (
	largestMemoryAlign = 4 << 10
	largestUnit        = 4 << 20
)

// DirectIO asks statx what reads past the page cache (O_DIRECT) need: the
// alignment of memory, and that of offsets and lengths, in bytes. Where statx does
// not say, which is so before Linux 6.1 and on some file systems, it is 4 KiB for
// both, and such a read may be refused all the same.
//
// It costs 0.3 µs. It fails for files that cannot be read so, or only in larger
// units than the pool has, and in filters (EPERM, ENOSYS).
func DirectIO(fd int) (memory, unit int, err error) {
	var st unix.Statx_t
	for {
		err = unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_DIOALIGN, &st)
		if err != unix.EINTR {
			break
		}
	}
	if err != nil {
		return 0, 0, os.NewSyscallError("statx", err)
	}
	return directAlign(&st)
}

// directAlign returns what statx said.
func directAlign(st *unix.Statx_t) (memory, unit int, err error) {
	if st.Mask&unix.STATX_DIOALIGN == 0 {
		return largestMemoryAlign, largestMemoryAlign, nil
	}
	if st.Dio_offset_align == 0 || st.Dio_mem_align == 0 {
		return 0, 0, errors.New("this file cannot be read past the page cache (statx: DIOALIGN)")
	}
	if st.Dio_offset_align > largestUnit || st.Dio_mem_align > largestMemoryAlign {
		return 0, 0, errors.New("reads past the page cache of this file need a larger alignment than there is")
	}
	return int(st.Dio_mem_align), int(st.Dio_offset_align), nil
}
