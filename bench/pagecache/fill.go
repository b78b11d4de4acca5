package pagecache

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// CacheLarge evicts the file and caches it in large folios.
func CacheLarge(name string) error {
	if err := Evict(name); err != nil {
		return err
	}
	return KeepLarge(name)
}

// CacheSmall evicts the file and caches it in folios of one page each, in
// random order, so that they are not neighbours in memory either.
func CacheSmall(name string) error {
	if err := Evict(name); err != nil {
		return err
	}
	return KeepSmall(name)
}

// KeepLarge caches what is missing of a file in large folios, as far as they
// fit in between. A machine that takes back memory that was not used for some
// seconds drops pages at any time.
func KeepLarge(name string) error { return keep(name, readInOrder) }

// KeepSmall caches what is missing of a file in folios of one page each.
func KeepSmall(name string) error { return keep(name, readAtRandom) }

// passes is how often a file is read before it is given up: of a large file
// some is dropped again before the last of it is read.
const passes = 20

// keep reads the file until all of it is cached.
func keep(name string, read func(f *os.File) error) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	for range passes {
		share, err := Share(name)
		if err != nil || share == 1 {
			return err
		}
		if err := read(f); err != nil {
			return err
		}
	}
	share, err := Share(name)
	if err == nil && share < 1 {
		err = fmt.Errorf("cache %s: only %.4g %% stay cached", name, 100*share)
	}
	return err
}

// readInOrder reads the file from front to back, in small reads: the kernel's
// readahead makes folios of 2 MiB sooner.
func readInOrder(f *os.File) error {
	buf := make([]byte, 64<<10)
	for off := int64(0); ; {
		n, err := f.ReadAt(buf, off)
		if off += int64(n); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// readers is how many goroutines cache small folios: each waits for the device.
const readers = 32

// readAtRandom reads every page of the file, in random order.
func readAtRandom(f *os.File) error {
	// Random: the kernel reads nothing ahead, and so only what is asked for.
	if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_RANDOM); err != nil {
		return &os.PathError{Op: "fadvise", Path: f.Name(), Err: err}
	}
	fi, err := f.Stat()
	if err != nil {
		return err
	}
	page := int64(os.Getpagesize())
	order := rand.Perm(int((fi.Size() + page - 1) / page))
	var next atomic.Int64
	failed := make([]error, readers)
	var wg sync.WaitGroup
	for i := range readers {
		wg.Go(func() {
			b := make([]byte, 1) // one byte caches its page
			for {
				n := next.Add(1) - 1
				if n >= int64(len(order)) || failed[i] != nil {
					return
				}
				_, failed[i] = f.ReadAt(b, int64(order[n])*page)
			}
		})
	}
	wg.Wait()
	return errors.Join(failed...)
}
