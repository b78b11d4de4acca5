package pagecache

import (
	"os"
	"path/filepath"
	"testing"
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
	small := look(t, name)
	if small.CachedShare != 1 {
		t.Errorf("in small folios: %v", small)
	}
	if err := CacheLarge(name); err != nil {
		t.Fatal(err)
	}
	large := look(t, name)
	if large.CachedShare != 1 {
		t.Errorf("in large folios: %v", large)
	}
	t.Logf("small folios: %v; large: %v", small, large)
	if large.FaultsPerMiB > small.FaultsPerMiB {
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
	if n := read(); n >= size/2 {
		t.Errorf("%d bytes of a cached file of %d came from the device", n, size)
	}
}

func TestWarmMemory(t *testing.T) {
	if err := WarmMemory(1 << 20); err != nil {
		t.Error(err)
	}
}
