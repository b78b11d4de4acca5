package memlimit

import (
	"math"
	"runtime/debug"
	"testing"
	"testing/fstest"
)

func TestCgroup(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	for _, tt := range []struct {
		name string
		fs   fstest.MapFS
		want int64
	}{
		{"no control groups", fstest.MapFS{}, 0},
		{"version 2, none set", fstest.MapFS{
			"proc/self/cgroup":           file("0::/a/b\n"),
			"sys/fs/cgroup/a/memory.max": file("max\n"),
		}, 0},
		{"version 2, the smallest on the way up", fstest.MapFS{
			"proc/self/cgroup":             file("0::/a/b\n"),
			"sys/fs/cgroup/a/b/memory.max": file("900\n"),
			"sys/fs/cgroup/a/memory.max":   file("800\n"),
			"sys/fs/cgroup/memory.max":     file("max\n"),
		}, 800},
		{"version 2, a path that is the host's", fstest.MapFS{
			"proc/self/cgroup":         file("0::/docker/123\n"),
			"sys/fs/cgroup/memory.max": file("700\n"),
		}, 700},
		{"version 1", fstest.MapFS{
			"proc/self/cgroup": file("4:cpu,cpuacct:/x\n3:memory:/x\n0::/\n"),
			"sys/fs/cgroup/memory/x/memory.limit_in_bytes":     file("600\n"),
			"sys/fs/cgroup/memory/memory.limit_in_bytes":       file("9223372036854771712\n"),
			"sys/fs/cgroup/cpu/x/memory.limit_in_bytes":        file("1\n"),
			"sys/fs/cgroup/memory/other/memory.limit_in_bytes": file("2\n"),
		}, 600},
		{"nonsense", fstest.MapFS{
			"proc/self/cgroup":         file("what\n0::/\n"),
			"sys/fs/cgroup/memory.max": file("-5 lemons\n"),
		}, 0},
	} {
		if got := cgroup(tt.fs); got != tt.want {
			t.Errorf("%s: cgroup = %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestGOMEMLIMITIsHeeded(t *testing.T) {
	old := debug.SetMemoryLimit(12 << 20)
	defer debug.SetMemoryLimit(old)
	if n, from := Limit(); n != 12<<20 || from != "GOMEMLIMIT" {
		t.Errorf("Limit = %d from %q, want %d from GOMEMLIMIT", n, from, 12<<20)
	}
}

func TestThereIsALimit(t *testing.T) {
	n, from := Limit()
	if n <= 0 || n == math.MaxInt64 && from != "" {
		t.Errorf("Limit = %d from %q", n, from)
	}
}
