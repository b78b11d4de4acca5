package probe

import (
	"strings"
	"testing"
	"testing/fstest"
)

const (
	meminfo = "MemTotal:       24684092 kB\nMemFree:        24420724 kB\nMemAvailable:   24315736 kB\nBuffers: 1 kB\n"
	mib     = 1 << 20
)

// machine is what a Memory is without control groups.
func machine(limit, room int64) Memory {
	return Memory{AvailableBytes: 24315736 << 10, TotalBytes: 24684092 << 10, CgroupLimitBytes: limit, CgroupRoomBytes: room}
}

func TestMemory(t *testing.T) {
	for _, tt := range []struct {
		name string
		root fstest.MapFS
		want Memory
		err  string // a part of the error's text
	}{
		{"no control groups", fstest.MapFS{}, machine(0, 0), ""},
		{"version 2, no limit", fstest.MapFS{
			"proc/self/cgroup":           text("0::/a\n"),
			"sys/fs/cgroup/a/memory.max": text("max\n"),
		}, machine(0, 0), ""},
		{"version 2, file pages are room", fstest.MapFS{
			"proc/self/cgroup":               text("0::/a\n"),
			"sys/fs/cgroup/a/memory.max":     text("104857600\n"),
			"sys/fs/cgroup/a/memory.current": text("94371840\n"),
			"sys/fs/cgroup/a/memory.stat":    text("anon 1\ninactive_file_x 3\nfile 2\ninactive_file 52428800\nactive_file 7\n"),
		}, machine(100*mib, 60*mib), ""},
		{"version 2, the one above has the smaller limit, the own one less room", fstest.MapFS{
			"proc/self/cgroup":                 text("0::/a/b\n"),
			"sys/fs/cgroup/a/memory.max":       text("83886080\n"),
			"sys/fs/cgroup/a/memory.current":   text("0\n"),
			"sys/fs/cgroup/a/memory.stat":      text("inactive_file 0\n"),
			"sys/fs/cgroup/a/b/memory.max":     text("104857600\n"),
			"sys/fs/cgroup/a/b/memory.current": text("94371840\n"),
			"sys/fs/cgroup/a/b/memory.stat":    text("inactive_file 0\n"),
		}, machine(80*mib, 10*mib), ""},
		{"version 2, over the limit", fstest.MapFS{
			"proc/self/cgroup":             text("0::/\n"),
			"sys/fs/cgroup/memory.max":     text("1048576\n"),
			"sys/fs/cgroup/memory.current": text("2097152\n"),
			"sys/fs/cgroup/memory.stat":    text("inactive_file 0\n"),
		}, machine(mib, 0), ""},
		{"version 2, more file pages than is charged", fstest.MapFS{
			"proc/self/cgroup":             text("0::/\n"),
			"sys/fs/cgroup/memory.max":     text("1048576\n"),
			"sys/fs/cgroup/memory.current": text("4096\n"),
			"sys/fs/cgroup/memory.stat":    text("inactive_file 8192\n"),
		}, machine(mib, mib), ""},
		{"version 1, nested, beside an empty version 2", fstest.MapFS{
			"proc/self/cgroup": text("4:cpu:/x\n3:memory:/x/y\n0::/\n"),
			"sys/fs/cgroup/memory/x/y/memory.limit_in_bytes": text("9223372036854771712\n"),
			"sys/fs/cgroup/memory/x/memory.limit_in_bytes":   text("104857600\n"),
			"sys/fs/cgroup/memory/x/memory.usage_in_bytes":   text("73400320\n"),
			"sys/fs/cgroup/memory/x/memory.stat":             text("inactive_file 1\ntotal_inactive_file 10485760\n"),
			"sys/fs/cgroup/memory/memory.limit_in_bytes":     text("9223372036854771712\n"),
		}, machine(100*mib, 40*mib), ""},
		{"the host's path, seen from a container", fstest.MapFS{
			"proc/self/cgroup":             text("0::/docker/123\n"),
			"sys/fs/cgroup/memory.max":     text("1048576\n"),
			"sys/fs/cgroup/memory.current": text("0\n"),
			"sys/fs/cgroup/memory.stat":    text("inactive_file 0\n"),
		}, machine(mib, mib), ""},
		{"a limit of garbage is none", fstest.MapFS{
			"proc/self/cgroup":         text("what\n0::/\n"),
			"sys/fs/cgroup/memory.max": text("-5 lemons\n"),
		}, machine(0, 0), ""},
		{"the charge is missing", fstest.MapFS{
			"proc/self/cgroup":         text("0::/\n"),
			"sys/fs/cgroup/memory.max": text("1048576\n"),
		}, machine(mib, 0), "memory.current"},
		{"the charge is garbage", fstest.MapFS{
			"proc/self/cgroup":             text("0::/\n"),
			"sys/fs/cgroup/memory.max":     text("1048576\n"),
			"sys/fs/cgroup/memory.current": text("lemons\n"),
			"sys/fs/cgroup/memory.stat":    text("inactive_file 8192\n"),
		}, machine(mib, 0), "memory.current"},
		{"the file pages are missing", fstest.MapFS{
			"proc/self/cgroup":             text("0::/\n"),
			"sys/fs/cgroup/memory.max":     text("1048576\n"),
			"sys/fs/cgroup/memory.current": text("0\n"),
			"sys/fs/cgroup/memory.stat":    text("inactive_anon 8192\n"),
		}, machine(mib, 0), "says nothing of inactive_file"},
		{"the file pages are garbage", fstest.MapFS{
			"proc/self/cgroup":             text("0::/\n"),
			"sys/fs/cgroup/memory.max":     text("1048576\n"),
			"sys/fs/cgroup/memory.current": text("0\n"),
			"sys/fs/cgroup/memory.stat":    text("inactive_file -1\n"),
		}, machine(mib, 0), "inactive_file"},
		{"an old kernel does not say what is available", fstest.MapFS{
			"proc/meminfo": text("MemTotal: 8 kB\nMemFree: 4 kB\n"),
		}, Memory{TotalBytes: 8192}, "MemAvailable"},
		{"garbage", fstest.MapFS{"proc/meminfo": text("MemTotal: lots\nMemAvailable:\n")}, Memory{}, "MemTotal"},
		{"too much", fstest.MapFS{"proc/meminfo": text("MemTotal: 9007199254740992 kB\nMemAvailable: 1 kB\n")}, Memory{AvailableBytes: 1024}, "too large"},
		{"no /proc", fstest.MapFS{"proc/meminfo": nil}, Memory{}, "proc/meminfo"},
	} {
		if f, ok := tt.root["proc/meminfo"]; !ok {
			tt.root["proc/meminfo"] = text(meminfo)
		} else if f == nil {
			delete(tt.root, "proc/meminfo")
		}
		got, err := memoryIn(tt.root)
		if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %+v, %v, want %+v and %q", tt.name, got, err, tt.want, tt.err)
		}
	}
}

