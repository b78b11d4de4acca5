package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/internal/childtest"
	"github.com/oriel-go/oriel/source/internal/plan"
	"github.com/oriel-go/oriel/window"
)

// residency returns where n bytes of f at an offset are, which must be those of
// the text, and the window.
func residency(t testing.TB, f *File, off int64, n int, text []byte) (window.Window, window.Residency) {
	t.Helper()
	w, err := f.ReadManagedAt(t.Context(), off, n)
	if err != nil {
		t.Fatal(err)
	}
	i := w.Info()
	if !bytes.Equal(w.Bytes(), text[off:off+int64(n)]) || i.Source != map[window.Residency]string{window.Guarded: "mmap", window.Private: "pread"}[i.Residency] {
		t.Errorf("at %d: other bytes, or %+v", off, i)
	}
	return w, i.Residency
}

func TestABudgetThatHeldWindowsHaveSpent(t *testing.T) {
	text := random(textBytes)
	for what, l := range map[string]Limits{
		"locked": {LockBytes: 2 << 20},
		"pinned": {LockBytes: leastLock, PinnedBytes: 2 << 20},
	} {
		t.Run(what, func(t *testing.T) {
			guarded(t)
			rt := newRuntime(t, l)
			f := openAt(t, write(t, text), &Options{Runtime: rt, Source: Mmap, Pattern: Reuse})
			first, r := residency(t, f, 0, 4096, text)
			if r != window.Guarded {
				t.Errorf("the first window is %v", r)
			}
			for range 3 {
				second, r := residency(t, f, 2<<20, 4096, text)
				if r != window.Private {
					t.Errorf("a window of another extent, while the budget is spent, is %v", r)
				}
				across, r := residency(t, f, 2<<20-10, 20, text)
				if r != window.Private {
					t.Errorf("a window across extents, while the budget is spent, is %v", r)
				}
				same, r := residency(t, f, 4096, 8192, text)
				if r != window.Guarded {
					t.Errorf("a window of the same extent is %v", r)
				}
				second.Release()
				across.Release()
				same.Release()
			}
			if !bytes.Equal(first.Bytes(), text[:4096]) || first.Info().Residency != window.Guarded {
				t.Errorf("the first window: %+v", first.Info())
			}
			if n := rt.Stats().Guard.LockedBytes; n > max(rt.Limits().LockBytes, 0) {
				t.Errorf("%d bytes are locked of %d", n, rt.Limits().LockBytes)
			}
			first.Release()
			wantText(t, f, text)
			waitFor(t, "another extent to be lent", func() bool {
				w, r := residency(t, f, 2<<20, 4096, text)
				w.Release()
				return r == window.Guarded
			})
		})
	}
}

func TestSetLimitsChangesWhatIsLocked(t *testing.T) {
	rt, o := guarded(t)
	text := random(textBytes)
	name := write(t, text)
	f := openAt(t, name, o)
	h := hold(t, f, text)
	if err := rt.SetLimits(Limits{LockBytes: -1}); err != nil {
		t.Fatal(err)
	}
	h.want("with the budget gone", window.Guarded)
	h.release()
	_, err := Open(t.Context(), name, o)
	wantError(t, err, window.ErrRefused, "open", name, 0)
	wantText(t, f, text)
	if err := rt.SetLimits(Limits{LockBytes: 2 << 20}); err != nil {
		t.Fatal(err)
	}
	g := openAt(t, name, o)
	for _, off := range []int64{0, 2 << 20, 4 << 20, 2<<20 - 5} {
		w, _ := residency(t, g, off, 10, text)
		w.Release()
	}
	f.Close() // and what it had locked is free
	waitFor(t, "an extent to be locked within the budget", func() bool {
		w, r := residency(t, g, 0, 10, text)
		w.Release()
		return r == window.Guarded
	})
	if n := rt.Stats().Guard.LockedBytes; n > 2<<20 {
		t.Errorf("%d bytes are locked", n)
	}
	if err := rt.SetLimits(Limits{LockBytes: leastLock}); err != nil {
		t.Fatal(err)
	}
	hold(t, g, text).release()
	if e := g.Explain(); e.LockBytes != leastLock || e.LockFrom != "Limits.LockBytes" {
		t.Errorf("explained as %v", e)
	}
	// All of the budget, and then the pins.
	if err := rt.SetLimits(Limits{PinnedBytes: 2 << 20}); err != nil {
		t.Fatal(err)
	}
	one := openAt(t, name, o)
	w, r := residency(t, one, 100, 100, text)
	defer w.Release()
	v, r2 := residency(t, one, 4<<20, 100, text)
	defer v.Release()
	if r != window.Guarded || r2 != window.Private {
		t.Errorf("with one extent to be pinned: %v and %v", r, r2)
	}
}

