package probe

import (
	"errors"
	"runtime"
	"strings"
	"testing"
)

func TestNamesOfFileSystems(t *testing.T) {
	for _, tt := range []struct {
		kind uint32
		want FileSystem
	}{
		{0xef53, FileSystem{Name: "ext4"}},
		{0x9123683e, FileSystem{Name: "btrfs"}}, // would be negative in 32 bits
		{0x58465342, FileSystem{Name: "xfs"}},
		{0x01021994, FileSystem{Name: "tmpfs", InMemory: true}},
		{0x858458f6, FileSystem{Name: "ramfs", InMemory: true}},
		{0x958458f6, FileSystem{Name: "hugetlbfs", InMemory: true}},
		{0x73717368, FileSystem{Name: "squashfs"}},
		{0xe0f5e1e2, FileSystem{Name: "erofs"}},
		{0x794c7630, FileSystem{Name: "overlayfs"}},
		{0x65735546, FileSystem{Name: "FUSE", Remote: true}},
		{0x6969, FileSystem{Name: "NFS", Remote: true}},
		{0xfe534d42, FileSystem{Name: "SMB", Remote: true}},
		{0xff534d42, FileSystem{Name: "SMB", Remote: true}},
		{0x00c36400, FileSystem{Name: "Ceph", Remote: true}},
		{0x01021997, FileSystem{Name: "9P", Remote: true}},
		{0x9fa0, FileSystem{Name: "procfs"}},
		{0x62656572, FileSystem{Name: "sysfs"}},
		{0x2fc12fc1, FileSystem{Name: "ZFS"}},
		{0xca451a4e, FileSystem{Name: "bcachefs"}},
		{0xf2f52010, FileSystem{Name: "F2FS"}},
		{0xffffffff, FileSystem{Name: "a file system of type 0xffffffff"}},
	} {
		for _, readOnly := range []bool{false, true} {
			want := tt.want
			want.Type, want.ReadOnly = int64(tt.kind), readOnly
			if got := newFileSystem(tt.kind, readOnly); got != want {
				t.Errorf("type %#x: %+v, want %+v", tt.kind, got, want)
			}
		}
	}
}

func TestEachTypeIsListedOnce(t *testing.T) {
	seen := map[uint32]string{}
	for _, k := range kinds {
		if other, ok := seen[k.kind]; ok || k.name == "" || strings.ContainsAny(k.name, "\n/") {
			t.Errorf("type %#x is %q and %q", k.kind, k.name, other)
		}
		seen[k.kind] = k.name
	}
}

// TestOtherSystemsAreUnsupported holds where there is no Linux.
func TestOtherSystemsAreUnsupported(t *testing.T) {
	if runtime.GOOS == "linux" {
		t.Skip("this is Linux")
	}
	_, err := FileSystemOf(0)
	_, _, err2 := Cached(0, 0, 1)
	_, err3 := CachedShare(0, 1)
	_, _, err4 := DirectIO(0)
	_, err5 := DeviceOf(0)
	_, err6 := MemoryNow()
	_, err7 := LargeFolios(0, 0, 1<<30)
	_, err8 := HugePages()
	_, _, err9 := Leases()
	_, err10 := Kernel()
	_, err11 := RingSetting()
	_, err12 := NoWait(0)
	_, err13 := DontCache(0)
	for i, err := range []error{err, err2, err3, err4, err5, err6, err7, err8, err9, err10, err11, err12, err13} {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("function %d: %v, want errors.ErrUnsupported", i, err)
		}
	}
}
