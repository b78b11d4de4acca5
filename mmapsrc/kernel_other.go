//go:build !linux

package mmapsrc

import (
	"errors"
	"os"
	"runtime"
)

func systemKernel() kernel {
	return kernel{
		probe: func() error { return nil },
		guardOf: func(*os.File) (guardKind, error) {
			return 0, errors.New("nothing keeps a file still on " + runtime.GOOS)
		},
		reopen:   reopen,
		mapFile:  mapWhole,
		unmap:    unmap,
		populate: touch,
		lock:     func([]byte) error { return nil },
		unlock:   func([]byte) error { return nil },
		drop:     func([]byte) {},
		cached:   func(*os.File, int64, int64) (bool, bool) { return false, false },
		need:     func(*os.File, int64, int64) {},
		fills:    func(*os.File) bool { return false },
		dense:    func(*os.File, int64, int64) bool { return true },
		spare:    func(int, bool) ([]byte, error) { return nil, errors.ErrUnsupported },
		unspare:  func([]byte) {},
		ballast:  func(int) ([]byte, error) { return nil, errors.ErrUnsupported },
		freeze:   func(p, spare []byte) error { return errors.ErrUnsupported },
		lease:    func(int, int) error { return errors.ErrUnsupported },
		unlease:  func(int) {},
		held:     func(int) bool { return false },
	}
}

// reopen opens the file by its name: there is no other way that keeps the
// caller's descriptor to the caller. That it is the same file is looked at.
func reopen(f *os.File) (*os.File, int, error) {
	t, err := os.Open(f.Name())
	return t, -1, err
}

// touch reads a byte of every page. It stops its thread at every page fault:
// only files whose caller has promised not to change them come here.
func touch(p []byte) error {
	var sum byte
	for i := 0; i < len(p); i += 4096 {
		sum += p[i]
	}
	runtime.KeepAlive(sum)
	return nil
}