func TestAThousandMappedFiles(t *testing.T) {
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil || files.Cur < 2500 {
		t.Skipf("%d files may be open here", files.Cur)
	}
	rt, o := guarded(t)
	dir := t.TempDir()
	const n = 1000
	text := func(i int) string { return fmt.Sprintf("this is file %d", i) }
	name := func(i int) string { return filepath.Join(dir, fmt.Sprint(i)) }
	var all []*File
	for i := range n {
		if err := os.WriteFile(name(i), []byte(text(i)), 0o600); err != nil {
			t.Fatal(err)
		}
		all = append(all, openAt(t, name(i), o))
	}
	read := func(w window.Window, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer w.Release()
		return string(w.Bytes())
	}
	if s := rt.Stats(); s.Guard.Leases != n || s.Files != n {
		t.Errorf("%d leases and %d files, want %d", s.Guard.Leases, s.Files, n)
	}
	var held []window.Window
	for i, f := range all {
		w, err := f.ReadManagedAt(t.Context(), 0, 100)
		if s := read(w.Retain(), err); s != text(i) {
			t.Errorf("file %d holds %q", i, s)
		}
		held = append(held, w)
	}
	if s := rt.Stats().Guard; s.LockedBytes > leastLock {
		t.Errorf("%d bytes are locked of %d", s.LockedBytes, leastLock)
	}
	// Every one of them gets a writer.
	for i := range n {
		if err := os.WriteFile(name(i), []byte("changed"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if s := rt.Stats().Guard; s.Breaks < n {
		t.Errorf("%d breaks, want %d", s.Breaks, n)
	}
	for i, w := range held {
		if string(w.Bytes()) != text(i) {
			t.Errorf("the window of file %d has changed to %q", i, w.Bytes())
		}
		w.Release()
		if s := read(all[i].ReadManagedAt(t.Context(), 0, 100)); s != "changed" {
			t.Errorf("file %d holds %q", i, s)
		}
	}
}

// addressesRole has few addresses left: too few for the file it is told of.
func addressesRole(t *testing.T) {
	name, _ := childtest.Hear()
	guarded(t)
	var used struct{ Pages int64 }
	if b, err := os.ReadFile("/proc/self/statm"); err != nil {
		t.Fatal(err)
	} else if _, err := fmt.Sscan(string(b), &used.Pages); err != nil {
		t.Fatal(err)
	}
	limit := uint64(used.Pages)*uint64(os.Getpagesize()) + 4<<30
	if err := unix.Setrlimit(unix.RLIMIT_AS, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
		t.Fatal(err)
	}
	rt := newRuntime(t, Limits{LockBytes: leastLock})
	for _, immutable := range []bool{false, true} {
		_, err := Open(t.Context(), name, &Options{Runtime: rt, Source: Mmap, Immutable: immutable})
		wantError(t, err, window.ErrRefused, "open", name, 0)
		if !errors.Is(err, unix.ENOMEM) || !strings.Contains(err.Error(), "mmap: ") {
			t.Errorf("the error %q does not say why", err)
		}
	}
	if s := rt.Stats(); s.Guard.Leases != 0 || s.Files != 0 {
		t.Errorf("after a refusal: %+v", s)
	}
	f := openAt(t, name, &Options{Runtime: rt})
	for _, off := range []int64{0, f.Size() / 2, f.Size() - 4096} {
		w, err := f.ReadManagedAt(t.Context(), off, 4096)
		if err != nil || !bytes.Equal(w.Bytes(), make([]byte, 4096)) {
			t.Errorf("at %d: %v, %v", off, w, err)
		}
		w.Release()
	}
}

func TestAFileThatDoesNotFitIntoTheAddresses(t *testing.T) {
	guarded(t)
	name, _ := sparse(t)
	c := childtest.Start(t, "addresses")
	c.Tell(name)
	c.Good()
}

// What is being loaded ahead of a Reader that ends, goes elsewhere or is read in
// another way is given up when it is there.
func TestALoadThatItsReaderHasLeftIsGivenUp(t *testing.T) {
	text := random(planBytes)
	name := write(t, text)
	for what, leave := range map[string]func(*Reader) error{
		"close": (*Reader).Close,
		"seek":  func(r *Reader) error { return r.SeekTo(int64(len(text))) },
		"turn": func(r *Reader) error {
			r.leaveMapping()
			r.way.Store(uint32(plan.Pread))
			w, err := r.ReadManaged(context.Background())
			w.Release()
			return err
		},
	} {
		t.Run(what, func(t *testing.T) {
			rt := newRuntime(t, Limits{LockBytes: fewLocked})
			o := &Options{Runtime: rt, Source: Mmap, WindowBytes: 1 << 20}
			mapping(t, o)
			cold(t, name)
			f := openAt(t, name, o)
			r := f.NewReader(nil)
			defer r.Close()
			const off = 3 << 20 // so that the next window ends inside of an extent
			if err := r.SeekTo(off); err != nil {
				t.Fatal(err)
			}
			w, err := r.ReadManaged(t.Context())
			if err != nil || !bytes.Equal(w.Bytes(), text[off:off+int64(w.Len())]) {
				t.Fatalf("%v, %v", w, err)
			}
			w.Release()
			if err := leave(r); err != nil {
				t.Fatal(err)
			}
			waitFor(t, "nothing to be locked any more", func() bool { return rt.Stats().Guard.LockedBytes == 0 })
		})
	}
}
