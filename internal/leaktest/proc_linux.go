package leaktest

import (
	"os"
	"strconv"
	"strings"
)

// files returns what each descriptor of the process is open on.
func files() map[string]string {
	const dir = "/proc/self/fd"
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	m := map[string]string{}
	for _, e := range entries {
		// The descriptor of the directory itself is closed by now.
		if target, err := os.Readlink(dir + "/" + e.Name()); err == nil {
			m[e.Name()] = target
		}
	}
	return m
}

// mapped returns how many bytes of each file the process has mapped.
func mapped() map[string]int64 {
	b, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return nil
	}
	return parseMaps(string(b))
}

// parseMaps reads lines such as
//
//	7f1c2a000000-7f1c2a021000 r--s 00000000 fd:01 1573 /tmp/x
//
// and leaves out anonymous memory, the stack and the like, programs and
// libraries (files with an executable mapping) and what the C library maps
// for itself. Memory files and rings count as files.
func parseMaps(maps string) map[string]int64 {
	m, programs := map[string]int64{}, map[string]bool{}
	for line := range strings.Lines(maps) {
		fields := strings.Fields(line)
		if len(fields) < 6 {
			continue
		}
		name := strings.Join(fields[5:], " ")
		if !strings.HasPrefix(name, "/") && !strings.HasPrefix(name, "anon_inode:") {
			continue
		}
		if strings.HasPrefix(name, "/usr/lib") || strings.HasPrefix(name, "/lib") {
			continue
		}
		if strings.Contains(fields[1], "x") {
			programs[name] = true
		}
		from, to, _ := strings.Cut(fields[0], "-")
		lo, err1 := strconv.ParseUint(from, 16, 64)
		hi, err2 := strconv.ParseUint(to, 16, 64)
		if err1 == nil && err2 == nil {
			m[name] += int64(hi - lo)
		}
	}
	for name := range programs {
		delete(m, name)
	}
	return m
}
