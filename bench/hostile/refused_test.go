package hostile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/oriel-go/oriel/bench/slowfs"
	"github.com/oriel-go/oriel/bench/volume"
	"github.com/oriel-go/oriel/source"
	"github.com/oriel-go/oriel/window"
)

const treeBytes = 5<<20 + 123

// tree is what lies on volumes here: one file.
func tree() fstest.MapFS {
	return fstest.MapFS{"file": {Data: content(0, treeBytes), Mode: 0o644}}
}

// unguarded are files of file systems on which nothing can be guarded, and the
// word that the reason has to have.
func unguarded(t *testing.T) map[string]string {
	t.Helper()
	over := made(t, volume.Options{Kind: "overlay", Tree: tree()})
	upper := filepath.Join(over.Dir, "upper")
	write(t, upper, treeBytes)
	fuse := mounted(t, slowfs.Options{SyntheticBytes: treeBytes})
	return map[string]string{
		filepath.Join(over.Dir, "file"): "overlay",
		upper:                           "overlay",
		fuse.Synthetic:                  "FUSE",
	}
}

// TestUnguardedIsRefused: what cannot be guarded is not mapped, with a reason;
// left the choice, Oriel reads the same bytes by copying.
func TestUnguardedIsRefused(t *testing.T) {
	for name, word := range unguarded(t) {
		rt := newRuntime(t, source.Limits{LockBytes: 64 << 20})
		f, err := source.Open(within(t), name, &source.Options{Runtime: rt, Source: source.Mmap})
		if err == nil {
			f.Close()
			t.Errorf("%s: mapped, although it cannot be guarded", word)
			continue
		}
		e, typed := errors.AsType[*window.Error](err)
		if !errors.Is(err, window.ErrRefused) || !typed || e.Path != name {
			t.Errorf("%s: %v", word, err)
		}
		if reason := strings.ToLower(strings.ReplaceAll(err.Error(), name, "")); !strings.Contains(reason, strings.ToLower(word)) {
			t.Errorf("the reason does not say %s: %v", word, err)
		}
		f = open(t, name, &source.Options{Runtime: rt, Pattern: source.Reuse})
		w := read(t, f, extent-page, 2*page)
		if i := w.Info(); i.Residency != window.Private || f.Explain().Source != source.Pread.String() {
			t.Errorf("%s: %+v, served by %s", word, i, f.Explain().Source)
		}
		w.Release()
		if n, err := readAll(t, f); n != treeBytes || err != nil {
			t.Errorf("%s: %d bytes, %v", word, n, err)
		}
	}
}

// TestImmutableIsMappedAnywhere: the caller's promise stands in for a guard, and
// windows say so.
func TestImmutableIsMappedAnywhere(t *testing.T) {
	for name, word := range unguarded(t) {
		f := open(t, name, &source.Options{Source: source.Mmap, Immutable: true, Pattern: source.Reuse})
		w := read(t, f, extent-page, 2*page)
		if i := w.Info(); i.Residency != window.Trusted || i.Source != "mmap" {
			t.Errorf("%s: %+v", word, i)
		}
		w.Release()
		if n, err := readAll(t, f); n != treeBytes || err != nil {
			t.Errorf("%s: %d bytes, %v", word, n, err)
		}
		if n := leases(t, os.Getpid(), name); n != 0 {
			t.Errorf("%s: %d leases", word, n)
		}
	}
}

// TestReadOnlyFileSystemNeedsNoLease: what nobody can write is guarded by that.
func TestReadOnlyFileSystemNeedsNoLease(t *testing.T) {
	for _, kind := range []string{"squashfs", "erofs"} {
		t.Run(kind, func(t *testing.T) {
			v := made(t, volume.Options{Kind: kind, Tree: tree()})
			name := filepath.Join(v.Dir, "file")
			f := open(t, name, &source.Options{Source: source.Mmap, Pattern: source.Reuse})
			w := read(t, f, extent-page, 2*page)
			defer w.Release()
			if i := w.Info(); i.Residency != window.Guarded || !i.Locked || i.Source != "mmap" {
				t.Errorf("%+v", i)
			}
			if n := leases(t, os.Getpid(), name); n != 0 {
				t.Errorf("%d leases", n)
			}
			if n, err := readAll(t, f); n != treeBytes || err != nil {
				t.Errorf("%d bytes, %v", n, err)
			}
		})
	}
}

// TestGuardedFileSystemsAreLeased: on the others a lease is what guards.
func TestGuardedFileSystemsAreLeased(t *testing.T) {
	for _, kind := range []string{"ext4", "xfs", "btrfs", "tmpfs"} {
		t.Run(kind, func(t *testing.T) {
			v := made(t, volume.Options{Kind: kind, Tree: tree()})
			name := filepath.Join(v.Dir, "file")
			f := open(t, name, &source.Options{Source: source.Mmap, Pattern: source.Reuse})
			w := read(t, f, extent-page, 2*page)
			defer w.Release()
			if i := w.Info(); i.Residency != window.Guarded || !i.Locked {
				t.Errorf("%+v", i)
			}
			if leases(t, os.Getpid(), name) == 0 {
				t.Error("there is no lease")
			}
			if n, err := readAll(t, f); n != treeBytes || err != nil {
				t.Errorf("%d bytes, %v", n, err)
			}
		})
	}
}
