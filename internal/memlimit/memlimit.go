package memlimit

import (
	"bufio"
	"io/fs"
	"math"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
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
	var limit int64
	lower := func(file string) {
		b, err := fs.ReadFile(root, file)
		if err != nil {
			return
		}
		n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
		// Version 1 says "no limit" by a number near the largest.
		if err == nil && n > 0 && n < 1<<60 && (limit == 0 || n < limit) {
			limit = n
		}
	}
	f, err := root.Open("proc/self/cgroup")
	if err != nil {
		return 0
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		// hierarchy-ID:controller-list:path; version 2 is 0::path.
		part := strings.SplitN(sc.Text(), ":", 3)
		if len(part) != 3 {
			continue
		}
		dir, file := "sys/fs/cgroup", "memory.max"
		switch {
		case hasController(part[1], "memory"):
			dir, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		case part[1] != "":
			continue
		}
		// Inside a container the path may be the host's, which is not there;
		// then only the mount's own limit counts.
		for p := path.Join("/", part[2]); ; p = path.Dir(p) {
			lower(path.Join(dir, p, file))
			if p == "/" {
				break
			}
		}
	}
	return limit
}

func hasController(list, name string) bool {
	for c := range strings.SplitSeq(list, ",") {
		if c == name {
			return true
		}
	}
	return false
}
