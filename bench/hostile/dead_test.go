package hostile

import (
	"errors"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/bench/slowfs"
	"github.com/oriel-go/oriel/source"
	"github.com/oriel-go/oriel/window"
)

// TestHeldWindowsOutliveTheirDevice: what is held stays readable when the loop
// device under it has died and nothing of it is cached.
func TestHeldWindowsOutliveTheirDevice(t *testing.T) {
	const size = 16 << 20
	d := newDevice(t, 64<<20)
	name := filepath.Join(d.v.Dir, "file")
	write(t, name, size)
	f := open(t, name, &source.Options{Source: source.Mmap, Pattern: source.Reuse})
	var held []window.Window
	for _, off := range []int64{0, 3*extent - page, size - 100} {
		w := read(t, f, off, min(2*page, int(size-off)))
		defer w.Release()
		if i := w.Info(); i.Residency != window.Guarded || !i.Locked || i.Source != "mmap" {
			t.Errorf("at %d: %+v", off, i)
		}
		held = append(held, w)
	}

	drop := dropper(t, name)
	set(t, d.fs, slowfs.Rules{Dead: true})
	drop(5*extent, extent)
	// That is how dead it is: the same extent is there, another is not.
	_, err := f.ReadManagedAt(within(t), 5*extent, page)
	e, typed := errors.AsType[*window.Error](err)
	if !typed || !errors.Is(err, unix.EIO) || e.Path != name || e.Off != 5*extent {
		t.Errorf("reading what is not cached: %v", err)
	}
	before := majorFaults()
	for _, w := range held {
		wantContent(t, w)
	}
	if n := majorFaults() - before; n != 0 {
		t.Errorf("touching held windows waited %d times", n)
	}
	// The extents of held windows are whole, so new windows of them are too.
	again := read(t, f, extent/2, page)
	again.Release()
}
