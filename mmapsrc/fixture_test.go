package mmapsrc

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/oriel-go/oriel/internal/memlock"
)

// pretended returns a kernel that maps files, of which nothing is populated,
// locked or guarded: for tests of what goes on above it.
func pretended() kernel {
	k := systemKernel()
	k.probe = func() error { return nil }
	k.guardOf = func(*os.File) (guardKind, error) { return sealed, nil }
	k.populate = func([]byte) error { return nil }
	k.lock = func([]byte) error { return nil }
	k.unlock = func([]byte) error { return nil }
	k.drop = func([]byte) {}
	k.cached = func(*os.File, int64, int64) (bool, bool) { return true, true }
	k.need = func(*os.File, int64, int64) {}
	k.fills = func(*os.File) bool { return false }
	k.dense = func(*os.File, int64, int64) bool { return true }
	k.spare = func(n int, _ bool) ([]byte, error) { return make([]byte, n), nil }
	k.unspare = func([]byte) {}
	k.ballast = func(n int) ([]byte, error) { return make([]byte, n), nil }
	k.freeze = func(p, spare []byte) error { return nil }
	k.unlease = func(int) {}
	return k
}

// sparse makes a file of n bytes, all of them holes, and opens it.
func sparse(t testing.TB, n int64) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if err := f.Truncate(n); err != nil {
		t.Fatal(err)
	}
	r, err := os.Open(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	t.Cleanup(func() { r.Close() })
	return r
}

// A fixture is a Guard and a File of it, which must have given everything back
// when the test ends.
type fixture struct {
	*Guard
	f *File
}

// guarded opens a file of so many extents with kernel k, a budget of lock and
// pins for so many.
func guarded(t testing.TB, k kernel, extents, lock, pins int64) fixture {
	t.Helper()
	account := memlock.New(lock << extentShift)
	g := newGuard(k, account, pins<<extentShift)
	f, err := g.Open(sparse(t, extents<<extentShift), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		f.Close()
		g.Close()
		eventually(t, "everything to be given back", func() bool {
			f.mu.Lock()
			defer f.mu.Unlock()
			return account.Used() == 0 && len(g.list) == 0 && len(f.all) == 0
		})
	})
	return fixture{g, f}
}

// breakGuard does what the keeper does when a writer comes. It reports whether
// the mapping could be frozen.
func breakGuard(m *mapping) bool {
	return m.phase.CompareAndSwap(live, freezing) && m.freeze()
}

// get loads or lends n bytes at off and fails if that cannot be.
func (x fixture) get(t testing.TB, off int64, n int, u Use) (free func()) {
	t.Helper()
	w, err := x.f.Load(nil, off, n, u)
	if err != nil {
		t.Fatalf("loading %d bytes at %d: %v", n, off, err)
	}
	if p := w.Bytes(); len(p) != n || cap(p) != n || w.Off() != off {
		t.Fatalf("loading %d bytes at %d gave %v, %d of %d", n, off, w, len(p), cap(p))
	}
	return w.Release
}

// eventually waits until ok holds: for what another goroutine is about to do,
// and the test has no way to be told of.
func eventually(t testing.TB, what string, ok func() bool) {
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
