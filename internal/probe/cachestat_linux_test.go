package probe

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// needCachestat skips where the kernel has no such call.
func needCachestat(t testing.TB, f *os.File) {
	t.Helper()
	if _, _, err := Cached(fd(f), 0, 1); err != nil {
		t.Skip("cachestat, since Linux 6.5: ", err)
	}
}

func TestCached(t *testing.T) {
	page := int64(os.Getpagesize())
	f := fileOf(t, int(16*page))
	needCachestat(t, f)
	evict(t, f)
	ask := func() (err error) {
		for _, tt := range []struct {
			name            string
			off, n          int64
			pages, of, fail int64
		}{
			{name: "all", off: 0, n: 16 * page, pages: 4, of: 16},
			{name: "what is cached", off: 4 * page, n: 4 * page, pages: 4, of: 4},
			{name: "a byte of it", off: 5*page + 1, n: 1, pages: 1, of: 1},
			{name: "two bytes of two pages", off: 5*page - 1, n: 2, pages: 2, of: 2},
			{name: "across its end", off: 8*page - 1, n: 2, pages: 1, of: 2},
			{name: "what is not", off: 8 * page, n: page, pages: 0, of: 1},
			{name: "nothing", off: 4 * page, n: 0, pages: 0, of: 0},
			{name: "beyond the end", off: 15 * page, n: 3 * page, pages: 0, of: 3},
			{name: "far beyond the end", off: 1 << 50, n: page, pages: 0, of: 1},
			{name: "to the largest offset", off: 0, n: math.MaxInt64, pages: 4, of: math.MaxInt64/page + 1},
			{name: "before the beginning", off: -1, n: 1, fail: 1},
			{name: "less than nothing", off: 0, n: -1, fail: 1},
			{name: "too far", off: 1, n: math.MaxInt64, fail: 1},
		} {
			pages, of, err2 := Cached(fd(f), tt.off, tt.n)
			switch {
			case tt.fail > 0 && !errors.Is(err2, unix.EINVAL):
				err = errors.Join(err, fmt.Errorf("%s: %d of %d, %v, want EINVAL", tt.name, pages, of, err2))
			case tt.fail == 0 && (err2 != nil || pages != tt.pages || of != tt.of):
				err = errors.Join(err, fmt.Errorf("%s: %d of %d, %v, want %d of %d", tt.name, pages, of, err2, tt.pages, tt.of))
			}
		}
		return err
	}
	whileCached(t, f, 4, func() { readAtRandom(t, f, 4*page, 8*page) }, ask)
	if err := f.Truncate(6 * page); err != nil {
		t.Fatal(err)
	}
	whileCached(t, f, 2, func() { readAtRandom(t, f, 4*page, 6*page) }, func() error {
		if pages, of, err := Cached(fd(f), 0, 16*page); err != nil || pages != 2 || of != 16 {
			return fmt.Errorf("truncated: %d of %d, %v, want 2 of 16", pages, of, err)
		}
		return nil
	})
}

func TestCachedShare(t *testing.T) {
	for _, size := range []int{64 << 20, 5 << 20, 4 << 20, 4<<20 - 1, 64 << 10, 3*4096 + 1, 1} {
		f := fileOf(t, size)
		needCachestat(t, f)
		n := int64(size)
		want := func(state string, low, high float64) func() error {
			return func() error {
				if got, err := CachedShare(fd(f), n); err != nil || got < low || got > high {
					return fmt.Errorf("%d bytes, %s: %.3f, %v, want %.3f to %.3f", size, state, got, err, low, high)
				}
				return nil
			}
		}
		pages := func(n int64) int64 { return (n + int64(os.Getpagesize()) - 1) / int64(os.Getpagesize()) }
		whileCached(t, f, 0, func() { evict(t, f) }, want("evicted", 0, 0))
		if half := n / 2 / int64(os.Getpagesize()) * int64(os.Getpagesize()); half >= 1<<20 {
			whileCached(t, f, pages(half), func() { readAtRandom(t, f, 0, half) }, want("one half", 0.45, 0.55))
			evict(t, f)
			whileCached(t, f, pages(n-half), func() { readAtRandom(t, f, half, n) }, want("the other half", 0.45, 0.55))
		}
		whileCached(t, f, pages(n), func() { readAtRandom(t, f, 0, n) }, want("cached", 1, 1))
	}
}

func TestCachedShareOfOddFiles(t *testing.T) {
	empty := fileOf(t, 0)
	if s, err := CachedShare(fd(empty), 0); err != nil || s != 1 {
		t.Errorf("an empty file: %v, %v", s, err)
	}
	if s, err := CachedShare(fd(empty), -1); err == nil {
		t.Errorf("a size below 0: %v", s)
	}
	needCachestat(t, empty)
	const huge = 1 << 40
	if err := empty.Truncate(huge); err != nil {
		t.Log("no sparse files of this size: ", err)
	} else if s, err := CachedShare(fd(empty), huge); err != nil || s != 0 {
		t.Errorf("a large hole: %v, %v", s, err)
	}
	if err := empty.Truncate(0); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int64{1, 1 << 20, huge, math.MaxInt64} {
		if s, err := CachedShare(fd(empty), size); err != nil || s != 0 {
			t.Errorf("an empty file that had %d bytes: %v, %v", size, s, err)
		}
	}
	m := inMemoryFile(t, 1<<20)
	if s, err := CachedShare(fd(m), 1<<20); err != nil || s != 1 {
		t.Errorf("a file of tmpfs: %v, %v", s, err)
	}
	proc, err := os.Open("/proc/self/status")
	if err != nil {
		t.Skip("no /proc here: ", err)
	}
	defer proc.Close()
	if s, err := CachedShare(fd(proc), 1000); err != nil || s != 0 {
		t.Errorf("a file of /proc: %v, %v", s, err)
	}
}

