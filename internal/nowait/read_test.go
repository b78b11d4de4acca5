package nowait

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

func open(t *testing.T, dir string, content []byte) *os.File {
	t.Helper()
	name := filepath.Join(dir, "file")
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// readCached is Read of want bytes that are cached. The machine may drop them at any
// time: then an ordinary read brings them back, and they are asked for again.
func readCached(t *testing.T, f *os.File, p []byte, off int64, want int) (n int, supported bool) {
	t.Helper()
	for range 10 {
		if n, supported = Read(int(f.Fd()), p, off); n == want || !supported {
			break
		}
		if _, err := f.ReadAt(make([]byte, len(p)), off); err != nil && err != io.EOF {
			t.Fatal(err)
		}
	}
	return n, supported
}

func TestReadGivesWhatIsCached(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789"), 1000)
	f := open(t, t.TempDir(), content) // just written, so cached
	p := make([]byte, 4000)
	n, supported := readCached(t, f, p, 5000, len(p))
	if !supported {
		t.Skip("this system or file system cannot read without waiting: ", runtime.GOOS)
	}
	if n != len(p) || !bytes.Equal(p, content[5000:9000]) {
		t.Errorf("Read = %d of %d bytes", n, len(p))
	}
	if n, _ := readCached(t, f, p, 9000, 1000); n != 1000 || !bytes.Equal(p[:n], content[9000:]) {
		t.Errorf("Read across the end = %d bytes, want 1000", n)
	}
	if n, supported := Read(int(f.Fd()), p, 10_000); n != 0 || !supported {
		t.Errorf("Read at the end = %d, %v", n, supported)
	}
	if n, supported := Read(int(f.Fd()), nil, 0); n != 0 || !supported {
		t.Errorf("Read of nothing = %d, %v", n, supported)
	}
	if n := testing.AllocsPerRun(100, func() { Read(int(f.Fd()), p, 0) }); n != 0 {
		t.Errorf("Read allocates %v times", n)
	}
}

func TestWhereItCannotBeDoneNothingIsRead(t *testing.T) {
	const shm = "/dev/shm" // tmpfs refuses RWF_NOWAIT
	dir, err := os.MkdirTemp(shm, "nowait")
	if err != nil {
		t.Skip("no ", shm, " here: ", err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	f := open(t, dir, []byte("text"))
	if n, supported := Read(int(f.Fd()), make([]byte, 4), 0); supported && n != 4 || !supported && n != 0 {
		t.Errorf("Read = %d, %v", n, supported)
	}
	if n, _ := Read(-1, make([]byte, 4), 0); n != 0 {
		t.Errorf("Read of no file = %d", n)
	}
}

func TestReadStreamGivesWhatAPipeHolds(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	fd, p := int(r.Fd()), make([]byte, 10)
	n, err := ReadStream(fd, p)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip("this system cannot read pipes without waiting: ", runtime.GOOS)
	}
	if n != 0 || err != ErrAgain {
		t.Fatalf("an empty pipe: %d, %v, want ErrAgain", n, err)
	}
	waiter, err := NewWaiter()
	if err != nil {
		t.Fatal(err)
	}
	defer waiter.Close()
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		if err := waiter.Wait(ctx, fd); err != context.DeadlineExceeded {
			t.Fatalf("Wait = %v, want context.DeadlineExceeded", err)
		}
		cancel()
		w.WriteString("text")
		for _, ctx := range []context.Context{t.Context(), context.Background()} {
			if err := waiter.Wait(ctx, fd); err != nil {
				t.Fatalf("Wait for what is there = %v", err)
			}
		}
		if n, err := ReadStream(fd, p); err != nil || string(p[:n]) != "text" {
			t.Fatalf("ReadStream = %q, %v", p[:n], err)
		}
	}
	w.Close()
	if err := waiter.Wait(t.Context(), fd); err != nil {
		t.Fatalf("Wait for the end = %v", err)
	}
	if n, err := ReadStream(fd, p); n != 0 || err != nil {
		t.Errorf("at the end: %d, %v", n, err)
	}
}

func BenchmarkRead(b *testing.B) {
	name := filepath.Join(b.TempDir(), "file")
	if err := os.WriteFile(name, make([]byte, 1<<20), 0o600); err != nil {
		b.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	fd := int(f.Fd())
	p := make([]byte, 4096)
	b.Run("nowait", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if n, _ := Read(fd, p, 8192); n != len(p) {
				b.Skip("cannot read without waiting here")
			}
		}
	})
	b.Run("ospackage", func(b *testing.B) {
		for b.Loop() {
			if n, err := f.ReadAt(p, 8192); n != len(p) {
				b.Fatal(err)
			}
		}
	})
}
