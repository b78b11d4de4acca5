package pagecache

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Evict drops the file from the page cache and returns an error if some of it
// stays: pages that somebody has mapped or locked do.
func Evict(name string) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	// Dirty pages are not dropped.
	if err := f.Sync(); err != nil {
		return err
	}
	left, err := Drop(f, 0, 0)
	if err == nil && left > 0 {
		err = fmt.Errorf("evict %s: %d pages stay in the page cache", name, left)
	}
	return err
}

// dropPatience is how long it is tried to drop a file: a page that is still being
// read, because somebody gave the read up or because the kernel reads ahead, can
// be dropped when it has come, and a device may stand still for a second or more.
const dropPatience = 10 * time.Second

// Drop drops n bytes at off of an open file from the page cache, or all from there
// for 0, also what is just being read. It returns how many pages stay, such as those
// that somebody has mapped or locked, or that are dirty.
func Drop(f *os.File, off, n int64) (pages uint64, err error) {
	return dropRange(f, off, n, dropPatience)
}

// longestPause is the longest between two tries to drop something.
const longestPause = 100 * time.Millisecond

// dropRange is Drop that tries again for as long as it may take.
func dropRange(f *os.File, off, n int64, patience time.Duration) (pages uint64, err error) {
	began := time.Now()
	for pause := time.Millisecond; ; pause = min(2*pause, longestPause) {
		if err := unix.Fadvise(int(f.Fd()), off, n, unix.FADV_DONTNEED); err != nil {
			return 0, &os.PathError{Op: "fadvise", Path: f.Name(), Err: err}
		}
		if pages, err = cachedPages(f, off, n); err != nil || pages == 0 {
			return pages, err
		}
		if time.Since(began) >= patience || inMemory(f) {
			return pages, nil
		}
		time.Sleep(pause)
	}
}

// inMemory reports whether a file is on a tmpfs: it lies in the page cache and
// nowhere else, so that nothing of it is ever dropped.
func inMemory(f *os.File) bool {
	var st unix.Statfs_t
	return unix.Fstatfs(int(f.Fd()), &st) == nil && st.Type == unix.TMPFS_MAGIC
}

// cachedPages returns how many pages are cached of the n bytes at off, or of all
// from there for 0.
func cachedPages(f *os.File, off, n int64) (uint64, error) {
	var st unix.Cachestat_t
	// A range of length 0 ends with the file.
	r := unix.CachestatRange{Off: uint64(off), Len: uint64(n)}
	if err := unix.Cachestat(uint(f.Fd()), &r, &st, 0); err != nil {
		return 0, &os.PathError{Op: "cachestat", Path: f.Name(), Err: err}
	}
	return st.Cache, nil
}
