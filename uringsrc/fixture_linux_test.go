package uringsrc_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/uringsrc"
	"github.com/oriel-go/oriel/window"
)

// needEngine returns an engine over the kernel's rings, which the test leaves
// idle, and skips the test where there is none to be had.
func needEngine(t testing.TB, o uringsrc.Options) *uringsrc.Engine {
	t.Helper()
	e, err := uringsrc.New(o)
	if errors.Is(err, window.ErrRefused) {
		t.Skip("no io_uring here: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := e.Close(ctx); err != nil {
			t.Errorf("Close = %v", err)
		}
		wantIdle(t, e)
	})
	return e
}

// pattern returns n bytes, no two words of which are alike, for each of several
// files other ones.
func pattern(n int, file uint32) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte((uint32(i/4)*0x9e3779b1 + file*0x85ebca6b) >> (8 * (i % 4)))
	}
	return p
}

// file returns a descriptor of a file with this content; flags such as O_DIRECT
// are left out where the file system does not have them.
func file(t testing.TB, content []byte, flags int) int {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	store(t, name, content)
	return open(t, name, flags)
}

// store makes a file with this content on the disk: reads past the page cache find
// nothing to write back.
func store(t testing.TB, name string, content []byte) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, name string, flags int) int {
	t.Helper()
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC|flags, 0)
	if err == unix.EINVAL {
		fd, err = unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// pipe returns the descriptors of a pipe that blocks.
func pipe(t testing.TB) (in, out int) {
	t.Helper()
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fds[0]); unix.Close(fds[1]) })
	return fds[0], fds[1]
}

// memory returns pages that are not of the Go heap.
func memory(t testing.TB, n int) []byte {
	t.Helper()
	p, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Munmap(p) })
	return p
}

func write(t testing.TB, fd int, s string) {
	t.Helper()
	if n, err := unix.Write(fd, []byte(s)); n != len(s) || err != nil {
		t.Fatalf("write = %d, %v", n, err)
	}
}

// wantFile fails unless r has read what the file holds there.
func wantFile(t testing.TB, r *uringsrc.Read, content []byte) {
	t.Helper()
	if r.Err != nil || r.N != len(r.Buf) || !bytes.Equal(r.Buf, content[r.Off:][:len(r.Buf)]) {
		t.Errorf("%d of %d bytes at %d, %v; or other bytes", r.N, len(r.Buf), r.Off, r.Err)
	}
}
