package memlimit

import (
	"io/fs"
	"math"
	"runtime/debug"
)

// Limit returns the limit in bytes and what sets it: "GOMEMLIMIT", "cgroup" or
// "machine". Where nothing is known it returns math.MaxInt64 and "".
func Limit() (bytes int64, from string) {
	bytes, from = math.MaxInt64, ""
	lower := func(n int64, by string) {
		if n > 0 && n < bytes {
			bytes, from = n, by
		}
	}
	lower(machine(), "machine")
	if root := rootFS(); root != nil {
		lower(cgroup(root), "cgroup")
	}
	lower(debug.SetMemoryLimit(-1), "GOMEMLIMIT")
	return bytes, from
}

// cgroup returns the smallest memory limit of the process's control groups and
// those above them, 0 for none. root is the root of the file system.
func cgroup(root fs.FS) int64 {
	groups, _ := Groups(root) // those that could be found
	var limit int64
	for _, g := range groups {
		if n := g.Limit(root); n > 0 && (limit == 0 || n < limit) {
			limit = n
		}
	}
	return limit
}
