package source

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/oriel-go/oriel/window"
)

// A promise maps a file on every system, whatever its size.
func TestImmutableFilesAreMapped(t *testing.T) {
	for _, n := range []int{1, 4095, 4096, 100_001, 5<<20 + 3} {
		rt := newRuntime(t, Limits{LockBytes: 16 << 20})
		text := random(n)
		f, err := Open(t.Context(), write(t, text), &Options{Runtime: rt, Source: Mmap, Immutable: true, Pattern: Reuse})
		if errors.Is(err, window.ErrRefused) {
			t.Skip("memory cannot be locked here: ", err)
		}
		if err != nil {
			t.Fatal(err)
		}
		w, err := f.ReadManagedAt(t.Context(), 0, n)
		if err != nil || !bytes.Equal(w.Bytes(), text) {
			t.Errorf("%d bytes: %v, %v", n, w, err)
		}
		if i := w.Info(); i.Residency != window.Trusted || i.Source != "mmap" {
			t.Errorf("%d bytes: %+v, want trusted bytes of a mapping", n, i)
		}
		w.Release()
		r := f.NewReader(nil)
		wantBytes(t, r, text)
		r.Close()
		if s := f.Stats(); s.Lent != s.Reads {
			t.Errorf("%d bytes: %d of %d reads were lent", n, s.Lent, s.Reads)
		}
		f.Close()
	}
}

func TestLimitsOfMappings(t *testing.T) {
	for _, l := range []Limits{{PinnedBytes: 1}, {PinnedBytes: 2<<20 - 1}, {PinnedBytes: -1}} {
		if _, err := NewRuntime(l); !errors.Is(err, window.ErrOption) {
			t.Errorf("%+v: %v, want window.ErrOption", l, err)
		}
	}
	for _, n := range []int64{-1, 1, 2<<20 - 1} {
		rt := newRuntime(t, Limits{LockBytes: n})
		_, err := Open(t.Context(), write(t, random(10)), &Options{Runtime: rt, Source: Mmap, Immutable: true})
		if !errors.Is(err, window.ErrRefused) || !strings.Contains(err.Error(), "Limits.LockBytes") {
			t.Errorf("with %d bytes to lock: %v, want window.ErrRefused because of Limits.LockBytes", n, err)
		}
	}
}
