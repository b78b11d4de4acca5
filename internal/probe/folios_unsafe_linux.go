package probe

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// hugeBytes is what the kernel maps by one entry on x86-64, and on arm64 with pages
// of 4 KiB.
const hugeBytes = 2 << 20

// LargeFolios reports whether the page cache has a part of a file in folios so
// large that the kernel maps 2 MiB of them by one entry, as reading from front to
// back leaves them. A mapping of such a file is read faster than pread copies;
// one in smaller folios is not, or not by much. The part is the 2 MiB that hold
// off, or the last whole ones of the size bytes, and where those are not so the 2
// MiB before them. Ask in the middle or later: the folios at the beginning of what
// was read are smaller, and grow.
//
// It is right about that part, and the file may be of both kinds: where the device's
// read-ahead is no multiple of 2 MiB the kernel mixes them (two to four of five are
// large with 2.5 MiB), and below 2 MiB, such as the usual 128 KiB, none is large.
//
// The way it tells is to map those 2 MiB and populate two single pages of them, far
// apart, and count the thread's page faults. The first page of a huge entry brings
// all others, so that the second is no fault; smaller folios are mapped by 64 KiB
// at most at a time, so that it is one. No time is measured and no other thread can
// disturb it. Small folios cannot look large, unless fault_around_bytes in debugfs
// is set to 1 MiB or more. Folios between 8 KiB and 1 MiB are not large: the faults
// are the same as of small ones, and the times too close (75 to 100 ns a page
// against 120).
//
// Nothing of the mapping is touched, so that a file that is truncated meanwhile is
// EFAULT and no signal. Nothing is read from the device: first it looks whether the
// pages are cached, by [Cached], and where that is refused by reads without waiting,
// see [CachedShare]. Where the page at the beginning of the part is not it is
// ErrNotCached; where the other is not, the part is not in one folio.
//
// It costs 8 µs of large folios, 17 µs of small ones, and 0.8 µs of what is cached in
// part; the call that unmaps has the other processors that run the process take
// notice, if there are any. It is for regular files of 2 MiB and more, other ones are
// ErrTooSmall or ErrUnsupported. MADV_POPULATE_READ is there since Linux 5.14, EINVAL
// before; a file that may not be mapped is EACCES or EPERM. Where the kernel has no
// large folios, or pages of another size, the answer is no.
func LargeFolios(fd int, off, size int64) (large bool, err error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return false, os.NewSyscallError("fstat", err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return false, unsupported("mmap of what is no regular file")
	}
	size = min(size, int64(st.Size))
	at, err := wholeBlock(off, size)
	if err != nil {
		return false, err
	}
	whole, err := blockCached(fd, at)
	if err != nil || !whole {
		return false, err
	}
	return mappedHuge(fd, at, besideBlock(at, size))
}

// wholeBlock returns where the huge block begins that holds off, or the last
// whole one of a file of size bytes.
func wholeBlock(off, size int64) (int64, error) {
	if size < hugeBytes {
		return 0, ErrTooSmall
	}
	last := size/hugeBytes - 1
	return min(max(off, 0)/hugeBytes, last) * hugeBytes, nil
}

// besideBlock returns where the block before the one at begins; after it if it is
// the first, and at if it is the only one.
func besideBlock(at, size int64) int64 {
	switch {
	case at > 0:
		return at - hugeBytes
	case size >= 2*hugeBytes:
		return hugeBytes
	}
	return at
}

// tries are the offsets of the pages that are populated, within a block. What the
// kernel maps around a page is less than lies between them.
var tries = [...]int{0, hugeBytes / 2}

// blockCached reports whether the pages of a block that would be populated are
// cached. It does not ask for all of the block, because cachestat takes time for
// each folio.
func blockCached(fd int, at int64) (bool, error) {
	for i, t := range tries {
		cached, err := pageCached(fd, at+int64(t))
		switch {
		case err != nil:
			return false, err
		case !cached && i == 0:
			return false, ErrNotCached
		case !cached:
			return false, nil
		}
	}
	return true, nil
}

// pageCached reports whether the page at offset off is cached.
func pageCached(fd int, off int64) (bool, error) {
	pages, _, err := Cached(fd, off, 1)
	if err == nil {
		return pages > 0, nil
	}
	cached, err2 := peek(fd, off)
	if err2 != nil {
		return false, errors.Join(err, err2)
	}
	return cached, nil
}

// mappedHuge reports whether the block at offset at, or the one beside it, is mapped
// by one entry. The former is cached.
func mappedHuge(fd int, at, beside int64) (bool, error) {
	from := min(at, beside)
	p, unmap, err := mapBlocks(fd, from, int(max(at, beside)-from)+hugeBytes)
	if err != nil {
		return false, err
	}
	defer unmap()
	huge, err := oneEntry(p[at-from:])
	if err != nil || huge || beside == at {
		return huge, err
	}
	whole, err := blockCached(fd, beside)
	switch {
	case errors.Is(err, ErrNotCached):
		return false, nil
	case err != nil || !whole:
		return false, err
	}
	return oneEntry(p[beside-from:])
}

// oneEntry reports whether the block that p begins with is mapped by one entry. None
// of it was mapped before.
func oneEntry(p []byte) (bool, error) {
	runtime.LockOSThread() // whose faults are counted
	defer runtime.UnlockOSThread()
	if err := populatePage(p[tries[0]:]); err != nil {
		return false, err
	}
	before, err := faults()
	if err != nil {
		return false, err
	}
	if err := populatePage(p[tries[1]:]); err != nil {
		return false, err
	}
	after, err := faults()
	return after == before, err
}

// mapBlocks maps n bytes at an address that could have huge entries, whether or
// not the file system would choose such a one. The mapping is private, because a
// shared one of a file that is open for writing could be made writable.
func mapBlocks(fd int, at int64, n int) (p []byte, unmap func(), err error) {
	room := uintptr(n) + hugeBytes // holds aligned blocks wherever it lies
	base, err := unix.MmapPtr(-1, 0, nil, room, unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err != nil {
		return nil, nil, os.NewSyscallError("mmap", err)
	}
	unmap = func() { _ = unix.MunmapPtr(base, room) }
	shift := -uintptr(base) % hugeBytes
	first, err := unix.MmapPtr(fd, at, unsafe.Add(base, shift), uintptr(n), unix.PROT_READ, unix.MAP_PRIVATE|unix.MAP_FIXED)
	if err != nil {
		unmap()
		return nil, nil, os.NewSyscallError("mmap", err)
	}
	return unsafe.Slice((*byte)(first), n), unmap, nil
}

// populatePage maps the page that p begins with. It is EFAULT where the file has
// none any more.
func populatePage(p []byte) error {
	for {
		err := unix.Madvise(p[:os.Getpagesize()], unix.MADV_POPULATE_READ)
		switch err {
		case nil:
			return nil
		case unix.EINTR, unix.EAGAIN:
			continue
		}
		return fmt.Errorf("MADV_POPULATE_READ: %w", os.NewSyscallError("madvise", err))
	}
}

// faults returns how many page faults the calling thread has had.
func faults() (int64, error) {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &u); err != nil {
		return 0, os.NewSyscallError("getrusage", err)
	}
	return int64(u.Minflt) + int64(u.Majflt), nil
}
