package probe

import (
	"os"

	"golang.org/x/sys/unix"
)

// Kernel returns the kernel's release, such as "6.18.1-arch1". What a kernel can do
// is not told by it: distributions add to old ones. It costs 0.25 µs; only filters
// refuse it.
func Kernel() (release string, err error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "", os.NewSyscallError("uname", err)
	}
	return unix.ByteSliceToString(u.Release[:]), nil
}
