package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/uringsrc/uringtest"
	"github.com/oriel-go/oriel/window"
)

// A page that cannot be read: what is before it is delivered first, the error
// has its place and is not taken for the end, and it is not asked of pread.
func TestRingErrorInTheMiddleOfAFile(t *testing.T) {
	const size, windowBytes = 1 << 20, 64 << 10
	text := random(size)
	for mode, o := range ringModes {
		for i, faults := range []uringtest.Faults{{}, slow, {Late: 500, Short: 500, ShortUnit: 512}, {}, slow} {
			bad := int64(5 * windowBytes) // at the beginning of a window, with others behind it in flight,
			if i < 3 {
				bad += 8 << 10 // or in it
			}
			t.Run(fmt.Sprintf("%s/%d", mode, i), func(t *testing.T) {
				rt, _ := simulated(t, Limits{}, 1, uringtest.Options{Faults: faults, Content: func(fd int, p []byte, off int64) (int, error) {
					switch {
					case off >= bad && off < bad+Granularity:
						return 0, syscall.EIO
					case off < bad && off+int64(len(p)) > bad:
						p = p[:bad-off]
					}
					return uringtest.Pread(fd, p, off)
				}})
				o.WindowBytes = windowBytes
				name := write(t, text)
				f := ringed(t, rt, name, o)
				r := f.NewReader(nil)
				defer r.Close()
				p, err := readAll(t.Context(), r)
				if !bytes.Equal(p, text[:bad]) {
					t.Errorf("%d bytes came before the error, want %d", len(p), bad)
				}
				wantError(t, err, syscall.EIO, "read", name, bad)
				_, err = r.ReadManaged(t.Context())
				wantError(t, err, syscall.EIO, "read", name, bad)
				if err := r.SeekTo(bad + Granularity); err != nil {
					t.Fatal(err)
				}
				wantBytes(t, r, text[bad+Granularity:])

				_, err = f.ReadManagedAt(t.Context(), bad-100, 300)
				wantError(t, err, syscall.EIO, "read", name, bad)
				n, err := f.ReadInto(t.Context(), make([]byte, 300), bad-100)
				if wantError(t, err, syscall.EIO, "read", name, bad); n != 100 {
					t.Errorf("ReadInto = %d, want the 100 bytes before the error", n)
				}
				_, err = tryUntilReady(t, f, bad+5, 10)
				wantError(t, err, syscall.EIO, "read", name, bad+5)
				wantRange(t, f, bytes.NewReader(text), 0, int(bad))
				if e := f.Explain(); e.Unringed != "" {
					t.Errorf("the ring is said not to serve: %s", e.Unringed)
				}
			})
		}
	}
}

