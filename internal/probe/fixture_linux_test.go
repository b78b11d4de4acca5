package probe

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/internal/threadtest"
)

// fileOf returns a file of n random bytes in the folder of the package, because
// the temporary folder is often a tmpfs, which cannot be evicted.
func fileOf(t testing.TB, n int) *os.File {
	t.Helper()
	dir, err := os.MkdirTemp(".", ".testdata-")
	if err != nil {
		t.Skip("the folder of the package cannot be written: ", err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	f, err := os.OpenFile(filepath.Join(dir, "file"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	text := make([]byte, n)
	rand.NewChaCha8([32]byte{}).Read(text)
	if _, err := f.Write(text); err != nil {
		t.Fatal(err)
	}
	return f
}

// inMemoryFile returns a file on tmpfs.
func inMemoryFile(t testing.TB, n int) *os.File {
	t.Helper()
	const shm = "/dev/shm"
	f, err := os.CreateTemp(shm, "probe")
	if err != nil {
		t.Skip("no ", shm, " here: ", err)
	}
	t.Cleanup(func() { os.Remove(f.Name()); f.Close() })
	if _, err := f.Write(make([]byte, n)); err != nil {
		t.Fatal(err)
	}
	return f
}

func fd(f *os.File) int { return int(f.Fd()) }

// evict drops the file from the page cache.
func evict(t testing.TB, f *os.File) {
	t.Helper()
	for tries := 1; ; tries++ {
		if err := f.Sync(); err != nil { // dirty pages are not dropped
			t.Fatal(err)
		}
		if err := unix.Fadvise(fd(f), 0, 0, unix.FADV_DONTNEED); err != nil {
			t.Fatal(err)
		}
		pages, _, err := Cached(fd(f), 0, sizeOf(t, f))
		if err == nil && pages == 0 {
			return
		}
		if err != nil || tries == 3 {
			t.Skipf("this file system or kernel cannot evict: %d pages stay, %v", pages, err)
		}
		readInOrder(t, f, 0, sizeOf(t, f)) // nor are those that are still being read, which this waits for
	}
}

// whileCached has the page cache hold so many pages of f, as cache does it, and asks
// something of it then. A machine that is short of memory drops pages at any time,
// and one that runs beside others gives them back to its host: what was asked
// meanwhile says nothing, and is asked again. Asking may not cache any itself.
func whileCached(t testing.TB, f *os.File, pages int64, cache func(), ask func() error) {
	t.Helper()
	held := func() int64 {
		n, _, err := Cached(fd(f), 0, sizeOf(t, f))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before, after := int64(0), int64(0)
	for range 20 {
		cache()
		if before = held(); before != pages {
			continue
		}
		err := ask()
		if after = held(); after < pages {
			continue
		}
		if after > pages {
			t.Errorf("the page cache holds %d pages, and %d when something was asked", before, after)
		}
		if err != nil {
			t.Error(err)
		}
		return
	}
	t.Errorf("the page cache held %d pages, later %d, at the last of 20 attempts to have it hold %d", before, after, pages)
}

func sizeOf(t testing.TB, f *os.File) int64 {
	t.Helper()
	fi, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return fi.Size()
}

// readInOrder caches what [from, to) has in large folios, where there are such. It
// opens the file once more, so that the readahead begins anew.
func readInOrder(t testing.TB, f *os.File, from, to int64) {
	t.Helper()
	r, err := os.Open(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p := make([]byte, 64<<10)
	for off := from; off < to; off += int64(len(p)) {
		if _, err := r.ReadAt(p[:min(int64(len(p)), to-off)], off); err != nil {
			t.Fatal(err)
		}
	}
}

// readAtRandom caches [from, to) in folios of one page.
func readAtRandom(t testing.TB, f *os.File, from, to int64) {
	t.Helper()
	r, err := os.Open(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	// Random: the kernel reads nothing ahead, and so only what is asked for.
	if err := unix.Fadvise(fd(r), 0, 0, unix.FADV_RANDOM); err != nil {
		t.Fatal(err)
	}
	page := int64(os.Getpagesize())
	order := rand.Perm(int((to - from + page - 1) / page))
	const readers = 32 // each waits for the device
	var next, failed atomic.Int64
	var wg sync.WaitGroup
	for range readers {
		wg.Go(func() {
			b := make([]byte, 1) // one byte caches its page
			for n := next.Add(1) - 1; n < int64(len(order)); n = next.Add(1) - 1 {
				if _, err := r.ReadAt(b, from+int64(order[n])*page); err != nil {
					failed.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if n := failed.Load(); n > 0 {
		t.Fatalf("%d reads failed", n)
	}
}

// asNobody runs f in a thread that accesses files as nobody does.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can be nobody")
	}
	threadtest.Run(t, threadtest.Nobody, f)
}

// closed returns a descriptor that is none.
const closed = -1
