package source

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/internal/childtest"
	"github.com/oriel-go/oriel/internal/threadtest"
	"github.com/oriel-go/oriel/window"
)

// wantMapped fails unless all of f's text is lent of a mapping, with that
// residency.
func wantMapped(t *testing.T, f *File, text []byte, r window.Residency) {
	t.Helper()
	for _, off := range []int{0, 2<<20 - 5, len(text) - 10} {
		w, err := f.ReadManagedAt(t.Context(), int64(off), 10)
		if err != nil {
			t.Error(err)
			continue
		}
		if i := w.Info(); i.Residency != r || i.Source != "mmap" || !i.Locked || !bytes.Equal(w.Bytes(), text[off:off+10]) {
			t.Errorf("at %d: %+v, right %v; want it %v", off, i, bytes.Equal(w.Bytes(), text[off:off+10]), r)
		}
		w.Release()
	}
	wantText(t, f, text)
}

// sharedMemory makes a file of a text where files are memory.
func sharedMemory(t *testing.T, text []byte) string {
	t.Helper()
	const where = "/dev/shm"
	var st unix.Statfs_t
	if err := unix.Statfs(where, &st); err != nil || int64(st.Type) != unix.TMPFS_MAGIC {
		t.Skip("no tmpfs at ", where)
	}
	dir, err := os.MkdirTemp(where, "oriel-test-")
	if err != nil {
		t.Skip("no room for a file in memory: ", err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	name := filepath.Join(dir, "file")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestWhatIsMapped(t *testing.T) {
	text := random(textBytes)
	for what, name := range map[string]func(*testing.T) string{
		"a file":           func(t *testing.T) string { return write(t, text) },
		"a file in memory": func(t *testing.T) string { return sharedMemory(t, text) },
		"a read-only file": func(t *testing.T) string {
			name := write(t, text)
			if err := os.Chmod(name, 0o400); err != nil {
				t.Fatal(err)
			}
			return name
		},
		"a file that others have open for reading": func(t *testing.T) string {
			name := write(t, text)
			h, err := os.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { h.Close() })
			return name
		},
	} {
		t.Run(what, func(t *testing.T) {
			rt, o := guarded(t)
			f := openAt(t, name(t), o)
			wantMapped(t, f, text, window.Guarded)
			if e := f.Explain(); e.Guard != "read lease" || e.Source != "mmap" || rt.Stats().Guard.Leases != 1 {
				t.Errorf("%d leases; explained as %v", rt.Stats().Guard.Leases, e)
			}
		})
	}
}

// memoryFile makes a memfd of a text, and seals it.
func memoryFile(t *testing.T, text []byte, seals int) *os.File {
	t.Helper()
	fd, err := unix.MemfdCreate("oriel-test", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		t.Skip("no memfd here: ", err)
	}
	h := os.NewFile(uintptr(fd), "memfd")
	t.Cleanup(func() { h.Close() })
	if _, err := h.Write(text); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.FcntlInt(h.Fd(), unix.F_ADD_SEALS, seals); err != nil {
		t.Fatal(err)
	}
	return h
}

// The kernel grants a lease on a memory file while its maker has it open for
// writing, and breaks none for what is written by that.
func TestAMemoryFileIsMappedWhenItIsSealed(t *testing.T) {
	rt, o := guarded(t)
	text := random(textBytes)
	for what, seals := range map[string]int{
		"none": 0, "shrink": unix.F_SEAL_SHRINK, "write": unix.F_SEAL_WRITE, "grow": unix.F_SEAL_GROW | unix.F_SEAL_SHRINK,
		"future writes": unix.F_SEAL_FUTURE_WRITE | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL,
	} {
		f, err := NewFile(memoryFile(t, text, seals), o)
		wantError(t, err, window.ErrRefused, "open", "memfd", 0)
		if err != nil && !strings.Contains(err.Error(), "its maker may still write unless it is sealed") {
			t.Errorf("the error %q does not say why", err)
		}
		if f != nil {
			t.Errorf("a memory file with the seals %q is mapped", what)
			f.Close()
		}
	}
	for _, seals := range []int{unix.F_SEAL_SHRINK | unix.F_SEAL_WRITE, unix.F_SEAL_SHRINK | unix.F_SEAL_WRITE | unix.F_SEAL_GROW | unix.F_SEAL_SEAL} {
		h := memoryFile(t, text, seals)
		f, err := NewFile(h, o)
		if err != nil {
			t.Fatal(err)
		}
		wantMapped(t, f, text, window.Guarded)
		if e := f.Explain(); e.Guard != "seals" || !strings.Contains(e.String(), "kept still by: seals") || rt.Stats().Guard.Leases != 0 {
			t.Errorf("%d leases; explained as %v", rt.Stats().Guard.Leases, e)
		}
		if err := h.Truncate(0); !errors.Is(err, unix.EPERM) {
			t.Errorf("a sealed file was truncated: %v", err)
		}
		f.Close()
	}
	if n := rt.Stats().Guard; n.Breaks != 0 {
		t.Errorf("%+v, want no breaks", n)
	}
}

// Whatever was refused for want of a guard is mapped when the caller promises.
func TestAPromiseMapsEveryRegularFile(t *testing.T) {
	for _, r := range refusals {
		t.Run(r.what, func(t *testing.T) {
			guarded(t)
			rt := newRuntime(t, r.limits)
			a := r.arrange(t)
			check := func() {
				f, err := Open(t.Context(), a.name, &Options{Runtime: rt, Source: Mmap, Immutable: true, Pattern: Reuse})
				if strings.Contains(r.reason, "may be locked") || strings.Contains(r.reason, "regular") {
					wantError(t, err, window.ErrRefused, "open", a.name, 0)
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				defer f.Close()
				if len(a.text) > textBytes/2 { // the files of /proc have no size
					wantMapped(t, f, a.text, window.Trusted)
				}
				wantText(t, f, a.text)
				if e := f.Explain(); e.Guard != "the caller's promise" || rt.Stats().Guard.Leases != 0 {
					t.Errorf("%d leases; explained as %v", rt.Stats().Guard.Leases, e)
				}
			}
			if a.prepare != nil {
				threadtest.Run(t, a.prepare, check)
			} else {
				check()
			}
		})
	}
}

// nobodyRole maps the file it is told of as a user who may lock nothing.
func nobodyRole(t *testing.T) {
	name, _ := childtest.Hear()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{}); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		if err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(nobody), syscall.Setuid(nobody)); err != nil {
			childtest.Tell("skip: the process cannot become nobody: ", err)
			return
		}
	}
	for _, l := range []struct {
		limits Limits
		reason string
	}{
		{Limits{}, "0 bytes may be locked"},
		{Limits{LockBytes: leastLock}, "locking memory (RLIMIT_MEMLOCK): "},
	} {
		rt := newRuntime(t, l.limits)
		a := arranged{name, text, nil}
		wantRefused(t, rt, a, l.reason)
		wantSameBytes(t, rt, a)
		if l.limits.LockBytes == 0 {
			f := openAt(t, name, &Options{Runtime: rt})
			if e := f.Explain(); e.LockBytes != 0 || e.LockFrom != "RLIMIT_MEMLOCK" {
				t.Errorf("%d bytes may be locked, because of %s", e.LockBytes, e.LockFrom)
			}
		}
	}
}

const nobody = 65534

func TestWhoMayLockNothingMapsNothing(t *testing.T) {
	guarded(t)
	name := write(t, random(textBytes))
	if os.Getuid() == 0 {
		for _, dir := range []string{filepath.Dir(name), filepath.Dir(filepath.Dir(name))} {
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chown(name, nobody, nobody); err != nil { // so that the lease is not what is refused
			t.Skip("files cannot be given to others: ", err)
		}
	}
	c := childtest.Start(t, "nobody")
	c.Tell(name)
	c.Good()
}