// A real device that ends before it should: blocks beyond cannot be read.
func TestRingErrorOfADevice(t *testing.T) {
	const size, good, windowBytes = 8 << 20, 3<<20 + 4<<10, 64 << 10
	text := random(size)
	name := write(t, text)
	dev := loopDevice(t, name)
	for mode, o := range ringModes {
		t.Run(mode, func(t *testing.T) {
			if err := os.WriteFile(name, text, 0o600); err != nil {
				t.Fatal(err)
			}
			rt := newRuntime(t, Limits{})
			o.WindowBytes = windowBytes
			f := ringed(t, rt, dev, o)
			if f.Size() != size {
				t.Fatalf("the device has %d bytes", f.Size())
			}
			if err := os.Truncate(name, good); err != nil {
				t.Fatal(err)
			}
			h, err := os.Open(dev)
			if err != nil {
				t.Fatal(err)
			}
			defer h.Close()
			if err := unix.Fadvise(int(h.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
				t.Fatal(err)
			}
			r := f.NewReader(nil)
			defer r.Close()
			p, err := readAll(t.Context(), r)
			if err == nil && len(p) == size {
				t.Skip("this kernel reads what a loop device's file has not")
			}
			// How much of the last window comes is the kernel's to say: of a folio, or
			// of a read past the page cache, it gives all or nothing.
			if n := len(p); n < good-windowBytes || n > good || !bytes.Equal(p, text[:n]) {
				t.Errorf("%d bytes came before the error, want up to %d", n, good)
			}
			wantError(t, err, syscall.EIO, "read", dev, int64(len(p)))
			_, err = f.ReadManagedAt(t.Context(), good+512, 512)
			wantError(t, err, syscall.EIO, "read", dev, good+512)
			wantRange(t, f, bytes.NewReader(text), 1000, 100_000)
		})
	}
}

// wantAll reads a file in every way and compares.
func wantAll(t *testing.T, f *File, text []byte) {
	t.Helper()
	r := f.NewReader(nil)
	defer r.Close()
	wantBytes(t, r, text)
	for _, off := range []int64{0, 1, 5000, int64(len(text)) - 4097} {
		w, err := f.ReadManagedAt(t.Context(), off, 4097)
		if err != nil || !bytes.Equal(w.Bytes(), text[off:off+4097]) {
			t.Errorf("ReadManagedAt(%d) = %v, %v", off, w, err)
		}
		w.Release()
		w, err = tryUntilReady(t, f, off, 4097)
		if err != nil || !bytes.Equal(w.Bytes(), text[off:off+4097]) {
			t.Errorf("TryReadManagedAt(%d) = %v, %v", off, w, err)
		}
		w.Release()
		p := make([]byte, 4097)
		if n, err := f.ReadAt(p, off); n != len(p) || err != nil || !bytes.Equal(p, text[off:off+4097]) {
			t.Errorf("ReadAt(%d) = %d, %v", off, n, err)
		}
	}
}

// A ring that can be made and that a read then is refused by: pread reads the
// same bytes from then on, and Explain says why.
func TestRingRefusedAtTheFirstRead(t *testing.T) {
	text := random(300_000)
	name := write(t, text)
	for _, errno := range []syscall.Errno{syscall.EINVAL, syscall.EOPNOTSUPP, syscall.ENOSYS, syscall.EPERM, syscall.EACCES} {
		for mode, o := range ringModes {
			t.Run(fmt.Sprintf("%s/%v", mode, errno), func(t *testing.T) {
				rt, sim := simulated(t, Limits{}, 1, uringtest.Options{Content: func(int, []byte, int64) (int, error) { return 0, errno }})
				o.WindowBytes = 16 << 10
				f := ringed(t, rt, name, o)
				wantAll(t, f, text)
				e := f.Explain()
				if e.Unringed == "" || !strings.Contains(e.Unringed, errno.Error()) || !strings.Contains(e.String(), e.Unringed) {
					t.Errorf("Explain does not say why pread serves: %q in\n%v", e.Unringed, e)
				}
				asked := sim.Counts().Submitted
				if wantAll(t, f, text); sim.Counts().Submitted != asked || asked > 8 {
					t.Errorf("the ring was asked %d times, and %d more", asked, sim.Counts().Submitted-asked)
				}
				if f.Stats().Ringed != 0 {
					t.Errorf("%+v of a ring that has read nothing", f.Stats())
				}
			})
		}
	}
}

// A ring that fails while it is in use, for every File at once.
func TestRingFailsInUse(t *testing.T) {
	text := random(600_000)
	name := write(t, text)
	for _, at := range []int{1, 2, 5, 20, 50} {
		for _, faults := range []uringtest.Faults{{}, slow} {
			t.Run(fmt.Sprint(at), func(t *testing.T) {
				faults.EnterFails, faults.EnterError = at, syscall.EPERM
				rt, _ := simulated(t, Limits{}, 1, uringtest.Options{Faults: faults, Seats: at % 3})
				var all sync.WaitGroup
				var unringed atomic.Int64
				for i := range 6 {
					f := ringed(t, rt, name, Options{Direct: []Direct{DirectNever, DirectAlways}[i%2], WindowBytes: 16 << 10})
					all.Go(func() {
						wantAll(t, f, text)
						if strings.Contains(f.Explain().Unringed, "operation not permitted") {
							unringed.Add(1)
						}
					})
				}
				all.Wait()
				if unringed.Load() == 0 {
					t.Error("nobody says that the ring failed")
				}
			})
		}
	}
}

// RWF_DONTCACHE, which what is read once asks for, is not everywhere: the ring
// serves without, also when several reads with it are refused that were on their way.
func TestRingWithoutDontCache(t *testing.T) {
	text := random(300_000)
	var opened atomic.Pointer[ringFile]
	var refusals atomic.Int64
	rt, _ := simulated(t, Limits{}, 1, uringtest.Options{Content: func(fd int, p []byte, off int64) (int, error) {
		if opened.Load().once.Load() {
			refusals.Add(1)
			return 0, syscall.EOPNOTSUPP
		}
		return uringtest.Pread(fd, p, off)
	}})
	f := ringed(t, rt, write(t, text), Options{Direct: DirectNever, Pattern: Once, WindowBytes: 16 << 10})
	opened.Store(f.ring)
	offs := []int64{0, 40_000, 100_000}
	for _, off := range offs {
		if _, err := f.TryReadManagedAt(t.Context(), off, 5000); !errors.Is(err, window.ErrNotReady) {
			t.Fatalf("TryReadManagedAt = %v, want ErrNotReady", err)
		}
	}
	waitFor(t, "all to be refused", func() bool { return refusals.Load() == int64(len(offs)) })
	for _, off := range offs {
		w, err := tryUntilReady(t, f, off, 5000)
		if err != nil || !bytes.Equal(w.Bytes(), text[off:off+5000]) {
			t.Errorf("TryReadManagedAt(%d) = %v, %v", off, w, err)
		}
		w.Release()
	}
	wantAll(t, f, text)
	if e := f.Explain(); e.Unringed != "" || f.Stats().Ringed == 0 {
		t.Errorf("the ring does not serve: %q; %+v", e.Unringed, f.Stats())
	}
}

// A file system that says no to O_DIRECT when it is read: what could be read past
// the page cache is read through it, by the ring.
func TestRingRefusesDirectReads(t *testing.T) {
	text := random(300_000)
	for _, errno := range []syscall.Errno{syscall.EINVAL, syscall.EOPNOTSUPP} {
		rt, _ := simulated(t, Limits{}, 1, uringtest.Options{Content: func(fd int, p []byte, off int64) (int, error) {
			if isDirect(fd) {
				return 0, errno
			}
			return uringtest.Pread(fd, p, off)
		}})
		f := ringed(t, rt, write(t, text), Options{Direct: DirectAlways, WindowBytes: 16 << 10})
		wantAll(t, f, text)
		if e := f.Explain(); e.Unringed != "" || f.Stats().Ringed == 0 || strings.HasPrefix(e.Direct, "always") {
			t.Errorf("%v: the ring does not serve, or it is said to read past the cache: %q, %q; %+v", errno, e.Unringed, e.Direct, f.Stats())
		}
	}
}

// Files that cannot be opened with O_DIRECT: always is refused, auto reads them
// through the page cache and says why.
func TestRingDirectIsRefusedWhenTheFileIsOpened(t *testing.T) {
	const name = "/proc/sys/kernel/ostype"
	want, err := os.ReadFile(name)
	if err != nil {
		t.Skip("no ", err)
	}
	rt := newRuntime(t, Limits{})
	ringing(t, &Options{Runtime: rt, Source: Uring})
	_, err = Open(t.Context(), name, &Options{Runtime: rt, Source: Uring, Direct: DirectAlways})
	if wantError(t, err, window.ErrRefused, "open", name, 0); err == nil || !strings.Contains(err.Error(), "Direct: always") {
		t.Errorf("the error does not say what was refused: %v", err)
	}
	for _, d := range []Direct{DirectAuto, DirectNever} {
		f := openAt(t, name, &Options{Runtime: rt, Source: Uring, Direct: d, Pattern: Once})
		w, err := f.ReadManagedAt(t.Context(), 0, 100)
		if err != nil || !bytes.Equal(w.Bytes(), want) {
			t.Errorf("%v: %v, %v", d, w, err)
		}
		w.Release()
		if e := f.Explain(); e.Direct == "" || d == DirectAuto && !strings.Contains(e.Direct, "invalid argument") {
			t.Errorf("%v: Explain says %q", d, e.Direct)
		}
		f.Close()
	}
}

// Other file systems may refuse O_DIRECT, RWF_DONTCACHE or RWF_NOWAIT: they are
// read all the same, or refused when they are opened.
func TestRingOnOtherFileSystems(t *testing.T) {
	text := random(300_000)
	for _, dir := range []string{"/dev/shm", "/run", "/sys/kernel/mm", "/tmp"} {
		name := filepath.Join(dir, fmt.Sprint("oriel-test-", os.Getpid()))
		if err := os.WriteFile(name, text, 0o600); err != nil {
			continue
		}
		t.Cleanup(func() { os.Remove(name) })
		for mode, o := range ringModes {
			rt := newRuntime(t, Limits{})
			o.Runtime, o.Source, o.WindowBytes = rt, Uring, 16<<10
			ringing(t, &Options{Runtime: rt, Source: Uring})
			f, err := Open(t.Context(), name, &o)
			if err != nil {
				if wantError(t, err, window.ErrRefused, "open", name, 0); mode != "direct" {
					t.Errorf("%s: %v", mode, err)
				}
				continue
			}
			wantAll(t, waits(f), text)
			f.Close()
		}
	}
	// Files that are made as they are read.
	for _, name := range []string{"/proc/self/status", "/sys/kernel/mm/transparent_hugepage/enabled", "/proc/version"} {
		want, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		rt := newRuntime(t, Limits{})
		f := waits(openAt(t, name, &Options{Runtime: rt, Source: Uring}))
		r := f.NewReader(nil)
		p, err := readAll(t.Context(), r)
		if err != nil || len(p) == 0 || name != "/proc/self/status" && !bytes.Equal(p, want) {
			t.Errorf("%s: %d bytes, %v, want %d", name, len(p), err, len(want))
		}
		if _, err := f.ReadManagedAt(t.Context(), int64(len(want))+9000, 10); err != io.EOF {
			t.Errorf("%s beyond its end: %v", name, err)
		}
		r.Close()
		f.Close()
	}
}
