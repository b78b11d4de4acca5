package hostile

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/bench/slowfs"
	"github.com/oriel-go/oriel/source"
	"github.com/oriel-go/oriel/window"
)

// lies returns where the page of a file that begins with these bytes lies on
// the device. Pages of content differ from each other.
func lies(t *testing.T, image string, first []byte) int64 {
	t.Helper()
	f, err := os.Open(image)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p := make([]byte, page)
	for off := int64(0); ; off += page {
		if _, err := f.ReadAt(p, off); err == io.EOF {
			t.Fatal("the page is not on the device")
		} else if err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(p, first) {
			return off
		}
	}
}

// readable returns how many bytes pread brings from off until it fails, and its
// error: how precise the kernel is about a page that cannot be read.
func readable(t *testing.T, name string, off int64) (int64, error) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n, err := io.Copy(io.Discard, io.NewSectionReader(f, off, 1<<40))
	return n, err
}

// TestBadPage: a page in the middle of a file that cannot be read fails the
// reads that need it, with its place, and nothing else; nothing hangs.
func TestBadPage(t *testing.T) {
	const size, bad = 12 << 20, 5<<20 + 3*page
	d := newDevice(t, 64<<20)
	name := filepath.Join(d.v.Dir, "file")
	write(t, name, size)
	at := lies(t, d.image, content(bad, page))
	for _, c := range []struct {
		name string
		o    source.Options
	}{
		{"pread", source.Options{Source: source.Pread}},
		{"mmap", source.Options{Source: source.Mmap}},
		{"mmap reuse", source.Options{Source: source.Mmap, Pattern: source.Reuse}},
		{"mmap random", source.Options{Source: source.Mmap, Pattern: source.Random}},
	} {
		t.Run(c.name, func(t *testing.T) {
			set(t, d.fs, slowfs.Rules{})
			evict(t, name)
			f := open(t, name, &c.o)
			set(t, d.fs, slowfs.Rules{Fail: []slowfs.Range{{Off: at, Len: page}}})
			delivered, err := readAll(t, f)
			wantBad(t, f, err, delivered, bad)
			if delivered < bad-1<<20 {
				t.Errorf("only %d bytes before the page at %d were delivered", delivered, bad)
			}
			t.Logf("%d bytes were delivered; the page is at %d", delivered, bad)

			// The windows of a random reader.
			const before = 10 * page
			_, err = f.ReadManagedAt(within(t), bad-before, 20*page)
			wantBad(t, f, err, -1, bad)
			if _, err = f.ReadManagedAt(within(t), bad, page); err == nil {
				t.Error("the page was read")
			}
			wantBad(t, f, err, bad, bad)
			for _, off := range []int64{0, 8 << 20, size - page} {
				w := read(t, f, off, page)
				w.Release()
			}

			// The rest of the file can be had, and, once the device is well, all.
			set(t, d.fs, slowfs.Rules{})
			w := read(t, f, bad-before, 20*page)
			w.Release()
			if n, err := readAll(t, f); n != size || err != nil {
				t.Errorf("once it is well: %d bytes, %v", n, err)
			}
		})
	}
}

// wantBad fails unless err is the error of a read that needs the page at bad. It
// begins at off, unless that is -1, and reaches the page.
func wantBad(t *testing.T, f *source.File, err error, off, bad int64) {
	t.Helper()
	e, typed := errors.AsType[*window.Error](err)
	if !typed || !errors.Is(err, unix.EIO) || e.Path != f.Name() {
		t.Fatalf("the error is %v", err)
	}
	if off >= 0 && e.Off != off || e.Off > bad || e.Len != 0 && e.Off+e.Len <= bad {
		t.Errorf("%v; want one from %d that reaches %d", err, off, bad)
	}
}

// TestKernelIsPrecise says what is to be expected of the test above: how many
// bytes before a bad page the kernel gives up.
func TestKernelIsPrecise(t *testing.T) {
	const size, bad = 4 << 20, 1<<20 + 3*page
	d := newDevice(t, 64<<20)
	name := filepath.Join(d.v.Dir, "file")
	write(t, name, size)
	set(t, d.fs, slowfs.Rules{Fail: []slowfs.Range{{Off: lies(t, d.image, content(bad, page)), Len: page}}})
	n, err := readable(t, name, 0)
	if !errors.Is(err, unix.EIO) || n > bad {
		t.Errorf("%d bytes, %v", n, err)
	}
	t.Logf("pread brought %d of %d bytes before the page", n, bad)
}
