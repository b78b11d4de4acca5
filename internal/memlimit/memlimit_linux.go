package memlimit

import (
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// machine returns the memory of the machine, 0 if it is unknown.
func machine() int64 {
	var s unix.Sysinfo_t
	if unix.Sysinfo(&s) != nil {
		return 0
	}
	return int64(s.Totalram) * int64(s.Unit)
}

func rootFS() fs.FS { return os.DirFS("/") }
