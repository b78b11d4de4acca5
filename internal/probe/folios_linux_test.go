package probe

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// looks is how often TestLargeFolios looks at each state. 200 were used for the
// figures in the comment of LargeFolios.
var looks = flag.Int("looks", 200, "how often TestLargeFolios looks at a file")

// TestLargeFolios looks at a file that was read from front to back and at one that
// was read at random.
func TestLargeFolios(t *testing.T) {
	const size = 64 << 20
	f := fileOf(t, size)
	needCachestat(t, f)
	evict(t, f)
	if _, err := LargeFolios(fd(f), size/2, size); !errors.Is(err, ErrNotCached) {
		t.Errorf("evicted: %v, want ErrNotCached", err)
	}
	for _, tt := range []struct {
		state string
		cache func()
		want  bool
	}{
		{"read from front to back", func() { readInOrder(t, f, 0, size) }, true},
		{"read at random", func() { readAtRandom(t, f, 0, size) }, false},
	} {
		t.Run(tt.state, func(t *testing.T) {
			a := answers{gone: *looks}
			for tries := 0; tries < 5 && 2*a.gone > *looks; tries++ {
				evict(t, f)
				tt.cache()
				// With each reading anew: where there is no memory in pieces so large, or
				// the machine has dropped a part meanwhile, another may fare better.
				if !tt.want || allHuge(t, f, size/2, size) {
					a = lookAt(t, f, size, tt.want)
				}
			}
			if len(a.took) == 0 {
				t.Skip("reading from front to back makes no huge folios here, or not everywhere: the device's read-ahead is below 2 MiB, or no multiple of it")
			}
			t.Logf("%d of %d answers wrong, %d not cached any more; median %v, 99 %% %v",
				a.wrong, *looks, a.gone, a.took[len(a.took)/2], a.took[len(a.took)*99/100])
			if a.wrong*100 > *looks || 2*a.gone > *looks {
				t.Errorf("%d of %d answers are wrong, %d are none", a.wrong, *looks, a.gone)
			}
		})
	}
}

// allHuge reports whether each block of [from, to) is mapped by one entry.
func allHuge(t *testing.T, f *os.File, from, to int64) bool {
	t.Helper()
	for at := from; at < to; at += hugeBytes {
		if huge, err := mappedHuge(fd(f), at, at); err != nil {
			t.Fatal(err)
		} else if !huge {
			return false
		}
	}
	return true
}

// An answers is what looks came to.
type answers struct {
	wrong int
	gone  int // the machine had dropped what was looked at
	took  []time.Duration
}

// lookAt asks how the last half of a file is cached: before it the folios may still
// grow.
func lookAt(t *testing.T, f *os.File, size int64, want bool) (a answers) {
	t.Helper()
	for i := range *looks {
		off := size/2 + int64(i)*7919<<12%(size/2)
		begin := time.Now()
		large, err := LargeFolios(fd(f), off, size)
		a.took = append(a.took, time.Since(begin))
		switch {
		case errors.Is(err, ErrNotCached):
			a.gone++
		case err != nil:
			t.Fatal(err)
		case large != want:
			a.wrong++
		}
	}
	slices.Sort(a.took)
	return a
}

// TestLargeFoliosReadNothing has the file be the same in the page cache after the
// question as before.
func TestLargeFoliosReadNothing(t *testing.T) {
	const size = 4 * hugeBytes
	f := fileOf(t, size)
	needCachestat(t, f)
	evict(t, f)
	cache := func() { readAtRandom(t, f, hugeBytes, hugeBytes*3/2) }
	// That as many pages are held afterwards is half of what is asked.
	whileCached(t, f, int64(hugeBytes/2/os.Getpagesize()), cache, func() (err error) {
		for _, tt := range []struct {
			name string
			off  int64
			want error
		}{
			{"what is not cached", 0, ErrNotCached},
			{"what is half cached", hugeBytes, nil},
			{"the rest of it", 2*hugeBytes - 1, nil},
			{"the end", size, ErrNotCached},
			{"beyond the end", 1 << 60, ErrNotCached},
			{"before the beginning", -1, ErrNotCached},
		} {
			large, err2 := LargeFolios(fd(f), tt.off, size)
			if large || !errors.Is(err2, tt.want) {
				err = errors.Join(err, fmt.Errorf("%s: %v, %v, want %v", tt.name, large, err2, tt.want))
			}
		}
		return err
	})
}

