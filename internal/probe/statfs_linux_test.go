package probe

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/internal/threadtest"
)

func TestFileSystemOf(t *testing.T) {
	of := func(name string) FileSystem {
		t.Helper()
		f, err := os.Open(name)
		if err != nil {
			t.Skip("not here: ", err)
		}
		defer f.Close()
		s, err := FileSystemOf(fd(f))
		if err != nil {
			t.Error(err)
		}
		return s
	}
	if s := of("/proc/self/status"); s.Name != "procfs" || s.Type != unix.PROC_SUPER_MAGIC || s.InMemory || s.Remote {
		t.Errorf("/proc: %+v", s)
	}
	if s := of("/sys/kernel"); s.Name != "sysfs" {
		t.Errorf("/sys: %+v", s)
	}
	if s, err := FileSystemOf(fd(inMemoryFile(t, 1))); err != nil || s.Name != "tmpfs" || !s.InMemory || s.ReadOnly {
		t.Errorf("/dev/shm: %+v, %v", s, err)
	}
	if s, err := FileSystemOf(fd(fileOf(t, 1))); err != nil || s.Name == "" || s.ReadOnly {
		t.Errorf("a file: %+v, %v", s, err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if s, err := FileSystemOf(fd(r)); err != nil || s.Name != "pipefs" {
		t.Errorf("a pipe: %+v, %v", s, err)
	}
}

func TestMountsOfOtherKinds(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct {
		kind, data string
		flags      uintptr
		want       FileSystem
	}{
		{"ramfs", "", 0, FileSystem{Name: "ramfs", Type: unix.RAMFS_MAGIC, InMemory: true}},
		{"tmpfs", "", unix.MS_RDONLY, FileSystem{Name: "tmpfs", Type: unix.TMPFS_MAGIC, InMemory: true, ReadOnly: true}},
		{"overlay", "lowerdir=" + dir + ":/usr", unix.MS_RDONLY, FileSystem{Name: "overlayfs", Type: unix.OVERLAYFS_SUPER_MAGIC, ReadOnly: true}},
		{"hugetlbfs", "", 0, FileSystem{Name: "hugetlbfs", Type: unix.HUGETLBFS_MAGIC, InMemory: true}},
	} {
		t.Run(tt.kind, func(t *testing.T) {
			at := t.TempDir()
			var mounted error
			threadtest.Run(t, threadtest.OwnMounts, func() {
				if mounted = unix.Mount("none", at, tt.kind, tt.flags, tt.data); mounted != nil {
					return
				}
				f, err := os.Open(at)
				if err != nil {
					t.Error(err)
					return
				}
				defer f.Close()
				if s, err := FileSystemOf(fd(f)); err != nil || s != tt.want {
					t.Errorf("%+v, %v, want %+v", s, err, tt.want)
				}
			})
			if mounted != nil {
				t.Skip("not to be had here: ", mounted)
			}
		})
	}
}

// TestClosedDescriptors has each function tell so.
func TestClosedDescriptors(t *testing.T) {
	_, err := FileSystemOf(closed)
	_, _, err2 := Cached(closed, 0, 1)
	_, err3 := CachedShare(closed, 1)
	_, _, err4 := DirectIO(closed)
	_, err5 := LargeFolios(closed, 0, 1<<30)
	_, err6 := NoWait(closed)
	_, err7 := DontCache(closed)
	for i, err := range []error{err, err2, err3, err4, err5, err6, err7} {
		if !errors.Is(err, unix.EBADF) {
			t.Errorf("function %d: %v, want EBADF", i, err)
		}
	}
}

func TestKernel(t *testing.T) {
	b, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		t.Skip("no /proc here: ", err)
	}
	if r, err := Kernel(); err != nil || r+"\n" != string(b) {
		t.Errorf("Kernel = %q, %v, want %q", r, err, b)
	}
}

func TestDirectIO(t *testing.T) {
	f := fileOf(t, 8192)
	memory, unit, err := DirectIO(fd(f))
	if err != nil {
		t.Skip("not on this file system: ", err)
	}
	if memory <= 0 || unit <= 0 || memory&(memory-1) != 0 || unit&(unit-1) != 0 {
		t.Errorf("alignments of %d and %d bytes", memory, unit)
	}
	for _, tt := range []struct {
		name string
		st   unix.Statx_t
		ok   bool
		want [2]int
	}{
		{"said", unix.Statx_t{Mask: unix.STATX_DIOALIGN, Dio_mem_align: 4, Dio_offset_align: 512}, true, [2]int{4, 512}},
		{"not said", unix.Statx_t{}, true, [2]int{4096, 4096}},
		{"refused", unix.Statx_t{Mask: unix.STATX_DIOALIGN}, false, [2]int{}},
		{"half refused", unix.Statx_t{Mask: unix.STATX_DIOALIGN, Dio_mem_align: 512}, false, [2]int{}},
		{"the largest unit", unix.Statx_t{Mask: unix.STATX_DIOALIGN, Dio_mem_align: 4096, Dio_offset_align: 4 << 20}, true, [2]int{4096, 4 << 20}},
		{"a larger unit", unix.Statx_t{Mask: unix.STATX_DIOALIGN, Dio_mem_align: 4, Dio_offset_align: 8 << 20}, false, [2]int{}},
		{"a larger alignment", unix.Statx_t{Mask: unix.STATX_DIOALIGN, Dio_mem_align: 8192, Dio_offset_align: 4096}, false, [2]int{}},
	} {
		memory, unit, err := directAlign(&tt.st)
		if got := [2]int{memory, unit}; got != tt.want || (err == nil) != tt.ok {
			t.Errorf("%s: %v, %v", tt.name, got, err)
		}
	}
	// What is read past the cache by these alignments is the file.
	r, err := os.OpenFile(f.Name(), os.O_RDONLY|unix.O_DIRECT, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	p, err := unix.Mmap(-1, 0, 8192, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(p)
	if n, err := unix.Pread(fd(r), p[memory:memory+unit], int64(unit)); err != nil || n != unit {
		t.Errorf("a read of %d bytes to an address of a multiple of %d: %d, %v", unit, memory, n, err)
	}
}
