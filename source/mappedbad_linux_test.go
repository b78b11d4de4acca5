package source

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/window"
)

func TestAnEmptyMappedFile(t *testing.T) {
	_, o := guarded(t)
	name := write(t, nil)
	f := openAt(t, name, o)
	r := openSeq(t, name, o)
	if e := f.Explain(); e.Source != "mmap" || e.Guard != "read lease" || f.Size() != 0 {
		t.Errorf("explained as %v", e)
	}
	for range 2 {
		if _, err := f.ReadManagedAt(t.Context(), 0, 100); err != io.EOF {
			t.Errorf("100 bytes of an empty file: %v, want io.EOF", err)
		}
		if n, err := f.ReadAt(make([]byte, 10), 0); n != 0 || err != io.EOF {
			t.Errorf("ReadAt of an empty file: %d, %v, want io.EOF", n, err)
		}
		if w, err := r.ReadManaged(t.Context()); err != io.EOF {
			t.Errorf("a Reader of an empty file: %v, %v, want io.EOF", w, err)
		}
	}
	text := random(3 << 20)
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	wantBytes(t, r, text)
	waitGuarded(t, f, text)
	wantText(t, f, text)
	// And empty again.
	if err := os.Truncate(name, 0); err != nil {
		t.Fatal(err)
	}
	wantText(t, f, nil)
	if _, err := f.ReadManagedAt(t.Context(), 0, 100); err != io.EOF {
		t.Errorf("100 bytes of a file that was emptied: %v, want io.EOF", err)
	}
}

func TestMappedFilesOfEverySize(t *testing.T) {
	rt, o := guarded(t)
	page := os.Getpagesize()
	for _, n := range []int{1, page - 1, page, page + 1, 2<<20 - 1, 2 << 20, 2<<20 + 1, 4<<20 - page, 4 << 20, 4<<20 + 1} {
		text := random(n)
		f := openAt(t, write(t, text), o)
		for _, at := range []struct{ off, n int }{{0, n}, {0, n + 1}, {n - 1, 1}, {n - 1, 2}, {n - 1, math.MaxInt32}, {n / 2, n}} {
			w, err := f.ReadManagedAt(t.Context(), int64(at.off), at.n)
			if err != nil {
				t.Fatal(err)
			}
			want := text[at.off:min(at.off+at.n, n)]
			if !bytes.Equal(w.Bytes(), want) || cap(w.Bytes()) != len(want) || w.Info().Residency != window.Guarded {
				t.Errorf("%d bytes at %d of %d: %d, capacity %d, right %v; want %d\n%+v", at.n, at.off, n,
					w.Len(), cap(w.Bytes()), bytes.Equal(w.Bytes(), want), len(want), w.Info())
			}
			w.Release()
		}
		wantText(t, f, text)
		f.Close()
	}
	if s := rt.Stats().Guard; s.Leases != 0 || s.LockedBytes != 0 {
		t.Errorf("after Close: %+v", s)
	}
}

func TestInvalidRangesOfAMappedFile(t *testing.T) {
	_, o := guarded(t)
	text := random(3 << 20)
	name := write(t, text)
	f := openAt(t, name, o)
	read := func(off int64, n int) []error {
		w, err := f.ReadManagedAt(t.Context(), off, n)
		w.Release()
		w, err2 := f.TryReadManagedAt(t.Context(), off, n)
		w.Release()
		return []error{err, err2}
	}
	for range 2 { // before anything is loaded, and afterwards
		for _, r := range []struct {
			off int64
			n   int
		}{{-1, 1}, {0, -1}, {-1, 0}, {math.MinInt64, 1}, {math.MinInt64, math.MaxInt}, {math.MaxInt64, 1}, {math.MaxInt64 - 4, 5 + 1}, {1, math.MaxInt}} {
			for _, err := range read(r.off, r.n) {
				wantError(t, err, window.ErrRange, "read", name, r.off)
			}
		}
		for _, off := range []int64{3 << 20, 3<<20 + 1, 4 << 20, 1 << 40, math.MaxInt64 - 1} {
			for _, err := range read(off, 1) {
				if err != io.EOF {
					t.Errorf("a byte at %d: %v, want io.EOF", off, err)
				}
			}
		}
		for _, off := range []int64{0, 1, 2 << 20, 3 << 20, 1 << 40} {
			w, err := f.ReadManagedAt(t.Context(), off, 0)
			if w.Len() != 0 || err != nil {
				t.Errorf("nothing at %d: %v, %v", off, w, err)
			}
			w.Release()
		}
		w, err := f.ReadManagedAt(t.Context(), 0, 3<<20)
		if err != nil || !bytes.Equal(w.Bytes(), text) || w.Info().Residency != window.Guarded {
			t.Errorf("all of the file: %v, %v", w, err)
		}
		w.Release()
	}
}

