package probe

import (
	"errors"
	"io/fs"
	"testing"

	"golang.org/x/sys/unix"
)

// TestThisMachine asks the kernel that the tests run on.
func TestThisMachine(t *testing.T) {
	var si unix.Sysinfo_t
	if err := unix.Sysinfo(&si); err != nil {
		t.Fatal(err)
	}
	m, err := MemoryNow()
	if err != nil {
		t.Error(err)
	}
	if total := int64(si.Totalram) * int64(si.Unit); m.TotalBytes>>20 != total>>20 {
		t.Errorf("the machine has %d bytes, sysinfo says %d", m.TotalBytes, total)
	}
	if m.AvailableBytes <= 0 || m.AvailableBytes > m.TotalBytes || m.CgroupRoomBytes > m.CgroupLimitBytes {
		t.Errorf("%+v", m)
	}
	if on, seconds, err := Leases(); err != nil || seconds < 0 {
		t.Errorf("Leases = %v, %d, %v", on, seconds, err)
	}
	if n, err := RingSetting(); err != nil && !errors.Is(err, fs.ErrNotExist) || n < 0 || n > 2 {
		t.Errorf("RingSetting = %d, %v", n, err)
	}
	switch word, err := HugePages(); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil || word != "always" && word != "madvise" && word != "never":
		t.Errorf("HugePages = %q, %v", word, err)
	}
}

func TestDeviceOf(t *testing.T) {
	var st unix.Stat_t
	if err := unix.Fstat(fd(fileOf(t, 1)), &st); err != nil {
		t.Fatal(err)
	}
	d, err := DeviceOf(uint64(st.Dev))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		t.Log("/sys does not know what the tests lie on: ", err)
	case err != nil || d.Name == "" || d.ReadAheadBytes < 0:
		t.Errorf("%+v, %v", d, err)
	}
	if _, err := DeviceOf(unix.Mkdev(4095, 1<<20-1)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no device: %v, want fs.ErrNotExist", err)
	}
	const loops = 7
	if d, err := DeviceOf(unix.Mkdev(loops, 0)); err == nil && (d.Name != "loop0" || !d.Known) {
		t.Errorf("the first loop device: %+v", d)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the first loop device: %v", err)
	}
}
