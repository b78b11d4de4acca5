package source

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/internal/threadtest"
	"github.com/oriel-go/oriel/window"
)

// A refusal is a file that must not be mapped.
type refusal struct {
	what    string
	limits  Limits
	arrange func(t *testing.T) arranged
	reason  string // a part of the error's text
}

// arranged is what a refusal has come to.
type arranged struct {
	name    string
	text    []byte
	prepare func() error // nil, or what is done to the thread that reads it
}

var refusals = []refusal{
	{"a file of the lower folder of an overlay", Limits{}, func(t *testing.T) arranged {
		text := random(textBytes)
		prepare, name, _ := withOverlay(t, text, nil)
		return arranged{name, text, prepare}
	}, "overlayfs"},
	{"a file of the upper folder of an overlay", Limits{}, func(t *testing.T) arranged {
		text := random(textBytes)
		prepare, _, name := withOverlay(t, nil, text)
		return arranged{name, text, prepare}
	}, "overlayfs"},
	{"a file of /proc", Limits{}, func(t *testing.T) arranged {
		const name = "/proc/version"
		text, err := os.ReadFile(name)
		if err != nil {
			t.Skip("no /proc here: ", err)
		}
		return arranged{name, text, nil}
	}, "procfs"},
	{"another owner's file", Limits{}, func(t *testing.T) arranged {
		text := random(textBytes)
		name := write(t, text)
		if err := os.Chown(name, os.Getuid()+1, -1); err != nil {
			t.Skip("files cannot be given to others: ", err)
		}
		return arranged{name, text, withoutLeases}
	}, "the owner of the file or CAP_LEASE"},
	{"a file that is open for writing", Limits{}, func(t *testing.T) arranged {
		text := random(textBytes)
		name := write(t, text)
		h, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { h.Close() })
		return arranged{name, text, nil}
	}, "somebody has it open for writing, or mapped writable"},
	{"a writable shared mapping whose descriptor was closed", Limits{}, func(t *testing.T) arranged {
		text := random(textBytes)
		name := write(t, text)
		h, err := os.OpenFile(name, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		m, err := unix.Mmap(int(h.Fd()), 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		if err != nil {
			t.Fatal(err)
		}
		h.Close()
		t.Cleanup(func() { unix.Munmap(m) })
		return arranged{name, text, nil}
	}, "somebody has it open for writing, or mapped writable"},
	{"leases that the kernel takes away soon", Limits{}, func(t *testing.T) arranged {
		text := random(textBytes)
		return arranged{write(t, text), text, withSysctl(t, "fs/lease-break-time", "2")}
	}, "takes a lease away after 2 s (/proc/sys/fs/lease-break-time)"},
	{"leases that are switched off", Limits{}, func(t *testing.T) arranged {
		text := random(textBytes)
		return arranged{write(t, text), text, withSysctl(t, "fs/leases-enable", "0")}
	}, "switched off (/proc/sys/fs/leases-enable)"},
	{"no memory to lock", Limits{LockBytes: -1}, func(t *testing.T) arranged {
		text := random(textBytes)
		return arranged{write(t, text), text, nil}
	}, "0 bytes may be locked"},
	{"a block device", Limits{}, func(t *testing.T) arranged {
		text := random(2 << 20)
		return arranged{loopDevice(t, write(t, text)), text, nil}
	}, "not a regular file"},
}

func TestWhatMustNotBeMapped(t *testing.T) {
	for _, r := range refusals {
		t.Run(r.what, func(t *testing.T) {
			guarded(t) // or all of it would be refused for another reason
			rt := newRuntime(t, r.limits)
			a := r.arrange(t)
			before := len(descriptorsOf(t, ""))
			check := func() {
				wantRefused(t, rt, a, r.reason)
				wantSameBytes(t, rt, a)
			}
			if a.prepare != nil {
				threadtest.Run(t, a.prepare, check)
			} else {
				check()
			}
			rt.guard.Close() // or the keeper would wait for a lease to come
			waitFor(t, "the descriptors to be closed", func() bool { return len(descriptorsOf(t, "")) <= before })
		})
	}
}

// wantRefused fails unless a file is refused, with a reason, wherever it is to
// be mapped, and nothing is left of it.
func wantRefused(t *testing.T, rt *Runtime, a arranged, reason string) {
	o := &Options{Runtime: rt, Source: Mmap}
	f, err := Open(t.Context(), a.name, o)
	if f != nil {
		t.Error("Open returned a File")
		f.Close()
	}
	r, err2 := OpenReader(t.Context(), a.name, o)
	if r != nil {
		t.Error("OpenReader returned a Reader")
		r.Close()
	}
	for _, err := range []error{err, err2} {
		wantError(t, err, window.ErrRefused, "open", a.name, 0)
		if err != nil && (!strings.Contains(err.Error(), reason) || !strings.Contains(err.Error(), "mmap: ") || strings.Contains(err.Error(), "\n")) {
			t.Errorf("the error %q does not say %q", err, reason)
		}
	}
	s := rt.Stats()
	if s.Guard.Leases != 0 || s.Guard.LockedBytes != 0 || s.Files != 0 || s.Memory.InUseBytes != 0 {
		t.Errorf("after a refusal: %+v", s)
	}
	if fds := descriptorsOf(t, a.name); len(fds) > 1 { // the row's own
		t.Errorf("after a refusal the descriptors %v are left", fds)
	}
}

// wantSameBytes fails unless a file is read where the choice is the library's.
func wantSameBytes(t *testing.T, rt *Runtime, a arranged) {
	r, err := OpenReader(t.Context(), a.name, &Options{Runtime: rt})
	if err != nil {
		t.Error(err)
		return
	}
	defer r.Close()
	if got, err := readAll(t.Context(), r); err != nil || !bytes.Equal(got, a.text) {
		t.Errorf("by %s: %d bytes, %v; want %d, the same ones", r.Explain().Source, len(got), err, len(a.text))
	}
}

func TestWhatIsNoFileIsNotMapped(t *testing.T) {
	o := &Options{Runtime: newRuntime(t, Limits{}), Source: Mmap}
	dir, fifo := t.TempDir(), mkfifo(t)
	for _, tt := range []struct {
		name      string
		at, inRow error // of Open and OpenReader
	}{
		{dir, unix.EISDIR, unix.EISDIR},
		{fifo, window.ErrUnsupported, window.ErrRefused},
		{"/dev/null", window.ErrUnsupported, window.ErrRefused},
	} {
		_, err := Open(t.Context(), tt.name, o)
		wantError(t, err, tt.at, "open", tt.name, 0)
		_, err = OpenReader(t.Context(), tt.name, o)
		wantError(t, err, tt.inRow, "open", tt.name, 0)
		if errors.Is(err, window.ErrRefused) && !strings.Contains(err.Error(), "mmap of a ") {
			t.Errorf("the error %q does not say of what", err)
		}
	}
	r := NewStream(bytes.NewReader(nil), o)
	_, err := r.ReadManaged(t.Context())
	wantError(t, err, window.ErrRefused, "read", "", 0)
	r.Close()
	for _, f := range []*File{FromBytes([]byte("x"), o), New(memoryFetcher("x"), o)} {
		_, err = f.ReadManagedAt(t.Context(), 0, 1)
		wantError(t, err, window.ErrRefused, "read", "", 0)
		if err != nil && !strings.Contains(err.Error(), "mmap of a ") {
			t.Errorf("the error %q does not say of what", err)
		}
		f.Close()
	}
}