func TestFilesOfOthers(t *testing.T) {
	const size = 64 << 20
	f := fileOf(t, size)
	needCachestat(t, f)
	if ok, err := NoWait(fd(f)); err != nil || !ok {
		t.Skip("this file system cannot read without waiting: ", err)
	}
	r, err := os.Open(f.Name()) // f may be written
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	asNobody(t, func() {
		if _, _, err := Cached(fd(r), 0, size); err == nil {
			t.Log("this kernel tells everybody")
		} else if !errors.Is(err, unix.EPERM) {
			t.Errorf("Cached = %v, want EPERM", err)
		}
	})
	// Each question may start a read, and where that ends before the kernel looks, the
	// page is cached.
	for range 3 {
		evict(t, f)
		err = nil
		asNobody(t, func() {
			if s, err2 := CachedShare(fd(r), size); err2 != nil || s != 0 {
				err = fmt.Errorf("evicted: %v, %v", s, err2)
			}
			if _, err2 := LargeFolios(fd(r), size/2, size); !errors.Is(err2, ErrNotCached) {
				err = errors.Join(err, fmt.Errorf("LargeFolios of what is not cached: %v", err2))
			}
		})
		if err == nil {
			break
		}
	}
	if err != nil {
		t.Error(err)
	}
	pages := int64(size / os.Getpagesize())
	// asked returns what nobody is told of what is cached, in folios as they are said to be.
	asked := func(folios bool) (err error) {
		asNobody(t, func() {
			if s, err2 := CachedShare(fd(r), size); err2 != nil || s != 1 {
				err = fmt.Errorf("cached: %v, %v", s, err2)
			}
			if large, err2 := LargeFolios(fd(r), size/4*3, size); err2 != nil || large != folios {
				err = errors.Join(err, fmt.Errorf("large folios: %v, %v, want %v", large, err2, folios))
			}
		})
		return err
	}
	whileCached(t, f, pages, func() { readAtRandom(t, f, 0, size) }, func() error { return asked(false) })
	evict(t, f)
	whileCached(t, f, pages, func() { readInOrder(t, f, 0, size) }, func() error {
		huge, err := LargeFolios(fd(r), size/4*3, size) // as the owner
		if err != nil {
			return err
		}
		return asked(huge)
	})
}

func TestNothingTellsOnTmpfs(t *testing.T) {
	f := inMemoryFile(t, 4<<20)
	needCachestat(t, f)
	if ok, err := NoWait(fd(f)); err != nil || ok {
		t.Skip("this kernel reads from tmpfs without waiting: ", err)
	}
	r, err := os.Open(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	asNobody(t, func() {
		if _, _, err := Cached(fd(r), 0, 1); err == nil {
			return // this kernel tells everybody
		}
		for _, ask := range []func() error{
			func() error { _, err := CachedShare(fd(r), 4<<20); return err },
			func() error { _, err := LargeFolios(fd(r), 0, 4<<20); return err },
		} {
			if err := ask(); !errors.Is(err, unix.EPERM) || !errors.Is(err, unix.EOPNOTSUPP) {
				t.Errorf("%v, want EPERM and EOPNOTSUPP", err)
			}
		}
	})
}

func TestPlacesAreSpread(t *testing.T) {
	page := int64(os.Getpagesize())
	for _, last := range []int64{0, 1, page - 1, page, 100 * page, math.MaxInt64 - sampleBytes, math.MaxInt64 - 1} {
		for _, n := range []int64{1, 2, peeks, samples} {
			before := int64(-1)
			for i := range n {
				off := spread(i, n, last)
				if off%page != 0 || off < 0 || off > last || off < before || i == 0 && off != 0 {
					t.Errorf("place %d of %d up to %d is %d after %d", i, n, last, off, before)
				}
				before = off
			}
			if n > 1 && before != last/page*page {
				t.Errorf("the last of %d places up to %d is %d", n, last, before)
			}
		}
	}
}

func TestFlags(t *testing.T) {
	m := inMemoryFile(t, 1)
	for _, ask := range []func(int) (bool, error){NoWait, DontCache} {
		for _, size := range []int{0, 1, 1 << 20} {
			f := fileOf(t, size)
			needCachestat(t, f)
			evict(t, f)
			if _, err := f.Seek(int64(size), io.SeekStart); err != nil {
				t.Fatal(err)
			}
			first, err := ask(fd(f))
			if err != nil {
				t.Error(err)
			}
			if again, err := ask(fd(f)); err != nil || again != first {
				t.Errorf("%v, and then %v, %v", first, again, err)
			}
			if pages, _, err := Cached(fd(f), 0, int64(size)); err != nil || pages != 0 {
				t.Errorf("the question brought %d pages in, %v", pages, err)
			}
			if at, err := f.Seek(0, io.SeekCurrent); err != nil || at != int64(size) {
				t.Errorf("the position is now %d, %v", at, err)
			}
		}
		if _, err := ask(fd(m)); err != nil {
			t.Errorf("on tmpfs: %v", err)
		}
	}
	if ok, err := NoWait(fd(fileOf(t, 1))); err == nil && !ok {
		t.Log("this file system cannot read without waiting")
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if _, err := NoWait(fd(r)); !errors.Is(err, unix.ESPIPE) {
		t.Errorf("a pipe: %v, want ESPIPE", err)
	}
}
