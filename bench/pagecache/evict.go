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
	var left uint64
	for try := range 5 {
		time.Sleep(time.Duration(try) * 50 * time.Millisecond)
		if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
			return &os.PathError{Op: "fadvise", Path: name, Err: err}
		}
		if left, err = cachedPages(f); err != nil || left == 0 {
			return err
		}
	}
	return fmt.Errorf("evict %s: %d pages stay in the page cache", name, left)
}

// cachedPages returns how many pages of the file are cached.
func cachedPages(f *os.File) (uint64, error) {
	var st unix.Cachestat_t
	// A range of length 0 ends with the file.
	if err := unix.Cachestat(uint(f.Fd()), &unix.CachestatRange{}, &st, 0); err != nil {
		return 0, &os.PathError{Op: "cachestat", Path: f.Name(), Err: err}
	}
	return st.Cache, nil
}
