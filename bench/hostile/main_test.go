package hostile

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/bench/child"
	"github.com/oriel-go/oriel/bench/memgroup"
	"github.com/oriel-go/oriel/bench/pagecache"
	"github.com/oriel-go/oriel/bench/slowfs"
	"github.com/oriel-go/oriel/bench/volume"
	"github.com/oriel-go/oriel/internal/leaktest"
	"github.com/oriel-go/oriel/source"
	"github.com/oriel-go/oriel/window"
)

func TestMain(m *testing.M) {
	tasks := map[string]child.Task{holdTask: hold, crowdTask: crowd}
	maps.Copy(tasks, slowfs.Tasks())
	maps.Copy(tasks, memgroup.Tasks())
	child.Serve(tasks)
	// A program with the race detector sleeps for a second before it exits.
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	leaktest.Main(m)
}

const (
	page   = 4 << 10
	extent = 2 << 20 // what Oriel populates and locks at a time
)

// patience is how long anything here may take that should be immediate.
const patience = 20 * time.Second

// within is a context that ends when something hangs.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// made returns a volume that lives as long as the test, or skips where it is
// not to be had.
func made(t *testing.T, o volume.Options) *volume.Volume {
	t.Helper()
	v, err := volume.Make(t.Context(), o)
	if errors.Is(err, volume.ErrUnavailable) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
	return v
}

// mounted returns a FUSE file system that lives as long as the test, or skips
// where there is none.
func mounted(t *testing.T, o slowfs.Options) *slowfs.FS {
	t.Helper()
	f, err := slowfs.Mount(t.Context(), o)
	if errors.Is(err, slowfs.ErrUnavailable) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func set(t *testing.T, f *slowfs.FS, r slowfs.Rules) {
	t.Helper()
	if err := f.Set(r); err != nil {
		t.Fatal(err)
	}
}

// A device is an ext4 on a loop device whose backing file can be made to fail.
type device struct {
	fs    *slowfs.FS
	v     *volume.Volume
	image string // the backing file, seen from outside of the FUSE file system
}

func newDevice(t *testing.T, sizeBytes int64) *device {
	t.Helper()
	dir := t.TempDir()
	d := &device{fs: mounted(t, slowfs.Options{Backing: dir}), image: filepath.Join(dir, "image")}
	d.v = made(t, volume.Options{
		Kind: "ext4", SizeBytes: sizeBytes, BackingFile: filepath.Join(d.fs.Files, "image"),
		DirectIO: true, // or the FUSE file's page cache would go on serving a dead device
	})
	// It is well again before it is unmounted.
	t.Cleanup(func() {
		if err := d.fs.Set(slowfs.Rules{}); err != nil {
			t.Error(err)
		}
	})
	return d
}

// content returns what files of these tests hold.
func content(off int64, n int) []byte {
	p := make([]byte, n)
	slowfs.Content(p, off)
	return p
}

// write makes a file of n bytes of content, which lies on its device afterwards
// and is not cached.
func write(t *testing.T, name string, n int) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(content(0, n)); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	if _, err := pagecache.Drop(f, 0, 0); err != nil {
		t.Fatal(err)
	}
}

// newRuntime returns a Runtime of which nothing may be in use at the end.
func newRuntime(t *testing.T, l source.Limits) *source.Runtime {
	t.Helper()
	rt, err := source.NewRuntime(l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s := rt.Stats(); s.Memory.InUseBytes != 0 || s.Files != 0 {
			t.Errorf("%d bytes and %d files are still in use", s.Memory.InUseBytes, s.Files)
		}
		if err := rt.Close(); err != nil {
			t.Error(err)
		}
	})
	return rt
}

// open opens a file with Oriel for the test.
func open(t *testing.T, name string, o *source.Options) *source.File {
	t.Helper()
	if o.Runtime == nil {
		o.Runtime = newRuntime(t, source.Limits{LockBytes: 64 << 20})
	}
	f, err := source.Open(within(t), name, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// read reads a window and compares it with the content.
func read(t *testing.T, f *source.File, off int64, n int) window.Window {
	t.Helper()
	w, err := f.ReadManagedAt(within(t), off, n)
	if err != nil {
		t.Fatal(err)
	}
	if w.Off() != off || w.Len() != n {
		t.Errorf("%s: %d bytes at %d instead of %d at %d", f.Name(), w.Len(), w.Off(), n, off)
	}
	wantContent(t, w)
	return w
}

// wantContent fails unless a window holds what the file does there.
func wantContent(t *testing.T, w window.Window) {
	t.Helper()
	if !bytes.Equal(w.Bytes(), content(w.Off(), w.Len())) {
		t.Errorf("other bytes at %d", w.Off())
	}
}

// readAll reads a file by a Reader and compares it with the content, up to its
// end or an error.
func readAll(t *testing.T, f *source.File) (n int64, err error) {
	t.Helper()
	r := f.NewReader(nil)
	defer r.Close()
	for {
		w, err := r.ReadManaged(within(t))
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		if w.Off() != n {
			t.Errorf("%s: a window at %d instead of %d", f.Name(), w.Off(), n)
		}
		wantContent(t, w)
		n += int64(w.Len())
		w.Release()
	}
}

// dropper returns what drops a file from the page cache but for what is locked or
// mapped of it, and fails unless nothing stays of the n bytes at off. The file is
// opened here: that of a dead file system could not be any more. The rest of the
// page cache belongs to others, who test beside this.
func dropper(t *testing.T, name string) func(off, n int64) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() }) // fails where the file system is dead
	return func(off, n int64) {
		t.Helper()
		if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
			t.Fatal(err)
		}
		if left, err := pagecache.Drop(f, off, n); err != nil || left > 0 {
			t.Fatalf("%d pages of %d bytes at %d stay cached, %v", left, n, off, err)
		}
	}
}

// evict drops a file, of which nothing is mapped, from the page cache.
func evict(t *testing.T, name string) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if left, err := pagecache.Drop(f, 0, 0); err != nil || left > 0 {
		t.Fatalf("%d pages of %s stay cached, %v", left, name, err)
	}
}

// majorFaults returns how often this process waited for a page.
func majorFaults() int64 {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return -1
	}
	return u.Majflt
}