// sparse makes a file of a TiB that is all hole, or skips.
func sparse(t *testing.T) (name string, size int64) {
	t.Helper()
	name, size = write(t, nil), 1<<40
	if err := os.Truncate(name, size); err != nil {
		t.Skip("no files of a TiB here: ", err)
	}
	return name, size
}

func TestASparseFileOfATebibyte(t *testing.T) {
	rt, o := guarded(t)
	name, size := sparse(t)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f := openAt(t, name, o)
	zeros := make([]byte, 2<<20)
	for _, off := range []int64{0, size/2 - 4096, size - 2<<20} {
		for _, n := range []int{4096, 2 << 20} {
			w, err := f.ReadManagedAt(t.Context(), off, n)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(w.Bytes(), zeros[:n]) || w.Info().Residency != window.Guarded {
				t.Errorf("%d bytes at %d: %d bytes, %+v", n, off, w.Len(), w.Info())
			}
			w.Release()
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if more := int64(after.HeapAlloc) - int64(before.HeapAlloc); more > 4<<20 {
		t.Errorf("%d bytes of heap for a sparse file", more)
	}
	if s := rt.Stats(); s.Guard.LockedBytes > leastLock || s.Memory.MappedBytes > 16<<20 {
		t.Errorf("%+v", s)
	}
	// A writer in the middle, far from what is held.
	w, err := f.ReadManagedAt(t.Context(), size-100, 100)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Release()
	if err := (thisProcess{}).do("truncate to nothing", name); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(w.Bytes(), zeros[:100]) || w.Info().Residency != window.Private {
		t.Errorf("the last bytes, after truncation: %+v", w.Info())
	}
}

// Reading a hole of a file in memory through a mapping would fill it.
func TestHolesOfAFileInMemoryStayHoles(t *testing.T) {
	_, o := guarded(t)
	text := random(2 << 20)
	name := sharedMemory(t, text)
	const size = 1 << 30
	if err := os.Truncate(name, size); err != nil {
		t.Fatal(err)
	}
	before := blocks(t, name)
	f := openAt(t, name, o)
	zeros := make([]byte, 2<<20)
	for _, off := range []int64{2 << 20, 512 << 20, size - 2<<20} {
		for _, n := range []int{4096, 2 << 20} {
			for range 2 {
				w, err := f.ReadManagedAt(t.Context(), off, n)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(w.Bytes(), zeros[:n]) || w.Info().Residency != window.Private {
					t.Errorf("a hole of %d bytes at %d: %+v", n, off, w.Info())
				}
				w.Release()
			}
		}
	}
	r := f.NewReader(&Options{Pattern: Once})
	defer r.Close()
	for r.pos < 32<<20 {
		w, err := r.ReadManaged(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w.Release()
	}
	p := make([]byte, 3<<20)
	if n, err := f.ReadAt(p, 1<<20); n != len(p) || err != nil || !bytes.Equal(p[:1<<20], text[1<<20:]) {
		t.Errorf("ReadAt across the edge of a hole: %d, %v", n, err)
	}
	waitGuarded(t, f, text) // what is no hole
	if n := blocks(t, name); n != before {
		t.Errorf("reading holes has made %d blocks of %d", n, before)
	}
}

// blocks returns how many blocks a file takes.
func blocks(t *testing.T, name string) int64 {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(name, &st); err != nil {
		t.Fatal(err)
	}
	return st.Blocks
}

func TestAFileThatAWriterChangesBeforeItIsReadFirst(t *testing.T) {
	for _, d := range deeds {
		t.Run(d.what, func(t *testing.T) {
			_, o := guarded(t)
			text := random(textBytes)
			name := write(t, text)
			f := openAt(t, name, o)
			r := openSeq(t, name, o)
			if err := (thisProcess{}).do(d.what, name); err != nil {
				t.Fatal(err)
			}
			if d.after != nil {
				text = d.after(text)
			}
			wantBytes(t, r, text)
			if len(text) == 0 {
				if _, err := f.ReadManagedAt(t.Context(), 0, 100); err != io.EOF {
					t.Errorf("a read of what was truncated: %v, want io.EOF", err)
				}
				return
			}
			waitGuarded(t, f, text)
			wantText(t, f, text)
		})
	}
}

func TestAMappedFileThatGrows(t *testing.T) {
	_, o := guarded(t)
	text := random(textBytes)
	name := write(t, text[:100])
	f := openAt(t, name, o)
	r := f.NewReader(nil)
	defer r.Close()
	at := 0
	for _, n := range []int{100, 4096, 5000, 2 << 20, 2<<20 + 1, textBytes} {
		if n > 100 {
			err := opened(name, os.O_WRONLY|os.O_APPEND, func(h *os.File) error {
				_, err := h.Write(text[at:n])
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		wantBytes(t, r, text[at:n])
		w, err := f.ReadManagedAt(t.Context(), int64(at), 2*textBytes)
		if err != nil || !bytes.Equal(w.Bytes(), text[at:n]) || f.Size() != int64(n) {
			t.Errorf("after growing to %d: %v, %v, size %d", n, w, err, f.Size())
		}
		w.Release()
		at = n
	}
	waitGuarded(t, f, text)
}

func TestAMappedFileAfterClose(t *testing.T) {
	_, o := guarded(t)
	name := write(t, random(textBytes))
	f := openAt(t, name, o)
	r := f.NewReader(nil)
	hold(t, f, random(textBytes)).release()
	f.Close()
	ctx := t.Context()
	_, err := f.ReadManagedAt(ctx, 0, 100)
	_, err2 := f.TryReadManagedAt(ctx, 0, 100)
	_, err3 := f.ReadAt(make([]byte, 10), 0)
	_, err4 := f.ReadInto(ctx, make([]byte, 10), 0)
	_, err5 := r.ReadManaged(ctx)
	_, err6 := r.TryReadManaged(ctx)
	_, err7 := r.ReadManagedAt(ctx, 0, 100)
	for i, err := range []error{err, err2, err3, err4, err5, err6, err7} {
		if !errors.Is(err, window.ErrClosed) {
			t.Errorf("read %d after Close: %v, want ErrClosed", i, err)
		}
		wantError(t, err, window.ErrClosed, "read", name, 0)
	}
	r.Close()
	if e := f.Explain(); e.Guard != "" || f.Close() != nil {
		t.Errorf("after Close it is explained as %v", e)
	}
}

func TestAMappedReadWhoseContextHasEnded(t *testing.T) {
	rt, o := guarded(t)
	text := random(textBytes)
	name := write(t, text)
	f := openAt(t, name, o)
	hold(t, f, text).release() // so that all of it is loaded
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := f.ReadManagedAt(ctx, 5, 100)
	wantError(t, err, context.Canceled, "read", name, 5)
	_, err = f.TryReadManagedAt(ctx, 5, 100)
	wantError(t, err, context.Canceled, "read", name, 5)
	_, err = f.ReadInto(ctx, make([]byte, 10), 5)
	wantError(t, err, context.Canceled, "read", name, 5)
	r := f.NewReader(nil)
	defer r.Close()
	_, err = r.ReadManaged(ctx)
	wantError(t, err, context.Canceled, "read", name, 0)
	wantBytes(t, r, text)
	_, err = Open(ctx, name, o)
	wantError(t, err, context.Canceled, "open", name, 0)
	if n := rt.Stats().Guard.Leases; n != 1 {
		t.Errorf("%d leases, want that of the File", n)
	}
	_, err = Open(t.Context(), filepath.Join(name, "below"), o)
	wantError(t, err, unix.ENOTDIR, "open", filepath.Join(name, "below"), 0)
}