func TestLargeFoliosOfOddFiles(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if _, err := LargeFolios(fd(r), 0, 1<<30); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a pipe: %v, want errors.ErrUnsupported", err)
	}
	for _, size := range []int{0, 1, hugeBytes - 1} {
		f := fileOf(t, size)
		for _, said := range []int64{int64(size), 1 << 40} {
			if _, err := LargeFolios(fd(f), 0, said); !errors.Is(err, ErrTooSmall) {
				t.Errorf("%d bytes, said to be %d: %v, want ErrTooSmall", size, said, err)
			}
		}
	}
	f := fileOf(t, hugeBytes+1)
	needCachestat(t, f)
	if _, err := LargeFolios(fd(f), 0, 1); !errors.Is(err, ErrTooSmall) {
		t.Errorf("said to be a byte: %v, want ErrTooSmall", err)
	}
	_, err = LargeFolios(fd(f), hugeBytes, hugeBytes+1) // just written, so cached
	for tries := 0; tries < 10 && errors.Is(err, ErrNotCached); tries++ {
		readInOrder(t, f, 0, hugeBytes+1) // the machine had dropped it
		_, err = LargeFolios(fd(f), hugeBytes, hugeBytes+1)
	}
	if err != nil {
		t.Errorf("the end of a file with a part of a block: %v", err)
	}
	if err := f.Truncate(1 << 40); err != nil {
		t.Log("no sparse files of this size: ", err)
	} else if _, err := LargeFolios(fd(f), 1<<39, 1<<40); !errors.Is(err, ErrNotCached) {
		t.Errorf("a hole: %v, want ErrNotCached", err)
	}
	w2, err := os.OpenFile(f.Name(), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w2.Close()
	if _, err := LargeFolios(fd(w2), 0, hugeBytes); !errors.Is(err, unix.EACCES) {
		t.Errorf("a file open for writing only: %v, want EACCES", err)
	}
	m := inMemoryFile(t, 2*hugeBytes)
	if _, err := LargeFolios(fd(m), 0, 2*hugeBytes); err != nil {
		t.Errorf("a file of tmpfs: %v", err)
	}
}

// TestTruncatedUnderTheMapping has the file end between the questions about it and
// the mapping, which is an error and no signal.
func TestTruncatedUnderTheMapping(t *testing.T) {
	for _, f := range []*os.File{fileOf(t, 2*hugeBytes), inMemoryFile(t, 2*hugeBytes)} {
		for _, left := range []int64{0, hugeBytes, hugeBytes + 4096} {
			if err := f.Truncate(2 * hugeBytes); err != nil {
				t.Fatal(err)
			}
			readInOrder(t, f, 0, 2*hugeBytes)
			if err := f.Truncate(left); err != nil {
				t.Fatal(err)
			}
			if large, err := mappedHuge(fd(f), hugeBytes, 0); large || !errors.Is(err, unix.EFAULT) {
				t.Errorf("%s: %d bytes left: %v, %v, want EFAULT", f.Name(), left, large, err)
			}
		}
	}
}

