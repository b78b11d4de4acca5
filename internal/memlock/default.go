package memlock

import "github.com/oriel-go/oriel/internal/memlimit"

// mostBytes bounds the default, however much the machine has.
const mostBytes = 256 << 20

// Default returns how much a process should lock if nobody says, and what sets
// it: RLIMIT_MEMLOCK, but at most a sixteenth of the memory that the process
// may use, and 256 MiB.
func Default() (bytes int64, from string) {
	bytes, from = mostBytes, "the default"
	if n, by := memlimit.Limit(); n/16 < bytes {
		bytes, from = n/16, "a sixteenth of "+by
	}
	if n, known := limit(); known && n < bytes {
		bytes, from = n, "RLIMIT_MEMLOCK"
	}
	return bytes, from
}
