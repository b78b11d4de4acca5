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
	ask   func(f *os.File, errno error) error // of a file of 4 MiB that is cached; wraps ErrNotCached where that was not so
}

var denials = []denial{
	{unix.SYS_CACHESTAT, unix.ENOSYS, "cachestat", withoutCachestat},
	{unix.SYS_CACHESTAT, unix.EPERM, "cachestat", withoutCachestat},
	{unix.SYS_STATX, unix.EPERM, "statx", withoutStatx},
	{unix.SYS_STATX, unix.ENOSYS, "statx", withoutStatx},
	{unix.SYS_FSTATFS, unix.EPERM, "fstatfs", func(f *os.File, errno error) error {
		s, err := FileSystemOf(fd(f))
		err = wrongErrno(err, errno, "fstatfs")
		if s != (FileSystem{}) {
			err = errors.Join(err, fmt.Errorf("with an error: %+v", s))
		}
		return err
	}},
	{unix.SYS_PREADV2, unix.EPERM, "preadv2", withoutPreadv2},
	{unix.SYS_PREADV2, unix.ENOSYS, "preadv2", withoutPreadv2},
	{unix.SYS_UNAME, unix.EPERM, "uname", func(f *os.File, errno error) error {
		_, err := Kernel()
		return wrongErrno(err, errno, "uname")
	}},
	{unix.SYS_MADVISE, unix.EINVAL, "madvise", func(f *os.File, errno error) error {
		return wrongErrno(foliosOf(f), errno, "MADV_POPULATE_READ")
	}},
	{unix.SYS_GETRUSAGE, unix.EPERM, "getrusage", func(f *os.File, errno error) error {
		return wrongErrno(foliosOf(f), errno, "getrusage")
	}},
	{unix.SYS_READLINKAT, unix.EACCES, "readlinkat", func(f *os.File, errno error) error {
		var st unix.Stat_t
		if err := unix.Fstat(fd(f), &st); err != nil {
			return err
		}
		_, err := DeviceOf(uint64(st.Dev))
		return wrongErrno(err, errno, "/sys/dev/block")
	}},
}

func withoutStatx(f *os.File, errno error) error {
	_, _, err := DirectIO(fd(f))
	return wrongErrno(err, errno, "statx")
}

// withoutCachestat has reads tell what cachestat does not.
func withoutCachestat(f *os.File, errno error) error {
	_, _, err := Cached(fd(f), 0, 1)
	err = wrongErrno(err, errno, "cachestat")
	share, err2 := CachedShare(fd(f), 4<<20)
	_, err3 := LargeFolios(fd(f), 2<<20, 4<<20)
	if ok, _ := NoWait(fd(f)); !ok { // then nothing tells
		return errors.Join(err, wrongErrno(err2, errno, "cachestat"), wrongErrno(err3, errno, "cachestat"))
	}
	if err3 != nil {
		err3 = fmt.Errorf("LargeFolios: %w", err3)
	}
	return errors.Join(err, wrongShare(share, err2), err3)
}

// withoutPreadv2 has cachestat tell what it did before.
func withoutPreadv2(f *os.File, errno error) error {
	var wrong []error
	for _, ask := range []func(int) (bool, error){NoWait, DontCache} {
		ok, err := ask(fd(f))
		wrong = append(wrong, wrongErrno(err, errno, "preadv2"))
		if ok {
			wrong = append(wrong, errors.New("what is refused is supported"))
		}
	}
	return errors.Join(append(wrong, wrongShare(CachedShare(fd(f), 4<<20)))...)
}

// foliosOf returns the error of LargeFolios, which is to look further than at what is
// cached: of a block that is so in part it says no, without one.
func foliosOf(f *os.File) error {
	large, err := LargeFolios(fd(f), 0, 4<<20)
	if err == nil && !large {
		err = ErrNotCached
	}
	return err
}

// wrongErrno returns nil if err is errno and names the call, and otherwise an error
// that wraps it.
func wrongErrno(err, errno error, call string) error {
	switch {
	case err == nil:
		return fmt.Errorf("no error, want %v of %s", errno, call)
	case !errors.Is(err, errno) || !strings.Contains(err.Error(), call):
		return fmt.Errorf("%w, want %v of %s", err, errno, call)
	}
	return nil
}

// wrongShare returns nil if all was cached.
func wrongShare(share float64, err error) error {
	if err == nil && share != 1 {
		err = ErrNotCached
	}
	if err != nil {
		return fmt.Errorf("CachedShare = %v, %w", share, err)
	}
	return nil
}

func TestRefusedCalls(t *testing.T) {
	f := fileOf(t, 4<<20)
	needCachestat(t, f)
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
	var wrong error
	for range 10 { // the machine may drop a page between the reading and the question
		readInOrder(t, f, 0, 4<<20)
		if wrong = d.ask(f, d.errno); !errors.Is(wrong, ErrNotCached) {
			break
		}
	}
	if wrong != nil {
		t.Error(wrong)
	}
	childtest.Tell("done")
}
