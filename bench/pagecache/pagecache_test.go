package pagecache

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// file returns a file of n bytes in the folder of the package, because the
// temporary folder is often a tmpfs, which cannot be evicted.
func file(t *testing.T, n int) string {
	t.Helper()
	dir, err := os.MkdirTemp(".", ".testdata-")
	if err != nil {
		t.Skip("the folder of the package cannot be written:", err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	name := filepath.Join(dir, "file")
	if err := os.WriteFile(name, make([]byte, n), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func look(t *testing.T, name string) State {
	t.Helper()
	s, err := Look(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// looks is how often something is looked at before it is believed: the machine may
// drop a page of a cached file at any time.
const looks = 5

// kept caches a file, or what is missing of it, and looks until all of it is there.
func kept(t *testing.T, name string, keep func(string) error) (s State) {
	t.Helper()
	for range looks {
		if err := keep(name); err != nil {
			t.Fatal(err)
		}
		if s = look(t, name); s.CachedShare == 1 {
			return s
		}
	}
	t.Errorf("cached %d times, it is %v", looks, s)
	return s
}

func TestStatesCanBeToldApart(t *testing.T) {
	name := file(t, 32<<20+5)
	if err := Evict(name); err != nil {
		t.Skip("this file system cannot evict:", err)
	}
	if s := look(t, name); s.CachedShare != 0 {
		t.Errorf("evicted: %v", s)
	}
	if err := CacheSmall(name); err != nil {
		t.Fatal(err)
	}
	small := kept(t, name, KeepSmall)
	if err := CacheLarge(name); err != nil {
		t.Fatal(err)
	}
	large := kept(t, name, KeepLarge)
	t.Logf("small folios: %v; large: %v", small, large)
	// Without large folios they are about the same, and the runtime has some too.
	if large.FaultsPerMiB > 1.1*small.FaultsPerMiB {
		t.Errorf("more faults in large folios (%v) than in small ones (%v)", large, small)
	}
	if large.FaultsPerMiB > 0.8*small.FaultsPerMiB {
		t.Skip("this file system has no large folios")
	}
}

func TestEvictSaysWhatStays(t *testing.T) {
	name := filepath.Join(t.TempDir(), "missing")
	if err := Evict(name); !os.IsNotExist(err) {
		t.Errorf("evicting what is missing: %v", err)
	}
}

// TestWhatIsLockedStays: and goes as soon as it no longer is.
func TestWhatIsLockedStays(t *testing.T) {
	name := file(t, 1<<20)
	if err := Evict(name); err != nil {
		t.Skip("this file system cannot evict:", err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p, err := unix.Mmap(int(f.Fd()), 0, os.Getpagesize(), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	locked := unix.Mlock(p)
	n, err := dropRange(f, 0, 0, 0)
	if locked == nil && (n == 0 || err != nil) {
		t.Errorf("%d locked pages stay, %v", n, err)
	}
	dropped := make(chan error)
	go func() { dropped <- Evict(name) }()
	if err := unix.Munmap(p); err != nil {
		t.Error(err)
	}
	if err := <-dropped; err != nil {
		t.Error(err)
	}
	if locked != nil {
		t.Skip("a page cannot be locked:", locked)
	}
}

func TestEmptyFile(t *testing.T) {
	name := file(t, 0)
	for _, do := range []func(string) error{Evict, CacheLarge, CacheSmall} {
		if err := do(name); err != nil {
			t.Error(err)
		}
	}
	if s := look(t, name); s.CachedShare != 1 {
		t.Errorf("an empty file: %v", s)
	}
}

func TestDeviceBytes(t *testing.T) {
	const size = 1 << 20
	name := file(t, size)
	read := func() int64 {
		t.Helper()
		before, err := DeviceBytes()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
		after, err := DeviceBytes()
		if err != nil {
			t.Fatal(err)
		}
		return after - before
	}
	if err := Evict(name); err != nil {
		t.Skip("this file system cannot evict:", err)
	}
	if n := read(); n < size {
		t.Errorf("%d bytes of a cold file of %d came from the device", n, size)
	}
	n := read()
	for again := 1; n >= size/2 && again < looks; again++ {
		t.Logf("%d bytes came from the device: once more", n)
		if err := KeepLarge(name); err != nil {
			t.Fatal(err)
		}
		n = read()
	}
	if n >= size/2 {
		t.Errorf("%d bytes of a cached file of %d came from the device, each time", n, size)
	}
}

func TestWarmMemory(t *testing.T) {
	if err := WarmMemory(1 << 20); err != nil {
		t.Error(err)
	}
}
