package readers

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/oriel-go/oriel/bench/child"
	"github.com/oriel-go/oriel/bench/data"
	"github.com/oriel-go/oriel/bench/pagecache"
	"github.com/oriel-go/oriel/internal/leaktest"
	"github.com/oriel-go/oriel/source"
	"github.com/oriel-go/oriel/window"
)

func TestMain(m *testing.M) {
	child.Serve(Tasks())
	// A program with the race detector sleeps for a second before it exits.
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	leaktest.Main(m)
}

const (
	blockBytes = 4 << 10
	blocks     = 1000
)

// cold returns a file of random bytes that is not cached, beside the package
// because the temporary folder is often a tmpfs.
func cold(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(".", ".testdata-")
	if err != nil {
		t.Skip("the folder of the package cannot be written:", err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	name, err := data.Store{Dir: dir}.Random(blocks * blockBytes)
	if err != nil {
		t.Fatal(err)
	}
	evict(t, name)
	return name
}

func evict(t *testing.T, name string) {
	t.Helper()
	if err := pagecache.Evict(name); err != nil {
		t.Skip("files cannot be evicted here:", err)
	}
}

// ringing skips a test where a file cannot be read through the ring, past the
// page cache.
func ringing(t *testing.T, name string) {
	t.Helper()
	rt, err := source.NewRuntime(source.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Close()
	f, err := source.Open(t.Context(), name, &source.Options{Runtime: rt, Source: source.Uring, Direct: source.DirectAlways})
	if errors.Is(err, window.ErrRefused) {
		t.Skip("no ring here:", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestWaysRead runs every way on a small file to its end: every block is read
// once, by what the way says.
func TestWaysRead(t *testing.T) {
	name := cold(t)
	for what, l := range map[string]Load{
		"pread":         {Way: Pread, Goroutines: 4},
		"managed":       {Way: Managed, Goroutines: 4},
		"busy":          {Way: Managed, Goroutines: 2, Busy: true},
		"many":          {Way: Managed, Goroutines: 200, Watch: true, MemoryBytes: 1 << 20},
		"queue":         {Way: Queue, Goroutines: 1, Depth: 16, Together: 4},
		"queue, single": {Way: Queue, Goroutines: 1, Depth: 1},
	} {
		for _, direct := range []bool{true, false} {
			if !direct {
				what += ", buffered"
			}
			t.Run(what, func(t *testing.T) {
				if l.Way != Pread {
					ringing(t, name)
				}
				evict(t, name)
				l.File, l.BlockBytes, l.Direct, l.Seed = name, blockBytes, direct, 5
				want := blocks
				if !direct { // what is left of it the kernel reads ahead
					want, l.Most = blocks/10, blocks/10
				}
				r, err := Run(l)
				if err != nil {
					t.Fatal(err)
				}
				all := 0
				for _, n := range r.Each {
					all += n
				}
				if r.Reads != want || all != want || len(r.Each) != l.Goroutines {
					t.Errorf("%d reads, %v", r.Reads, r.Each)
				}
				if r.Seconds <= 0 || r.CPUSeconds <= 0 || r.Threads < 1 || r.PeakRSSBytes <= 0 || (r.Units > 0) != l.Busy {
					t.Errorf("%+v", r)
				}
				if l.Watch && (r.WindowBytes <= 0 || r.WindowBytes > l.MemoryBytes) {
					t.Errorf("%d bytes of memory, of %d", r.WindowBytes, l.MemoryBytes)
				}
			})
		}
	}
}

func TestTimeIsAnEnd(t *testing.T) {
	name := cold(t)
	r, err := Run(Load{Way: Pread, File: name, BlockBytes: blockBytes, Direct: true, Goroutines: 1, For: 5 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if r.Reads == 0 || r.Reads == blocks && r.Seconds > 0.005 {
		t.Errorf("%d reads in %v s", r.Reads, r.Seconds)
	}
	evict(t, name)
	if r, err = Run(Load{Way: Pread, File: name, BlockBytes: blockBytes, Direct: true, Goroutines: 3, Most: 10}); err != nil || r.Reads != 10 {
		t.Errorf("%d reads of 10, %v", r.Reads, err)
	}
}

func TestWhatIsWorthlessIsFound(t *testing.T) {
	name := cold(t)
	if _, err := Run(Load{Way: Pread, File: name, BlockBytes: blockBytes, Goroutines: 2}); err != nil {
		t.Fatal(err)
	}
	for want, l := range map[string]Load{
		"are not in":             {Way: Pread, File: name, BlockBytes: blockBytes, Goroutines: 1, Most: blocks + 1},
		"no way":                 {Way: "no such way", File: name, BlockBytes: blockBytes, Goroutines: 1},
		"one goroutine uses":     {Way: Queue, File: name, BlockBytes: blockBytes, Goroutines: 2},
		"no such file":           {Way: Pread, File: filepath.Join(t.TempDir(), "missing"), BlockBytes: blockBytes, Goroutines: 1},
		"are not in 10240 bytes": {Way: Pread, File: small(t), BlockBytes: 64 << 10, Goroutines: 1},
	} {
		if _, err := Run(l); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want one with %q", err, want)
		}
	}
}

// TestCachedIsFound: a file that is cached is not taken for a cold one. The machine
// may drop what was cached before the run looks, and so it has some tries.
func TestCachedIsFound(t *testing.T) {
	name := cold(t)
	const want, tries = "were cached before", 3
	var err error
	for range tries {
		if err := pagecache.KeepLarge(name); err != nil {
			t.Fatal(err)
		}
		if _, err = Run(Load{Way: Pread, File: name, BlockBytes: blockBytes, Goroutines: 2}); err != nil && strings.Contains(err.Error(), want) {
			return
		}
	}
	t.Errorf("the error is %v, want one with %q", err, want)
}

// TestTheFirstBlockIsLate: however short the time is, something is read in it, and
// nothing more when it is over.
func TestTheFirstBlockIsLate(t *testing.T) {
	w := &work{offs: make([]int64, 3), lasts: time.Nanosecond, began: time.Now().Add(-time.Hour)}
	if i, ok := w.take(); i != 0 || !ok {
		t.Errorf("block %d, %v", i, ok)
	}
	if i, ok := w.take(); ok {
		t.Errorf("block %d when the time is over", i)
	}
}

func small(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "small")
	if err := os.WriteFile(name, make([]byte, 10<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestJudge has every fault that a run can have.
func TestJudge(t *testing.T) {
	good := Result{Reads: 1000, Bytes: 1000 * blockBytes, Ringed: 1000, DeviceBytes: 1000 * blockBytes}
	l := Load{Way: Managed, BlockBytes: blockBytes, Direct: true}
	if err := l.judge(&good); err != nil {
		t.Error(err)
	}
	for what, change := range map[string]func(*Result){
		"nothing":           func(r *Result) { r.Reads = 0 },
		"cached before":     func(r *Result) { r.CachedBefore = 0.001 },
		"cached afterwards": func(r *Result) { r.CachedAfter = 0.001 },
		"from the cache":    func(r *Result) { r.DeviceBytes /= 2 },
		"bytes lost":        func(r *Result) { r.Bytes-- },
		"not by the ring":   func(r *Result) { r.Ringed-- },
	} {
		r := good
		change(&r)
		if err := l.judge(&r); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	buffered := l
	buffered.Direct = false
	few := good
	few.Ringed, few.CachedAfter = 400, 0.9
	if err := buffered.judge(&few); err != nil || few.RingedShare() != 0.4 {
		t.Errorf("%v, %v", few.RingedShare(), err)
	}
}

func TestWrongBytesAreFound(t *testing.T) {
	f, err := os.Open(small(t))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	l := Load{BlockBytes: 1 << 10}
	w, err := l.newWork(10 << 10)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.check(f, l.BlockBytes, len(w.offs)); err != nil {
		t.Errorf("zeros: %v", err)
	}
	w.words[3] = 1
	if err := w.check(f, l.BlockBytes, len(w.offs)); err == nil {
		t.Error("a wrong word is not found")
	}
}

func TestSpread(t *testing.T) {
	r := Result{Reads: 15, Each: []int{5, 1, 4, 2, 3}, Seconds: 3}
	if r.Evenness() != 0.2 || r.Quantile(0) != 1 || r.Quantile(0.5) != 3 || r.Quantile(1) != 5 || r.Rate() != 5 {
		t.Errorf("%v, %v, %v", r.Evenness(), r.Quantile(0.5), r.Rate())
	}
	if idle := (&Result{Each: []int{0, 0}}); idle.Evenness() != 0 {
		t.Errorf("of nothing: %v", idle.Evenness())
	}
}
