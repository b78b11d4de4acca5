package memlock

import (
	"math"

	"golang.org/x/sys/unix"
)

// limit returns the soft RLIMIT_MEMLOCK in bytes. It binds only processes
// without CAP_IPC_LOCK, but somebody meant it.
func limit() (bytes int64, known bool) {
	var r unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_MEMLOCK, &r) != nil || r.Cur > math.MaxInt64 {
		return 0, false
	}
	return int64(r.Cur), true
}
