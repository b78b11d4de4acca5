package mmapsrc

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

func systemKernel() kernel {
	return kernel{
		locks:    true,
		probe:    probe,
		guardOf:  guardOf,
		reopen:   reopen,
		mapFile:  mapForUs,
		unmap:    unmap,
		populate: populate,
		lock:     lockOnFault,
		unlock:   func(p []byte) error { return unix.Munlock(p) },
		drop:     func(p []byte) { _ = unix.Madvise(p, unix.MADV_DONTNEED) },
		cached:   cached,
		need:     need,
		fills:    fills,
		dense:    dense,
		spare:    spare,
		unspare:  unspare,
		ballast:  ballast,
		freeze:   freezeInPlace,
		lease:    takeLease,
		unlease:  giveLease,
		held:     holdsLease,
	}
}

// descriptor returns f's descriptor and leaves its mode alone, as f.Fd would
// not. It is valid while f is open.
func descriptor(f *os.File) (fd int, err error) {
	c, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	err = c.Control(func(n uintptr) { fd = int(n) })
	return fd, err
}

// reopen opens f's file once more: a lease belongs to an open file, and a
// caller may have shared its own, or closed it, or opened it for writing. It
// works for files that have been unlinked too.
func reopen(f *os.File) (*os.File, int, error) {
	c, err := f.SyscallConn()
	if err != nil {
		return nil, 0, err
	}
	var fd int
	var failed error
	// Inside of Control, which keeps f open: its number may be another's, and
	// opening that may wait or do something.
	err = c.Control(func(n uintptr) {
		name := "/proc/self/fd/" + strconv.Itoa(int(n))
		for {
			fd, failed = unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
			if failed != unix.EINTR {
				return
			}
		}
	})
	if err = errors.Join(err, failed); err != nil {
		return nil, 0, err
	}
	return os.NewFile(uintptr(fd), f.Name()), fd, nil
}

// populate maps p's pages after reading them in, inside of a system call, so
// that the goroutine's processor is free meanwhile. A page beyond the end, or
// one that cannot be read, is EFAULT. Since Linux 5.14.
func populate(p []byte) error {
	for {
		err := unix.Madvise(p, unix.MADV_POPULATE_READ)
		switch err {
		case unix.EINTR, unix.EAGAIN:
			continue
		case unix.EFAULT, unix.EHWPOISON:
			return fmt.Errorf("%w: %w", errBad, err)
		}
		return err
	}
}

// ballast maps pages of which every other one can be written: the kernel makes a
// mapping of each.
func ballast(n int) ([]byte, error) {
	page := os.Getpagesize()
	p, err := spare(n*page, false)
	if err != nil {
		return nil, err
	}
	for at := page; at < len(p); at += 2 * page {
		if err := unix.Mprotect(p[at:at+page], unix.PROT_READ); err != nil {
			unspare(p)
			return nil, err
		}
	}
	return p, nil
}

// probe tries on a page of memory what is done to files.
func probe() error {
	p, err := spare(os.Getpagesize(), false)
	if err != nil {
		return err
	}
	defer unspare(p)
	if err := populate(p); err != nil {
		return fmt.Errorf("MADV_POPULATE_READ, since Linux 5.14: %w", err)
	}
	if err := lockOnFault(p); err != nil {
		return fmt.Errorf("locking memory (RLIMIT_MEMLOCK): %w", err)
	}
	return nil
}

// cached asks cachestat, since Linux 6.5. It refuses files that the process
// neither owns nor may write.
func cached(f *os.File, off, n int64) (yes, known bool) {
	fd, err := descriptor(f)
	if err != nil {
		return false, false
	}
	var c unix.Cachestat_t
	r := unix.CachestatRange{Off: uint64(off), Len: uint64(n)}
	if unix.Cachestat(uint(fd), &r, &c, 0) != nil {
		return false, false
	}
	page := int64(os.Getpagesize())
	return int64(c.Cache) >= (n+page-1)/page, true
}

// need is a hint: nothing depends on what becomes of it.
func need(f *os.File, off, n int64) {
	if fd, err := descriptor(f); err == nil {
		_ = unix.Fadvise(fd, off, n, unix.FADV_WILLNEED)
	}
}

// fills reports whether f is on tmpfs, where a page is allocated for a hole that
// is read through a mapping, and not for one that is read by pread.
func fills(f *os.File) bool {
	fd, err := descriptor(f)
	if err != nil {
		return true
	}
	var st unix.Statfs_t
	return unix.Fstatfs(fd, &st) != nil || int64(st.Type) == unix.TMPFS_MAGIC
}

