package pagecache

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// A State is what the page cache holds of a file.
type State struct {
	CachedShare  float64 `json:"cachedShare"`  // 0 to 1
	FaultsPerMiB float64 `json:"faultsPerMiB"` // of a mapping; 16 in small folios, 0.5 in those of 2 MiB; 0 when not cached
}

func (s State) String() string {
	return fmt.Sprintf("%.4g %% cached, %.1f faults per MiB", 100*s.CachedShare, s.FaultsPerMiB)
}

// Share returns the share of the file that is cached, 1 of an empty file.
func Share(name string) (float64, error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil || fi.Size() == 0 {
		return 1, err
	}
	n, err := cachedPages(f, 0, 0)
	page := int64(os.Getpagesize())
	return float64(n) / float64((fi.Size()+page-1)/page), err
}

// probeBytes is how much of a file Look maps.
const probeBytes = 64 << 20

// Look returns the state of the file. It maps a part of a file that is cached as
// a whole, for as long as it looks.
func Look(name string) (s State, err error) {
	if s.CachedShare, err = Share(name); err != nil || s.CachedShare < 1 {
		return s, err
	}
	f, err := os.Open(name)
	if err != nil {
		return s, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil || fi.Size() == 0 {
		return s, err
	}
	// From the middle: the folios at the beginning are still growing.
	off := fi.Size() / 2 / (2 << 20) * (2 << 20)
	n := int(min(fi.Size()-off, probeBytes))
	p, err := unix.Mmap(int(f.Fd()), off, n, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return s, &os.PathError{Op: "mmap", Path: name, Err: err}
	}
	before, err := faults()
	runtime.KeepAlive(touch(p)) // else the compiler leaves the reads out
	after, err2 := faults()
	s.FaultsPerMiB = float64(after-before) / (float64(n) / (1 << 20))
	if err == nil {
		err = err2
	}
	if err == nil {
		err = unix.Munmap(p)
	}
	return s, err
}

// touch reads a byte of every page.
func touch(p []byte) (sum byte) {
	for i := 0; i < len(p); i += os.Getpagesize() {
		sum += p[i]
	}
	return sum
}

// faults returns how many page faults the process has had.
func faults() (int64, error) {
	var u unix.Rusage
	err := unix.Getrusage(unix.RUSAGE_SELF, &u)
	return u.Minflt + u.Majflt, err
}

// DeviceBytes returns how many bytes the process has had read from devices so
// far, by io_uring too. What other processes, or the kernel's own threads, read
// is not in it.
func DeviceBytes() (int64, error) {
	var u unix.Rusage
	err := unix.Getrusage(unix.RUSAGE_SELF, &u)
	return u.Inblock * 512, os.NewSyscallError("getrusage", err)
}

// leastFromDevice is the share of the bytes of a cold file that have to come from
// the device: the kernel may read a block with another.
const leastFromDevice = 0.99

// CameFromDevice returns an error unless about all of size bytes did, of a file
// that was not cached; n is by how much DeviceBytes grew.
func CameFromDevice(n, size int64) error {
	if float64(n) < leastFromDevice*float64(size) {
		return fmt.Errorf("%d bytes came from the device, of %d", n, size)
	}
	return nil
}

// WarmMemory uses n bytes of memory once and gives them back, so that the
// machine has them when the page cache wants them.
func WarmMemory(n int64) error {
	p, err := unix.Mmap(-1, 0, int(n), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return os.NewSyscallError("mmap", err)
	}
	for i := 0; i < len(p); i += os.Getpagesize() {
		p[i] = 1
	}
	return os.NewSyscallError("munmap", unix.Munmap(p))
}
