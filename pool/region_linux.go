package pool

import (
	"github.com/edsrzf/mmap-go"
	"golang.org/x/sys/unix"
)

// anonymous is the protection that makes mmap-go map private memory. RDWR
// would be MAP_SHARED: shared memory, of which MADV_DONTNEED frees nothing.
const anonymous = mmap.COPY

func adviseHuge(p []byte, huge bool) {
	advice := unix.MADV_NOHUGEPAGE
	if huge {
		advice = unix.MADV_HUGEPAGE
	}
	_ = unix.Madvise(p, advice) // since Linux 2.6.38; EINVAL without huge pages
}

func adviseDiscard(p []byte) error {
	err := unix.Madvise(p, unix.MADV_DONTNEED)
	if err == unix.EINVAL {
		// The memory is locked (mlockall with MCL_FUTURE). Since Linux 5.18.
		err = unix.Madvise(p, unix.MADV_DONTNEED_LOCKED)
	}
	return err
}
