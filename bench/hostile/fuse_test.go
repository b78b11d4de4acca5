package hostile

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/bench/slowfs"
	"github.com/oriel-go/oriel/source"
	"github.com/oriel-go/oriel/window"
)

// TestShortReadsAreContinued: a file system that brings less than it is asked
// for is read to its end.
func TestShortReadsAreContinued(t *testing.T) {
	fuse := mounted(t, slowfs.Options{SyntheticBytes: treeBytes})
	set(t, fuse, slowfs.Rules{ShortBytes: 100_000})
	f := open(t, fuse.Synthetic, &source.Options{})
	w := read(t, f, 12345, 1<<20)
	w.Release()
	if n, err := readAll(t, f); n != treeBytes || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
}

// TestFailuresOfAnUnguardedMapping: a promise (Immutable) is no guard against
// the device. What cannot be read is an error and no SIGBUS, and what is held
// stays, although nothing brings it back.
func TestFailuresOfAnUnguardedMapping(t *testing.T) {
	const size, bad = 12 << 20, 5<<20 + 3*page
	fuse := mounted(t, slowfs.Options{SyntheticBytes: size})
	for _, pattern := range []source.Pattern{source.Detect, source.Reuse} {
		t.Run(pattern.String(), func(t *testing.T) {
			set(t, fuse, slowfs.Rules{})
			evict(t, fuse.Synthetic)
			set(t, fuse, slowfs.Rules{Fail: []slowfs.Range{{Off: bad, Len: page}}})
			f := open(t, fuse.Synthetic, &source.Options{Source: source.Mmap, Immutable: true, Pattern: pattern})
			delivered, err := readAll(t, f)
			wantBad(t, f, err, delivered, bad)
			w := read(t, f, extent, page)
			defer w.Release()
			drop := dropper(t, fuse.Synthetic)
			set(t, fuse, slowfs.Rules{Dead: true})
			drop(10<<20, page)
			wantContent(t, w)
			_, err = f.ReadManagedAt(within(t), 10<<20, page)
			if _, typed := errors.AsType[*window.Error](err); !typed || !errors.Is(err, unix.EIO) {
				t.Errorf("reading what is not cached: %v", err)
			}
			if _, err := os.Stat(fuse.Synthetic + "-not-there"); !errors.Is(err, unix.EIO) {
				t.Errorf("the file system is not dead: %v", err)
			}
			set(t, fuse, slowfs.Rules{})
		})
	}
}
