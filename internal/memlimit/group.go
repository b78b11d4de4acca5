package memlimit

import (
	"bufio"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// A Group is a control group that the process's memory is charged to, its own or
// one above it.
type Group struct {
	Dir     string // its folder, below the root of the file system
	Version int    // of control groups, 1 or 2
}

// Groups returns the control groups that the process's memory is charged to, of
// each hierarchy the innermost first. root is the root of the file system. Some
// may not be there: inside a container the path may be the host's, and then only
// the mount's own folder is.
func Groups(root fs.FS) ([]Group, error) {
	f, err := root.Open("proc/self/cgroup")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var groups []Group
	sc := bufio.NewScanner(f)
	for sc.Scan() {
		// hierarchy-ID:controller-list:path; version 2 is 0::path.
		part := strings.SplitN(sc.Text(), ":", 3)
		if len(part) != 3 {
			continue
		}
		mount, version := "sys/fs/cgroup", 2
		switch {
		case hasController(part[1], "memory"):
			mount, version = "sys/fs/cgroup/memory", 1
		case part[1] != "":
			continue
		}
		for p := path.Join("/", part[2]); ; p = path.Dir(p) {
			groups = append(groups, Group{path.Join(mount, p), version})
			if p == "/" {
				break
			}
		}
	}
	return groups, sc.Err()
}

func hasController(list, name string) bool {
	for c := range strings.SplitSeq(list, ",") {
		if c == name {
			return true
		}
	}
	return false
}

// unlimited is how version 1 says that there is no limit: by a number near the
// largest, which differs with the size of a page.
const unlimited = 1 << 60

// Limit returns the group's own limit in bytes, 0 for none. That of a group above
// may be smaller.
func (g Group) Limit(root fs.FS) int64 {
	file := "memory.max"
	if g.Version == 1 {
		file = "memory.limit_in_bytes"
	}
	n, err := number(root, path.Join(g.Dir, file))
	if err != nil || n <= 0 || n >= unlimited {
		return 0
	}
	return n
}

// Room returns how many bytes fit in before the kernel has to take something
// away that may be used again: the limit, less what is charged to the group,
// and what of that are file pages that have not been used for long. It is 0 of
// a group that is full, and may be of one that has no limit.
func (g Group) Room(root fs.FS) (int64, error) {
	// The groups below are counted in both of version 2 and in these of
	// version 1.
	file, inactive := "memory.current", "inactive_file"
	if g.Version == 1 {
		file, inactive = "memory.usage_in_bytes", "total_inactive_file"
	}
	used, err := number(root, path.Join(g.Dir, file))
	if err != nil {
		return 0, err
	}
	file = path.Join(g.Dir, "memory.stat")
	idle, err := Field(root, file, inactive)
	if err != nil {
		return 0, err
	}
	// What is charged is read first and may have changed.
	return max(g.Limit(root)-max(used-idle, 0), 0), nil
}

// number reads a file that is one number.
func number(root fs.FS, file string) (int64, error) {
	b, err := fs.ReadFile(root, file)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", file, err)
	}
	return n, nil
}

// Field reads a number of a file whose lines are a name, with or without a colon,
// a number and perhaps a unit. Numbers below 0 are refused.
func Field(root fs.FS, file, name string) (int64, error) {
	b, err := fs.ReadFile(root, file)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		rest, ok := strings.CutPrefix(line, name)
		if !ok {
			continue
		}
		after := strings.TrimPrefix(rest, ":")
		if after == strings.TrimLeft(after, " \t") { // a longer name
			continue
		}
		digits, _, _ := strings.Cut(strings.TrimSpace(after), " ")
		n, err := strconv.ParseUint(digits, 10, 63)
		if err != nil {
			return 0, fmt.Errorf("%s: %s: %w", file, name, err)
		}
		return int64(n), nil
	}
	return 0, fmt.Errorf("%s says nothing of %s", file, name)
}
