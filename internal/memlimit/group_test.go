package memlimit

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestGroups(t *testing.T) {
	for _, tt := range []struct {
		text string
		want []Group
	}{
		{"", nil},
		{"0::/\n", []Group{{"sys/fs/cgroup", 2}}},
		{"0::/a/b\n", []Group{{"sys/fs/cgroup/a/b", 2}, {"sys/fs/cgroup/a", 2}, {"sys/fs/cgroup", 2}}},
		{"4:cpu,cpuacct:/x\n3:hugetlb,memory:/y\n1:name=systemd:/z\n", []Group{{"sys/fs/cgroup/memory/y", 1}, {"sys/fs/cgroup/memory", 1}}},
		{"0::/a:b\n", []Group{{"sys/fs/cgroup/a:b", 2}, {"sys/fs/cgroup", 2}}},
		{"0::/../../x\n", []Group{{"sys/fs/cgroup/x", 2}, {"sys/fs/cgroup", 2}}}, // of a namespace
		{"what\n0:/\n:memory\n", nil},
	} {
		got, err := Groups(fstest.MapFS{"proc/self/cgroup": {Data: []byte(tt.text)}})
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%q: %v, %v, want %v", tt.text, got, err, tt.want)
		}
	}
	if g, err := Groups(fstest.MapFS{}); !errors.Is(err, fs.ErrNotExist) || len(g) > 0 {
		t.Errorf("no file: %v, %v", g, err)
	}
	if _, err := Groups(fstest.MapFS{"proc/self/cgroup": {Data: []byte(strings.Repeat("x", 1<<20))}}); err == nil {
		t.Error("a line without an end has no error")
	}
}

func TestField(t *testing.T) {
	const text = "cache 5\ncached_x 6\nfile\t7\nTotal:   8 kB\nbad -9\nempty\nword nine\n"
	root := fstest.MapFS{"f": {Data: []byte(text)}}
	for name, want := range map[string]int64{"cache": 5, "cached_x": 6, "file": 7, "Total": 8} {
		if n, err := Field(root, "f", name); err != nil || n != want {
			t.Errorf("%s: %d, %v, want %d", name, n, err, want)
		}
	}
	for _, name := range []string{"cached", "bad", "empty", "word", "Tot", ""} {
		if n, err := Field(root, "f", name); err == nil || n != 0 {
			t.Errorf("%q: %d without an error", name, n)
		}
	}
	if _, err := Field(root, "g", "cache"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}
