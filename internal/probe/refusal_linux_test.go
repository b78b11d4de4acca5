package probe

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/internal/childtest"
	"github.com/oriel-go/oriel/internal/filtertest"
)

// A denial is a system call that a filter refuses.
type denial struct {
	call  uintptr
	errno syscall.Errno
	name  string
	ask   func(t *testing.T, f *os.File, errno error) // on a file of 4 MiB that is cached
}

var denials = []denial{
	{unix.SYS_CACHESTAT, unix.ENOSYS, "cachestat", withoutCachestat},
	{unix.SYS_CACHESTAT, unix.EPERM, "cachestat", withoutCachestat},
	{unix.SYS_STATX, unix.EPERM, "statx", func(t *testing.T, f *os.File, errno error) {
		_, _, err := DirectIO(fd(f))
		wantErrno(t, err, errno, "statx")
	}},
	{unix.SYS_STATX, unix.ENOSYS, "statx", func(t *testing.T, f *os.File, errno error) {
		_, _, err := DirectIO(fd(f))
		wantErrno(t, err, errno, "statx")
	}},
	{unix.SYS_FSTATFS, unix.EPERM, "fstatfs", func(t *testing.T, f *os.File, errno error) {
		s, err := FileSystemOf(fd(f))
		wantErrno(t, err, errno, "fstatfs")
		if s != (FileSystem{}) {
			t.Errorf("with an error: %+v", s)
		}
	}},
	{unix.SYS_PREADV2, unix.EPERM, "preadv2", withoutPreadv2},
	{unix.SYS_PREADV2, unix.ENOSYS, "preadv2", withoutPreadv2},
	{unix.SYS_UNAME, unix.EPERM, "uname", func(t *testing.T, f *os.File, errno error) {
		_, err := Kernel()
		wantErrno(t, err, errno, "uname")
	}},
	{unix.SYS_MADVISE, unix.EINVAL, "madvise", func(t *testing.T, f *os.File, errno error) {
		_, err := LargeFolios(fd(f), 0, 4<<20)
		wantErrno(t, err, errno, "MADV_POPULATE_READ")
	}},
	{unix.SYS_GETRUSAGE, unix.EPERM, "getrusage", func(t *testing.T, f *os.File, errno error) {
		_, err := LargeFolios(fd(f), 0, 4<<20)
		wantErrno(t, err, errno, "getrusage")
	}},
	{unix.SYS_READLINKAT, unix.EACCES, "readlinkat", func(t *testing.T, f *os.File, errno error) {
		var st unix.Stat_t
		if err := unix.Fstat(fd(f), &st); err != nil {
			t.Fatal(err)
		}
		_, err := DeviceOf(uint64(st.Dev))
		wantErrno(t, err, errno, "/sys/dev/block")
	}},
}

// withoutCachestat has reads tell what cachestat does not.
func withoutCachestat(t *testing.T, f *os.File, errno error) {
	_, _, err := Cached(fd(f), 0, 1)
	wantErrno(t, err, errno, "cachestat")
	share, err := CachedShare(fd(f), 4<<20)
	_, err2 := LargeFolios(fd(f), 2<<20, 4<<20)
	if ok, _ := NoWait(fd(f)); !ok { // then nothing tells
		wantErrno(t, err, errno, "cachestat")
		wantErrno(t, err2, errno, "cachestat")
		return
	}
	if err != nil || share != 1 {
		t.Errorf("CachedShare = %v, %v", share, err)
	}
	if err2 != nil {
		t.Errorf("LargeFolios: %v", err2)
	}
}

// withoutPreadv2 has cachestat tell what it did before.
func withoutPreadv2(t *testing.T, f *os.File, errno error) {
	for _, ask := range []func(int) (bool, error){NoWait, DontCache} {
		ok, err := ask(fd(f))
		wantErrno(t, err, errno, "preadv2")
		if ok {
			t.Error("what is refused is supported")
		}
	}
	if s, err := CachedShare(fd(f), 4<<20); err != nil || s != 1 {
		t.Errorf("CachedShare = %v, %v", s, err)
	}
}

// wantErrno fails unless err is errno and names the call.
func wantErrno(t *testing.T, err, errno error, call string) {
	t.Helper()
	if !errors.Is(err, errno) || !strings.Contains(err.Error(), call) {
		t.Errorf("%v, want %v of %s", err, errno, call)
	}
}

func TestRefusedCalls(t *testing.T) {
	f := fileOf(t, 4<<20)
	needCachestat(t, f)
	readInOrder(t, f, 0, 4<<20)
	for i, d := range denials {
		t.Run(fmt.Sprint(d.name, " ", d.errno), func(t *testing.T) {
			c := childtest.Start(t, "denied", i, " ", f.Name())
			c.Hear() // or it is skipped
			c.Good()
		})
	}
}

// TestChild is the second process of TestRefusedCalls, and does nothing else.
func TestChild(t *testing.T) {
	childtest.Run(t, map[string]func(t *testing.T){"denied": deniedRole})
}

// deniedRole asks what a row of denials does, of the file that is named.
func deniedRole(t *testing.T) {
	var row int
	var name string
	if _, err := fmt.Sscan(childtest.Argument(), &row, &name); err != nil {
		t.Fatal(err)
	}
	d := denials[row]
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := filtertest.Deny(d.call, d.errno); err != nil {
		childtest.Tell("skip: system calls cannot be filtered: ", err)
		return
	}
	d.ask(t, f, d.errno)
	childtest.Tell("done")
}
