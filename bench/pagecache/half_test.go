package pagecache

import (
	"errors"
	"io/fs"
	"os"
	"testing"
)

func TestHalves(t *testing.T) {
	const mib = halfUnit
	for _, c := range []struct {
		half     Half
		size, n  int64
		uncached int64
	}{
		{Alternate, 0, 0, 0},
		{Alternate, mib, mib, 0},
		{Alternate, 4 * mib, 4 * mib, 2 * mib},
		{Alternate, 4 * mib, 3 * mib, mib},
		{Alternate, 4 * mib, mib + 5, 5},
		{Alternate, 3*mib + 7, 3*mib + 7, mib + 7},
		{FirstHalf, 0, 0, 0},
		{FirstHalf, mib, mib, 0}, // rounded up
		{FirstHalf, 4 * mib, 4 * mib, 2 * mib},
		{FirstHalf, 4 * mib, 2 * mib, 0},
		{FirstHalf, 5 * mib, 5 * mib, 2 * mib},
	} {
		if got := c.half.Uncached(c.size, c.n); got != c.uncached {
			t.Errorf("half %d of %d: %d of the first %d are not cached, want %d", c.half, c.size, got, c.n, c.uncached)
		}
		in, out := halves(c.size, c.half)
		total := int64(0)
		for _, p := range append(in, out...) {
			total += p.n
		}
		if total != c.size {
			t.Errorf("half %d of %d: the parts have %d bytes", c.half, c.size, total)
		}
	}
	for off, want := range map[int64]bool{0: true, mib - 1: true, mib: false, 2*mib - 1: false, 2 * mib: true} {
		if got := Alternate.Caches(4*mib, off); got != want {
			t.Errorf("at %d: %v, want %v", off, got, want)
		}
	}
}

// TestKeepHalf: whatever was cached before, one half is and the other is not.
func TestKeepHalf(t *testing.T) {
	name := file(t, 5*halfUnit+100)
	if err := Evict(name); err != nil {
		t.Skip("this file system cannot evict:", err)
	}
	if err := CacheLarge(name); err != nil { // in folios that lie in both halves
		t.Fatal(err)
	}
	for _, half := range []Half{Alternate, FirstHalf, Alternate} {
		checkHalf(t, name, half)
	}
	if err := KeepSmall(name); err != nil {
		t.Fatal(err)
	}
	checkHalf(t, name, FirstHalf)
	if err := KeepHalf(name+" is not there", Alternate); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

// checkHalf keeps one half of a file and looks what is cached then. Of the half
// that is to be cached the machine may drop a page right away, so that KeepHalf has
// several tries; nobody but itself caches anything of the other.
func checkHalf(t *testing.T, name string, half Half) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	in, out := halves(fi.Size(), half)
	missing := int64(0)
	for range looks {
		if err := KeepHalf(name, half); err != nil {
			t.Fatal(err)
		}
		for _, p := range out {
			if n := absentOf(t, f, p); n != pages(p.n) {
				t.Errorf("half %d: at %d %d of %d pages are not cached", half, p.off, n, pages(p.n))
			}
		}
		missing = 0
		for _, p := range in {
			missing += absentOf(t, f, p)
		}
		if missing == 0 {
			return
		}
	}
	t.Errorf("half %d: %d pages are not cached, and never all were", half, missing)
}

func absentOf(t *testing.T, f *os.File, p part) int64 {
	t.Helper()
	n, err := absent(f, p)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
