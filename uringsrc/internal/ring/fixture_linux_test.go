package ring

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// file returns a file with this content, open for reading and writing.
func file(t testing.TB, content []byte) *os.File {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(t.TempDir(), "file"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if _, err := f.Write(content); err != nil {
		t.Fatal(err)
	}
	return f
}

// pattern returns n bytes, no two words of which are alike.
func pattern(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(uint32(i/4) * 0x9e3779b1 >> (8 * (i % 4)))
	}
	return p
}

// pipe returns the descriptors of a pipe that blocks.
func pipe(t testing.TB) (r, w int) {
	t.Helper()
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fds[0]); unix.Close(fds[1]) })
	return fds[0], fds[1]
}

func eventFD(t testing.TB) int {
	t.Helper()
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// signalled waits for an eventfd and takes what is in it; 0 when time is up.
func signalled(t testing.TB, fd int, wait time.Duration) uint64 {
	t.Helper()
	deadline := time.Now().Add(wait)
	for {
		p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		left := max(time.Until(deadline), 0)
		if n, err := unix.Poll(p, int(left.Milliseconds())); err == unix.EINTR {
			continue
		} else if err != nil {
			t.Fatal(err)
		} else if n == 0 {
			return 0
		}
		var b [8]byte
		if _, err := unix.Read(fd, b[:]); err == unix.EAGAIN {
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		return uint64(b[0]) + uint64(b[1])<<8 + uint64(b[2])<<16
	}
}

// enterToTheEnd is Enter, once more where a signal has interrupted it: the Go runtime
// sends some at any time.
func enterToTheEnd(r *Ring, atLeast int, wait time.Duration) (submitted int, err error) {
	for {
		n, err := r.Enter(atLeast, wait)
		submitted += n
		if err != syscall.EINTR {
			return submitted, err
		}
	}
}

// until waits for what another thread does.
func until(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not after %v", what, patience)
		}
	}
}

// onThread runs f in a thread that is not the caller's, which is locked to its
// own meanwhile.
func onThread(f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		f()
	}()
	<-done
}

// interrupt sends a thread of this process the signal that the Go runtime uses
// itself to preempt goroutines.
func interrupt(tid int) { _ = unix.Tgkill(unix.Getpid(), tid, syscall.SIGURG) }
