package ring

import (
	"bytes"
	"errors"
	"math"
	"os"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// isErrno reports whether err is an *Error with this number.
func isErrno(err error, want syscall.Errno) bool {
	var e *Error
	return errors.As(err, &e) && e.Err == want
}

func TestRegisteredBuffers(t *testing.T) {
	r := needRing(t, Config{Entries: 8, Allow: []Op{OpReadFixed, OpWriteFixed, OpRead}})
	content := pattern(8192)
	fd := int(file(t, content).Fd())
	a, b := make([]byte, 8192), make([]byte, 4096)
	if err := r.RegisterBuffers([][]byte{a, b}); err != nil {
		t.Fatal(err)
	}
	if err := r.RegisterBuffers([][]byte{a}); !isErrno(err, syscall.EBUSY) {
		t.Errorf("a second time: %v, want EBUSY", err)
	}
	other := make([]byte, 4096)
	push(t, r,
		ReadFixed(fd, a[100:4196], 10, 0, 0, 0),
		ReadFixed(fd, b, 4096, 0, 1, 1),
		ReadFixed(fd, b, 0, 0, 0, 2), // another buffer's memory
		ReadFixed(fd, other, 0, 0, 1, 3),
		ReadFixed(fd, b, 0, 0, 7, 4), // no such buffer
		Read(fd, other, 0, 0, 5),
		WriteFixed(fd, a[:1], 9000, 0, 0, 6))
	got := byUserData(t, results(t, r, 7))
	for _, i := range []uint64{0, 1, 5} {
		wantN(t, got[i], 4096)
	}
	wantN(t, got[6], 1)
	for _, i := range []uint64{2, 3, 4} {
		wantErr(t, got[i], syscall.EFAULT)
	}
	if !bytes.Equal(a[100:4196], content[10:4106]) || !bytes.Equal(b, content[4096:]) {
		t.Error("other bytes than the file has")
	}
	if err := r.UnregisterBuffers(); err != nil {
		t.Error(err)
	}
	if err := r.UnregisterBuffers(); !isErrno(err, syscall.ENXIO) {
		t.Errorf("unregister nothing: %v, want ENXIO", err)
	}
	push(t, r, ReadFixed(fd, b, 0, 0, 0, 0))
	wantErr(t, results(t, r, 1)[0], syscall.EFAULT)
}

func TestBuffersThatCannotBeRegistered(t *testing.T) {
	r := needRing(t, Config{Entries: 8})
	f := file(t, make([]byte, 8192))
	mapped, err := unix.Mmap(int(f.Fd()), 0, 8192, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(mapped)
	if err := r.RegisterBuffers([][]byte{mapped}); err == nil {
		t.Error("a file's mapping was registered")
	} else {
		t.Logf("a file's mapping: %v", err)
	}
	if err := r.RegisterBuffers([][]byte{nil, make([]byte, 10)}); err == nil {
		t.Log("a nil buffer was registered, as a place without one")
		r.UnregisterBuffers()
	} else {
		t.Logf("a nil buffer: %v", err)
	}
	if err := r.RegisterBuffers(nil); !isErrno(err, syscall.EINVAL) && !isErrno(err, syscall.EFAULT) {
		t.Errorf("none: %v", err)
	}
}

// TestRegisteredBuffersStayAlive without anybody else who holds them.
func TestRegisteredBuffersStayAlive(t *testing.T) {
	r := needRing(t, Config{Entries: 8})
	freed := make(chan struct{})
	p := make([]byte, 1<<20)
	runtime.AddCleanup(&p[0], func(c chan struct{}) { close(c) }, freed)
	if err := r.RegisterBuffers([][]byte{p}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		runtime.GC()
	}
	select {
	case <-freed:
		t.Error("freed while registered")
	default:
	}
	if err := r.UnregisterBuffers(); err != nil {
		t.Fatal(err)
	}
	until(t, "freed", func() bool {
		runtime.GC()
		select {
		case <-freed:
			return true
		default:
			return false
		}
	})
}

func TestRegisteredFiles(t *testing.T) {
	r := needRing(t, Config{Entries: 8, Allow: []Op{OpRead}})
	open := func(content string) *os.File { return file(t, []byte(content)) }
	a, b := open("this"), open("that")
	if err := r.RegisterFiles([]int{int(a.Fd()), -1}); err != nil {
		t.Fatal(err)
	}
	if err := r.RegisterFiles([]int{int(a.Fd())}); !isErrno(err, syscall.EBUSY) {
		t.Errorf("a second time: %v, want EBUSY", err)
	}
	p := [3][]byte{make([]byte, 4), make([]byte, 4), make([]byte, 4)}
	read := func() map[uint64]Completion {
		for i := range p {
			clear(p[i])
			push(t, r, Read(i, p[i], 0, 0, uint64(i)).With(FixedFile))
		}
		return byUserData(t, results(t, r, 3))
	}
	a.Close() // the ring holds it
	got := read()
	wantN(t, got[0], 4)
	wantErr(t, got[1], syscall.EBADF)
	wantErr(t, got[2], syscall.EBADF)
	if string(p[0]) != "this" {
		t.Errorf("read %q", p[0])
	}
	if err := r.UpdateFiles(0, []int{-1, int(b.Fd())}); err != nil {
		t.Fatal(err)
	}
	got = read()
	wantErr(t, got[0], syscall.EBADF)
	wantN(t, got[1], 4)
	if string(p[1]) != "that" {
		t.Errorf("read %q", p[1])
	}
	if err := r.UpdateFiles(1, []int{-1, -1}); !isErrno(err, syscall.EINVAL) {
		t.Errorf("beyond the last: %v, want EINVAL", err)
	}
	if err := r.UpdateFiles(0, []int{math.MaxInt32}); !isErrno(err, syscall.EBADF) {
		t.Errorf("no descriptor: %v, want EBADF", err)
	}
	if err := r.UnregisterFiles(); err != nil {
		t.Error(err)
	}
	if err := r.UnregisterFiles(); !isErrno(err, syscall.ENXIO) {
		t.Errorf("unregister nothing: %v, want ENXIO", err)
	}
}
