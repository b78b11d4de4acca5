package source

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/oriel-go/oriel/window"
)

// newRuntime returns a Runtime whose memory, files, threads and leases must all
// be back when the test ends.
func newRuntime(t testing.TB, l Limits) *Runtime {
	t.Helper()
	rt, err := NewRuntime(l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		var s RuntimeStats
		defer func() {
			if t.Failed() {
				t.Logf("in the end: %+v", s)
			}
		}()
		waitFor(t, "everything to be given back", func() bool {
			s = rt.Stats()
			return s.Memory.InUseBytes == 0 && s.Files == 0 && s.Threads == 0 && s.Guard.Leases == 0 && s.Guard.LockedBytes == 0
		})
		if err := rt.Close(); err != nil {
			t.Error(err)
		}
		if n := rt.Stats().Memory.MappedBytes; n != 0 {
			t.Errorf("%d bytes are mapped after Close", n)
		}
	})
	return rt
}

// random returns n bytes that are the same in every run.
func random(n int) []byte {
	p := make([]byte, n)
	rnd := rand.NewChaCha8([32]byte{1})
	rnd.Read(p)
	return p
}

// write makes a file that holds p.
func write(t testing.TB, p []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, p, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// warm has the page cache hold all of a file that write made.
func warm(t testing.TB, name string) {
	t.Helper()
	if _, err := os.ReadFile(name); err != nil {
		t.Fatal(err)
	}
}

// openAt opens what write made.
func openAt(t testing.TB, name string, o *Options) *File {
	t.Helper()
	f, err := Open(t.Context(), name, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// openSeq opens name from its beginning.
func openSeq(t testing.TB, name string, o *Options) *Reader {
	t.Helper()
	r, err := OpenReader(t.Context(), name, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// readAll reads r to its end, or to the first error, and returns what came.
func readAll(ctx context.Context, r window.Reader) (p []byte, err error) {
	for {
		w, err := r.ReadManaged(ctx)
		if err == io.EOF {
			return p, nil
		}
		if err != nil {
			return p, err
		}
		p = append(p, w.Bytes()...)
		w.Release()
	}
}

// wantBytes fails unless r yields exactly want.
func wantBytes(t testing.TB, r window.Reader, want []byte) {
	t.Helper()
	got, err := readAll(t.Context(), r)
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("read %d bytes, %v; want %d, the same ones: %v", len(got), err, len(want), bytes.Equal(got, want))
	}
}

// wantError fails unless err is a *window.Error that wraps target, names op
// and name, and says where.
func wantError(t testing.TB, err, target error, op, name string, off int64) {
	t.Helper()
	var e *window.Error
	if !errors.As(err, &e) || !errors.Is(err, target) {
		t.Errorf("error %v (%T), want a *window.Error that wraps %v", err, err, target)
		return
	}
	if e.Op != op || e.Path != name || e.Off != off {
		t.Errorf("error %q is of %q on %q at %d, want %q on %q at %d", err, e.Op, e.Path, e.Off, op, name, off)
	}
}

// waitFor waits until ok holds: for what another goroutine or the kernel is
// about to do, and the test has no way to be told of.
func waitFor(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range 10_000 {
		if ok() {
			return
		}
		<-tick.C
	}
	t.Fatalf("waited in vain for %s", what)
}

// tries reports whether something has come true in one of some tries: for what holds
// of a cached file while the machine, which may drop pages at any time, leaves it
// alone. What is broken fails every time.
func tries(ok func() bool) bool {
	for range 20 {
		if ok() {
			return true
		}
	}
	return false
}

// rangesOf makes ranges of offsets and lengths in turn.
func rangesOf(n ...int64) (r []window.Range) {
	for i := 0; i < len(n); i += 2 {
		r = append(r, window.Range{Off: n[i], Len: n[i+1]})
	}
	return r
}
