package stall

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/oriel-go/oriel/bench/child"
	"github.com/oriel-go/oriel/bench/slowfs"
	"github.com/oriel-go/oriel/internal/leaktest"
)

func TestMain(m *testing.M) {
	tasks := Tasks()
	maps.Copy(tasks, slowfs.Tasks())
	child.Serve(tasks)
	// A program with the race detector sleeps for a second before it exits.
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	leaktest.Main(m)
}

// TestWaysRead runs every way on a slow file for a moment: it reads the right
// bytes, each window once, and the machine is watched meanwhile.
func TestWaysRead(t *testing.T) {
	const delay = 5 * time.Millisecond
	f, err := slowfs.Mount(t.Context(), slowfs.Options{SyntheticBytes: 64 << 20})
	if errors.Is(err, slowfs.ErrUnavailable) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := f.Set(slowfs.Rules{Delay: delay}); err != nil {
		t.Fatal(err)
	}
	for _, way := range []Way{Touch, Populate, Pread, Auto} {
		for _, windowBytes := range []int{os.Getpagesize(), 2 << 20} {
			r, err := Run(Load{Way: way, File: f.Synthetic, WindowBytes: windowBytes, Goroutines: 4, Processors: 2, For: 100 * time.Millisecond})
			if err != nil {
				t.Errorf("%s, %d: %v", way, windowBytes, err)
				continue
			}
			if r.Reads < 4 || len(r.Late) == 0 || len(r.GC) == 0 || r.Seconds < 0.1 {
				t.Errorf("%s, %d: %d reads in %v s, %d timers, %d collections", way, windowBytes, r.Reads, r.Seconds, len(r.Late), len(r.GC))
			}
			if r.LoadedBefore > 0 {
				t.Errorf("%s, %d: %v of the file were cached", way, windowBytes, r.LoadedBefore)
			}
			if way == Auto && r.Bytes != int64(r.Reads)*int64(windowBytes) {
				t.Errorf("%s, %d: %d reads of %d bytes", way, windowBytes, r.Reads, r.Bytes)
			}
			if way == Auto && (r.Source != "pread" || r.Mapped != 0 || r.Why == "") {
				t.Errorf("%s on FUSE: served by %s because it is %s, %d windows mapped", way, r.Source, r.Why, r.Mapped)
			}
		}
	}
}

func TestWrongBytesAreFound(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	p := make([]byte, 1<<20)
	slowfs.Content(p, 0)
	p[300<<10] ^= 1
	if err := os.WriteFile(name, p, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, way := range []Way{Touch, Populate, Pread, Auto} {
		// It ends with the last window, and has the time to come to the wrong byte.
		if _, err := Run(Load{Way: way, File: name, WindowBytes: 4 << 10, Goroutines: 2, Processors: 2, For: time.Minute}); err == nil {
			t.Errorf("%s: a wrong byte was not found", way)
		}
	}
	if _, err := Run(Load{Way: "no such way", File: name, WindowBytes: 4 << 10, Goroutines: 1, Processors: 1}); err == nil {
		t.Error("an unknown way reads")
	}
}

func TestQuantile(t *testing.T) {
	v := []float64{5, 1, 4, 2, 3}
	for q, want := range map[float64]float64{0: 1, 0.5: 3, 0.99: 5, 1: 5} {
		if got := Quantile(v, q); got != want {
			t.Errorf("%v: %v, want %v", q, got, want)
		}
	}
	if Quantile(nil, 0.5) != 0 {
		t.Error("no values have a quantile")
	}
}
