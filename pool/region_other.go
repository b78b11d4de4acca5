//go:build !linux

package pool

import (
	"runtime"

	"github.com/edsrzf/mmap-go"
)

// anonymous is the protection that makes mmap-go map private memory on unix.
// Windows has no private mapping without a file, nor other processes that
// could see this one.
var anonymous = func() int {
	if runtime.GOOS == "windows" {
		return mmap.RDWR
	}
	return mmap.COPY
}()

func adviseHuge([]byte, bool) {}

func adviseDiscard([]byte) error { return nil }
