package source

import (
	"bytes"
	"errors"
	"testing"

	"github.com/oriel-go/oriel/window"
	"github.com/oriel-go/oriel/window/windowtest"
)

// mapping skips a test where the test's folder cannot be guarded.
func mapping(t testing.TB, o *Options) {
	t.Helper()
	f, err := Open(t.Context(), write(t, random(100)), o)
	if errors.Is(err, window.ErrRefused) {
		t.Skip("files here cannot be guarded: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}

func TestMmapConforms(t *testing.T) {
	for name, pattern := range map[string]Pattern{"detect": Detect, "reuse": Reuse, "random": Random} {
		for what, limits := range map[string]Limits{
			"as it comes":      {},
			"much locked":      {LockBytes: 64 << 20},
			"one pinned":       {PinnedBytes: 2 << 20},
			"one extent to be": {LockBytes: 2 << 20},
		} {
			t.Run(name+"/"+what, func(t *testing.T) {
				t.Parallel()
				rt := newRuntime(t, limits)
				o := &Options{Runtime: rt, Source: Mmap, Pattern: pattern}
				mapping(t, o)
				windowtest.Run(t, windowtest.Source{
					Reader:   func(t testing.TB, p []byte) window.Reader { return cancellable{openSeq(t, write(t, p), o)} },
					ReaderAt: func(t testing.TB, p []byte) window.ReaderAt { return openAt(t, write(t, p), o) },
					HeldBytes: func() int64 {
						s := rt.Stats()
						return s.Memory.InUseBytes + int64(s.Guard.PinnedExtents)
					},
				})
			})
		}
	}
}

func TestAMappedFileIsLent(t *testing.T) {
	rt := newRuntime(t, Limits{LockBytes: 64 << 20})
	o := &Options{Runtime: rt, Source: Mmap, Pattern: Reuse}
	mapping(t, o)
	text := random(5<<20 + 123)
	f := openAt(t, write(t, text), o)
	for _, off := range []int64{0, 1, 2<<20 - 1, 4 << 20, 5<<20 + 100} {
		w, err := f.ReadManagedAt(t.Context(), off, 4096)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(w.Bytes(), text[off:min(off+4096, int64(len(text)))]) {
			t.Errorf("other bytes at %d", off)
		}
		if i := w.Info(); i.Residency != window.Guarded || i.Source != "mmap" || !i.Locked {
			t.Errorf("at %d: %+v", off, i)
		}
		w.Release()
	}
	r := f.NewReader(nil)
	defer r.Close()
	wantBytes(t, r, text)
}
