package probe

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

// text is a file of a tree, and link a symbolic link.
func text(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
func link(to string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte(to), Mode: fs.ModeSymlink | 0o777}
}

// tree is a part of a /sys as it is on a machine with a disk, a partition of it, a
// loop device and a FUSE mount.
func tree(change fstest.MapFS) fstest.MapFS {
	t := fstest.MapFS{
		"sys/dev/block/8:0": link("../../devices/pci0000:00/0000:00:02.0/ata1/block/sda"),
		"sys/dev/block/8:1": link("../../devices/pci0000:00/0000:00:02.0/ata1/block/sda/sda1"),
		"sys/dev/block/7:3": link("../../devices/virtual/block/loop3"),
		"sys/devices/pci0000:00/0000:00:02.0/ata1/block/sda/queue/read_ahead_kb": text("128\n"),
		"sys/devices/pci0000:00/0000:00:02.0/ata1/block/sda/queue/rotational":    text("1\n"),
		"sys/devices/pci0000:00/0000:00:02.0/ata1/block/sda/sda1/partition":      text("1\n"),
		"sys/devices/virtual/block/loop3/queue/read_ahead_kb":                    text("8192\n"),
		"sys/devices/virtual/block/loop3/queue/rotational":                       text("0\n"),
		"sys/class/bdi/0:45/read_ahead_kb":                                       text("0\n"),
		"sys/class/bdi/8:0/read_ahead_kb":                                        text("7\n"),
	}
	for name, f := range change {
		t[name] = f
		if f == nil {
			delete(t, name)
		}
	}
	return t
}

const loop3 = "sys/devices/virtual/block/loop3/queue/"

func TestDevices(t *testing.T) {
	for _, tt := range []struct {
		name         string
		change       fstest.MapFS
		major, minor uint32
		want         Device
		err          string // a part of the error's text
	}{
		{"a disk", nil, 8, 0, Device{"sda", 128 << 10, true, true}, ""},
		{"a partition has its disk's", nil, 8, 1, Device{"sda1", 128 << 10, true, true}, ""},
		{"a loop device", nil, 7, 3, Device{"loop3", 8 << 20, false, true}, ""},
		{"no device, no read-ahead", nil, 0, 45, Device{"0:45", 0, false, false}, ""},
		{"an unknown number", nil, 0, 46, Device{}, "sys/class/bdi/0:46/read_ahead_kb"},
		{"no /sys", fstest.MapFS{"sys/dev/block/7:3": nil}, 7, 3, Device{}, "does not exist"},
		{"a link to nothing", fstest.MapFS{"sys/dev/block/9:9": link("../../devices/gone")}, 9, 9, Device{}, "does not exist"},
		{"a link out of /sys", fstest.MapFS{"sys/dev/block/9:9": link("../../../../../..")}, 9, 9, Device{}, "does not exist"},
		{"no link", fstest.MapFS{"sys/dev/block/9:9": text("x")}, 9, 9, Device{}, "invalid"},
		{"no rotational", fstest.MapFS{loop3 + "rotational": nil}, 7, 3, Device{"loop3", 8 << 20, false, false}, "rotational"},
		{"rotational is a word", fstest.MapFS{loop3 + "rotational": text("maybe")}, 7, 3, Device{"loop3", 8 << 20, false, false}, "rotational"},
		{"read-ahead is nothing", fstest.MapFS{loop3 + "read_ahead_kb": text("")}, 7, 3, Device{Name: ""}, "read_ahead_kb"},
		{"read-ahead is negative", fstest.MapFS{loop3 + "read_ahead_kb": text("-1\n")}, 7, 3, Device{}, "read_ahead_kb"},
		{"read-ahead is too large", fstest.MapFS{loop3 + "read_ahead_kb": text("18014398509481985\n")}, 7, 3, Device{}, "read_ahead_kb"},
		{"read-ahead is garbage", fstest.MapFS{loop3 + "read_ahead_kb": text("\x00\xff")}, 7, 3, Device{}, "read_ahead_kb"},
	} {
		got, err := deviceIn(tree(tt.change), tt.major, tt.minor)
		if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %+v, %v, want %+v and %q", tt.name, got, err, tt.want, tt.err)
		}
	}
}
