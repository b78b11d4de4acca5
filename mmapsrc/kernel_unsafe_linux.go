package mmapsrc

import (
	"os"
	"unsafe"

	"github.com/edsrzf/mmap-go"
	"golang.org/x/sys/unix"
)

// x/sys has no wrappers of mlock2, of mremap to an address, nor of fcntl with
// F_SETOWN_EX.

// mapForUs maps a file and keeps the mapping from children that are forked: a
// lease is given up for what this process holds, and nobody would freeze theirs.
func mapForUs(f *os.File, n int) (mmap.MMap, error) {
	page := os.Getpagesize()
	m, err := mapWhole(f, (n+page-1)/page*page)
	if err != nil {
		return nil, err
	}
	if err := unix.Madvise(m, unix.MADV_DONTFORK); err != nil {
		unmap(m)
		return nil, err
	}
	return m, nil
}

// lockOnFault locks the pages of p that are there, and those that will be. It
// reads none in: mlock on a page with a persistent read error would loop in the
// kernel. Since Linux 4.4.
func lockOnFault(p []byte) error {
	_, _, e := unix.Syscall(unix.SYS_MLOCK2, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), unix.MLOCK_ONFAULT)
	if e != 0 {
		return e
	}
	return nil
}

// spare maps private memory: in huge pages where they are to be had, because a
// copy into 4 KiB pages takes five times as long. The kernel aligns anonymous
// memory of this size to them since Linux 6.7; before, it may not be.
func spare(n int, filled bool) ([]byte, error) {
	at, err := unix.MmapPtr(-1, 0, nil, uintptr(n), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil, err
	}
	p := unsafe.Slice((*byte)(at), n)
	_ = unix.Madvise(p, unix.MADV_HUGEPAGE)
	// As with the mapping: of children that are forked it is none.
	err = unix.Madvise(p, unix.MADV_DONTFORK)
	if err == nil && filled {
		err = unix.Madvise(p, unix.MADV_POPULATE_WRITE)
	}
	if err != nil {
		unspare(p)
		return nil, err
	}
	return p, nil
}

func unspare(p []byte) {
	_ = unix.MunmapPtr(unsafe.Pointer(unsafe.SliceData(p)), uintptr(len(p)))
}

// freezeInPlace replaces p by a private, read-only copy of itself in the memory
// of spare. p is whole pages that are populated and locked.
//
// Others read p meanwhile. The kernel takes the old pages out and puts the copy
// in under the lock that page faults take too (mmap_lock), so that whoever
// touches p in between waits, and finds the copy.
//
// The calls are raw: a goroutine that is longer than 20 µs in another kind loses
// its processor, and where all processors compute it has one again after 10 ms
// or more. They take microseconds, and wait for nobody but mmap_lock.
func freezeInPlace(p, spare []byte) error {
	q := spare[:len(p)]
	copy(q, p)
	to, from, n := uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(unsafe.Pointer(unsafe.SliceData(q))), uintptr(len(q))
	if _, _, e := unix.RawSyscall(unix.SYS_MPROTECT, from, n, unix.PROT_READ); e != 0 {
		return e
	}
	if _, _, e := unix.RawSyscall6(unix.SYS_MREMAP, from, n, n, unix.MREMAP_MAYMOVE|unix.MREMAP_FIXED, to, 0); e != 0 {
		return e
	}
	if rest := spare[len(p):]; len(rest) > 0 {
		unspare(rest)
	}
	return nil
}

// giveLease gives the lease on fd up. A child that inherited the descriptor
// would keep it if it were only closed. The call is raw for the same reason.
func giveLease(fd int) {
	_, _, _ = unix.RawSyscall(unix.SYS_FCNTL, uintptr(fd), unix.F_SETLEASE, unix.F_UNLCK)
}

// setOwnerThread makes the signals of fd go to one thread. Since Linux 2.6.32.
func setOwnerThread(fd, tid int) error {
	owner := struct{ kind, id int32 }{ownerThread, int32(tid)} // struct f_owner_ex
	_, _, e := unix.Syscall(unix.SYS_FCNTL, uintptr(fd), unix.F_SETOWN_EX, uintptr(unsafe.Pointer(&owner)))
	if e != 0 {
		return e
	}
	return nil
}

const ownerThread = 0 // F_OWNER_TID