// TestTruncatedMeanwhile has somebody truncate and fill the file all the time.
func TestTruncatedMeanwhile(t *testing.T) {
	const size = 2 * hugeBytes
	f := fileOf(t, size)
	needCachestat(t, f)
	text := make([]byte, size)
	stop, done := make(chan struct{}), make(chan error)
	go func() {
		for {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			err := f.Truncate(0)
			if err == nil {
				_, err = f.WriteAt(text, 0)
			}
			if err != nil {
				done <- err
				return
			}
		}
	}()
	for range 500 {
		_, err := LargeFolios(fd(f), hugeBytes, size)
		switch {
		case err == nil, errors.Is(err, ErrNotCached), errors.Is(err, ErrTooSmall), errors.Is(err, unix.EFAULT):
		default:
			t.Error(err)
		}
	}
	close(stop)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestBlocksBeside has a block of small folios lie beside one of a huge folio, as
// read-ahead leaves them whose size is no multiple of theirs.
func TestBlocksBeside(t *testing.T) {
	const size, huge, small = 64 << 20, 48 << 20, 48<<20 + hugeBytes
	f := fileOf(t, size)
	needCachestat(t, f)
	for tries := 1; ; tries++ {
		smallAfterHuge(t, f, huge)
		large, err := LargeFolios(fd(f), small, size)
		if err == nil && large {
			return
		}
		// The machine may drop either at any time, and then that is the answer.
		pages, of, err2 := Cached(fd(f), small, hugeBytes)
		if err2 != nil {
			t.Fatal(err2)
		}
		if there := pages == of && allHuge(t, f, huge, small); there || tries == 10 {
			t.Fatalf("beside a huge folio, try %d: %v, %v", tries, large, err)
		}
	}
}

// smallAfterHuge has the block at an offset be cached in a huge folio, and the one
// after it in small ones. It skips where that cannot be.
func smallAfterHuge(t *testing.T, f *os.File, at int64) {
	t.Helper()
	size, next := sizeOf(t, f), at+hugeBytes
	evict(t, f)
	readInOrder(t, f, 0, size)
	if !allHuge(t, f, at, next+hugeBytes) {
		t.Skip("reading from front to back makes no huge folios here, or not everywhere")
	}
	if err := unix.Fadvise(fd(f), next, hugeBytes, unix.FADV_DONTNEED); err != nil {
		t.Fatal(err)
	}
	if large, err := LargeFolios(fd(f), next, size); !errors.Is(err, ErrNotCached) {
		t.Skip("a folio cannot be evicted alone here: ", large, err)
	}
	readAtRandom(t, f, next, next+hugeBytes)
	if allHuge(t, f, next, next+hugeBytes) {
		t.Fatal("small folios are mapped by one entry")
	}
}

func TestWhichBlockIsBeside(t *testing.T) {
	for off, want := range map[int64]int64{0: hugeBytes, hugeBytes: 0, 2 * hugeBytes: hugeBytes} {
		if got := besideBlock(off, 3*hugeBytes); got != want {
			t.Errorf("the block beside %d is %d, want %d", off, got, want)
		}
	}
	if got := besideBlock(0, 2*hugeBytes-1); got != 0 {
		t.Errorf("the only block is beside %d", got)
	}
}

func TestWholeBlocks(t *testing.T) {
	for _, tt := range []struct{ off, size, want int64 }{
		{0, hugeBytes, 0},
		{hugeBytes, hugeBytes, 0},
		{hugeBytes - 1, 2 * hugeBytes, 0},
		{hugeBytes, 2 * hugeBytes, hugeBytes},
		{hugeBytes, 2*hugeBytes - 1, 0},
		{-5, 2 * hugeBytes, 0},
		{1<<63 - 1, 1<<63 - 1, 1<<63 - 2*hugeBytes},
	} {
		if got, err := wholeBlock(tt.off, tt.size); err != nil || got != tt.want {
			t.Errorf("of %d bytes at %d: %d, %v, want %d", tt.size, tt.off, got, err, tt.want)
		}
	}
	if _, err := wholeBlock(0, hugeBytes-1); !errors.Is(err, ErrTooSmall) {
		t.Errorf("a small file: %v", err)
	}
}