// dense looks for a hole. f is a descriptor of our own, whose position nobody
// uses.
func dense(f *os.File, off, n int64) bool {
	fd, err := descriptor(f)
	if err != nil {
		return false
	}
	hole, err := unix.Seek(fd, off, unix.SEEK_HOLE)
	if err != nil {
		return false
	}
	fi, err := f.Stat()
	return err == nil && (hole >= off+n || hole >= fi.Size())
}

// guardOf returns what can guard f. Only file systems that were tested count,
// never that a lease was granted: overlayfs and others grant leases that hold
// nothing back.
func guardOf(f *os.File) (guardKind, error) {
	fd, err := descriptor(f)
	if err != nil {
		return 0, err
	}
	var st unix.Statfs_t
	if err := unix.Fstatfs(fd, &st); err != nil {
		return 0, fmt.Errorf("statfs: %w", err)
	}
	switch int64(st.Type) {
	case unix.TMPFS_MAGIC:
		const still = unix.F_SEAL_SHRINK | unix.F_SEAL_WRITE
		if seals, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0); err == nil && seals&still == still {
			return sealed, nil
		}
		// The kernel does not count the descriptor that memfd_create returns, or
		// a segment of System V, as a writer, and grants a lease beside it. Both
		// never had a name.
		if fi, err := f.Stat(); err != nil || nameless(fi) {
			return 0, errors.New("a file in memory without a name, which its maker may still write unless it is sealed")
		}
		return leased, leasesHold()
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC:
		return leased, leasesHold()
	case unix.SQUASHFS_MAGIC, unix.EROFS_SUPER_MAGIC_V1:
		return readOnly, nil
	}
	return 0, fmt.Errorf("nothing is known to keep a file still on %s", fileSystem(uint32(st.Type)))
}

// fileSystem names the type of a file system that statfs tells.
func fileSystem(kind uint32) string {
	for _, s := range fileSystems {
		if s.kind == kind {
			return s.name
		}
	}
	return fmt.Sprintf("this file system (type %#x)", kind)
}

// fileSystems are those that are met with most and cannot be guarded.
var fileSystems = []struct {
	kind uint32
	name string
}{
	{unix.OVERLAYFS_SUPER_MAGIC, "overlayfs"},
	{unix.FUSE_SUPER_MAGIC, "FUSE"},
	{unix.NFS_SUPER_MAGIC, "NFS"},
	{unix.SMB2_SUPER_MAGIC, "SMB"},
	{unix.CIFS_SUPER_MAGIC, "SMB"},
	{unix.CEPH_SUPER_MAGIC, "Ceph"},
	{unix.V9FS_MAGIC, "9P"},
	{unix.PROC_SUPER_MAGIC, "procfs"},
	{unix.SYSFS_MAGIC, "sysfs"},
	{unix.F2FS_SUPER_MAGIC, "F2FS"},
	{unix.HUGETLBFS_MAGIC, "hugetlbfs"},
	{0x2fc12fc1, "ZFS"},
	{0xca451a4e, "bcachefs"},
}

// nameless reports whether no folder has the file.
func nameless(fi os.FileInfo) bool {
	st, ok := fi.Sys().(*syscall.Stat_t)
	return !ok || st.Nlink == 0
}

// takeLease takes a read lease on fd's file. Its breaks are told to the thread
// tid, which has the signal blocked: nothing of them reaches the application.
func takeLease(fd, tid int) error {
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETSIG, leaseSignal); err != nil {
		return fmt.Errorf("F_SETSIG: %w", err)
	}
	// Before the lease is taken, which makes the whole process the owner where
	// there is none.
	if err := setOwnerThread(fd, tid); err != nil {
		return fmt.Errorf("F_SETOWN_EX: %w", err)
	}
	_, err := unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_RDLCK)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EAGAIN):
		return fmt.Errorf("somebody has it open for writing, or mapped writable: %w", err)
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return fmt.Errorf("a lease needs the owner of the file or CAP_LEASE: %w", err)
	case errors.Is(err, unix.EINVAL):
		return fmt.Errorf("leases are switched off (/proc/sys/fs/leases-enable), or not to be had on this file system: %w", err)
	}
	return fmt.Errorf("F_SETLEASE: %w", err)
}

// holdsLease reports whether the lease on fd is held and nobody waits for it:
// the kernel says F_UNLCK of one that is being broken.
func holdsLease(fd int) bool {
	n, err := unix.FcntlInt(uintptr(fd), unix.F_GETLEASE, 0)
	return err == nil && n == unix.F_RDLCK
}
