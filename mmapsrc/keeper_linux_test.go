package mmapsrc

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/internal/memlock"
	"github.com/oriel-go/oriel/window"
)

// leasing returns a Guard with the system's kernel, and a folder whose files
// can be leased.
func leasing(t *testing.T) (*Guard, string) {
	t.Helper()
	g := NewGuard(memlock.New(64<<20), 0)
	g.keeper.timings = timings{20 * time.Millisecond, 20 * time.Millisecond}
	dir := t.TempDir()
	f, err := g.Open(content(t, dir, 0, 10), Options{})
	if errors.Is(err, window.ErrRefused) {
		t.Skip("files here cannot be leased: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	t.Cleanup(func() {
		g.Close()
		eventually(t, "the keeper to end", func() bool {
			g.keeper.mu.Lock()
			defer g.keeper.mu.Unlock()
			return !g.keeper.running && g.Stats().Leases == 0 && g.account.Used() == 0
		})
	})
	return g, dir
}

// content makes the file with a number, of n bytes that tell it from others,
// and opens it.
func content(t *testing.T, dir string, number, n int) *os.File {
	t.Helper()
	name := filepath.Join(dir, strconv.Itoa(number))
	if err := os.WriteFile(name, bytes.Repeat([]byte{byte(number + 1)}, n), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func (g *Guard) mustOpen(t *testing.T, f *os.File) *File {
	t.Helper()
	s, err := g.Open(f, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func TestKeeperStartsWithALeaseAndEndsAfterTheLast(t *testing.T) {
	g, dir := leasing(t)
	running := func() bool {
		g.keeper.mu.Lock()
		defer g.keeper.mu.Unlock()
		return g.keeper.running
	}
	for range 2 {
		s := g.mustOpen(t, content(t, dir, 1, 100))
		if !running() || g.Stats().Leases != 1 {
			t.Fatal("no keeper keeps the lease")
		}
		s.Close()
		if g.Stats().Leases != 0 {
			t.Error("the lease is held after Close")
		}
		eventually(t, "the keeper to end by itself", func() bool { return !running() })
	}
}

// A storm: writers come to all files at once, while slices of each are out.
func TestManyBreaksAtOnce(t *testing.T) {
	g, dir := leasing(t)
	const files = 200
	var all []*File
	for i := range files {
		all = append(all, g.mustOpen(t, content(t, dir, i, 5000)))
	}
	var free []func()
	for i, s := range all {
		if w, err := s.Load(nil, 0, 5000, Reuse); err == nil {
			free = append(free, func() {
				if !bytes.Equal(w.Bytes(), bytes.Repeat([]byte{byte(i + 1)}, 5000)) {
					t.Errorf("the slice of file %d has changed", i)
				}
				w.Release()
			})
		} else if !errors.Is(err, errBudget) {
			t.Error(err)
		}
	}
	if len(free) < 10 {
		t.Fatalf("%d slices are out: too few to test anything", len(free))
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := i; j < files; j += 8 {
				if err := os.Truncate(filepath.Join(dir, strconv.Itoa(j)), 0); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for _, f := range free {
		f()
	}
	if s := g.Stats(); s.Breaks != files {
		t.Errorf("%+v, want %d breaks", s, files)
	}
}

// Signals that are lost, or that tell of what has long ended, cost a sweep and
// nothing else.
func TestSweepFindsWhatSignalsDidNotTell(t *testing.T) {
	g, dir := leasing(t)
	told := g.k.lease
	g.k.lease = func(fd, tid int) error {
		if err := told(fd, tid); err != nil {
			return err
		}
		// The signal of the break goes to nobody.
		_, err := unix.FcntlInt(uintptr(fd), unix.F_SETOWN, 0)
		return err
	}
	s := g.mustOpen(t, content(t, dir, 1, 5000))
	b, err := s.Load(nil, 0, 5000, Reuse)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Release()
	if err := os.Truncate(filepath.Join(dir, "1"), 0); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), bytes.Repeat([]byte{2}, 5000)) {
		t.Error("the slice has changed")
	}
	if s := g.Stats(); s.Sweeps == 0 || s.Breaks != 1 {
		t.Errorf("%+v, want a sweep and a break", s)
	}
}

// The kernel sends SIGIO where the queue of signals is full.
func TestSignalThatWasLostIsSweptFor(t *testing.T) {
	g, dir := leasing(t)
	s := g.mustOpen(t, content(t, dir, 1, 5000))
	g.keeper.mu.Lock()
	tid := g.keeper.tid
	g.keeper.mu.Unlock()
	before := g.Stats()
	if err := unix.Tgkill(unix.Getpid(), tid, unix.SIGIO); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a sweep", func() bool { s := g.Stats(); return s.LostSignals > before.LostSignals && s.Sweeps > before.Sweeps })
	if !s.Guarded() {
		t.Error("the sweep broke a lease that nobody wants")
	}
	for range 3 { // of a descriptor that is nobody's
		if err := unix.Tgkill(unix.Getpid(), tid, leaseSignal); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Truncate(filepath.Join(dir, "1"), 0); err != nil {
		t.Fatal(err)
	}
	if s.Guarded() {
		t.Error("the writer was let go on before the lease was given up")
	}
}

// The child holds the descriptors that were open without O_CLOEXEC when it was
// made; ours are not among them, and a lease is given up, not only closed.
func TestLeaseIsNotLeftToAChild(t *testing.T) {
	g, dir := leasing(t)
	s := g.mustOpen(t, content(t, dir, 1, 5000))
	b, err := s.Load(nil, 0, 5000, Reuse)
	if err != nil {
		t.Fatal(err)
	}
	cat := exec.Command("cat") // ends when its input does
	in, err := cat.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cat.Start(); err != nil {
		t.Skip("no child could be started: ", err)
	}
	if b.Bytes()[0] != 2 {
		t.Error("the slice has changed")
	}
	b.Release()
	s.Close()
	w, err := os.OpenFile(filepath.Join(dir, "1"), os.O_WRONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Errorf("a writer is held back although nobody reads: %v", err)
	} else {
		w.Close()
	}
	in.Close()
	if err := cat.Wait(); err != nil {
		t.Error(err)
	}
}

func TestDescriptorBeyondTheTableIsRefused(t *testing.T) {
	g, dir := leasing(t)
	reopen := g.k.reopen
	g.k.reopen = func(f *os.File) (*os.File, int, error) {
		r, _, err := reopen(f)
		return r, tableGroups * groupFiles, err
	}
	if _, err := g.Open(content(t, dir, 1, 100), Options{}); !errors.Is(err, window.ErrRefused) {
		t.Errorf("%v, want a refusal", err)
	}
}

// Another file put in the place of the one that was opened is not mapped.
func TestAnotherFileInItsPlaceIsRefused(t *testing.T) {
	g, dir := leasing(t)
	reopen := g.k.reopen
	other := content(t, dir, 2, 100)
	g.k.reopen = func(*os.File) (*os.File, int, error) { return reopen(other) }
	if _, err := g.Open(content(t, dir, 1, 100), Options{}); !errors.Is(err, window.ErrRefused) {
		t.Errorf("%v, want a refusal", err)
	}
	if n := g.Stats().Leases; n != 0 {
		t.Errorf("%d leases are left", n)
	}
}

// The keeper drops the ballast where no more mappings can be made.
func TestFreezeDropsTheBallast(t *testing.T) {
	k := pretended()
	k.guardOf = func(*os.File) (guardKind, error) { return leased, nil }
	k.lease = func(int, int) error { return nil }
	k.held = func(int) bool { return true }
	var dropped atomic.Bool
	k.ballast = func(n int) ([]byte, error) { return make([]byte, 1), nil }
	k.unspare = func(p []byte) { dropped.Store(dropped.Load() || len(p) == 1) }
	k.freeze = func(p, _ []byte) error {
		if !dropped.Load() {
			return errors.New("cannot allocate memory")
		}
		return nil
	}
	x := guarded(t, k, 4, 4, 4)
	defer x.get(t, 0, 10, Reuse)()
	eventually(t, "the ballast", func() bool { return x.reserve.ballast.Load() != nil })
	if !breakGuard(x.f.cur.Load()) {
		t.Error("the freeze failed in spite of the ballast")
	}
}