// FuzzMemory has nothing that the files say make a number that cannot be.
func FuzzMemory(f *testing.F) {
	for _, s := range [][5]string{
		{meminfo, "0::/a/b\n", "1048576\n", "4096\n", "inactive_file 8192\n"},
		{meminfo, "3:memory:/x\n0::/\n", "9223372036854771712\n", "1\n", "total_inactive_file 1\n"},
		{"MemTotal: 8 kB\n", "what\n", "max\n", "", ""},
		{"MemTotal:\nMemAvailable: 99999999999999999999\n", "0::../..\n", "-1", "-1", "inactive_file\t-1\n"},
	} {
		f.Add(s[0], s[1], s[2], s[3], s[4])
	}
	f.Fuzz(func(t *testing.T, info, groups, limit, used, stat string) {
		root := fstest.MapFS{"proc/meminfo": text(info), "proc/self/cgroup": text(groups)}
		for _, dir := range []string{"sys/fs/cgroup/", "sys/fs/cgroup/a/", "sys/fs/cgroup/memory/x/"} {
			for _, name := range []string{"memory.max", "memory.limit_in_bytes"} {
				root[dir+name] = text(limit)
			}
			for _, name := range []string{"memory.current", "memory.usage_in_bytes"} {
				root[dir+name] = text(used)
			}
			root[dir+"memory.stat"] = text(stat)
		}
		m, _ := memoryIn(root)
		if m.TotalBytes < 0 || m.AvailableBytes < 0 || m.CgroupLimitBytes < 0 || m.CgroupRoomBytes < 0 || m.CgroupLimitBytes == 0 && m.CgroupRoomBytes > 0 {
			t.Errorf("%+v", m)
		}
		if m.CgroupRoomBytes > m.CgroupLimitBytes && !strings.Contains(used, "-") {
			t.Errorf("more room than the limit: %+v", m)
		}
	})
}
