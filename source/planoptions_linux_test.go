package source

import (
	"errors"
	"strings"
	"testing"

	"github.com/oriel-go/oriel/window"
)

// Options that exclude each other are an error that names both.
func TestOptionsThatExcludeEachOther(t *testing.T) {
	rt := newRuntime(t, Limits{})
	name := write(t, random(100))
	for kind, named := range map[Kind]string{Pread: "pread", Mmap: "mmap"} {
		o := &Options{Runtime: rt, Source: kind, Direct: DirectAlways}
		f, err := Open(t.Context(), name, o)
		if f != nil {
			t.Error("Open returned a File")
			f.Close()
		}
		r, err2 := OpenReader(t.Context(), name, o)
		if r != nil {
			t.Error("OpenReader returned a Reader")
			r.Close()
		}
		for _, err := range []error{err, err2} {
			wantError(t, err, window.ErrOption, "open", name, 0)
			if err == nil {
				continue
			}
			for _, part := range []string{"Direct: always", "Source: " + named} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error %q does not name %q", err, part)
				}
			}
		}
		b := FromBytes([]byte("x"), o)
		_, err = b.ReadManagedAt(t.Context(), 0, 1)
		if !errors.Is(err, window.ErrOption) {
			t.Errorf("bytes of such options are read: %v", err)
		}
		b.Close()
	}
	for _, o := range []Options{
		{Source: Pread, Direct: DirectNever}, {Source: Mmap, Direct: DirectNever}, {Direct: DirectNever}, {Source: Uring, Direct: DirectNever},
		{Source: Uring, Direct: DirectAlways}, {Direct: DirectAlways}, {Direct: DirectAlways, Pattern: Random},
	} {
		if _, err := o.check(); err != nil {
			t.Errorf("%v with Direct: %v is %v", o.Source, o.Direct, err)
		}
	}
	if s := rt.Stats(); s.Files != 0 || s.Memory.InUseBytes != 0 {
		t.Errorf("after the errors: %+v", s)
	}
}

// Left the choice of the source, reading past the page cache is forced all the
// same.
func TestPastTheCacheAlways(t *testing.T) {
	rt := newRuntime(t, Limits{LockBytes: fewLocked})
	o := &Options{Runtime: rt, Direct: DirectAlways}
	ringing(t, o)
	text := random(planBytes)
	name := write(t, text)
	warm(t, name) // and it is read past the cache although that has it
	f := openAt(t, name, o)
	p := passOf(t, f, nil, text)
	if p.windows["uring"] == 0 || len(p.windows) != 1 || !p.Forced || p.Source != "uring" || len(p.Switches) != 0 {
		t.Errorf("windows by %v:\n%s", p.windows, p)
	}
	if !strings.Contains(p.Why, "Direct: always is forced") || !strings.Contains(p.Direct, "always") {
		t.Errorf("said is %q, and %q", p.Why, p.Direct)
	}
	if by := wantAt(t, f, text, 12345, 6789); by != "uring" {
		t.Errorf("at an offset it is read by %s", by)
	}
}

// Where it cannot be, it is refused, and the error says what.
func TestPastTheCacheWhereItCannotBe(t *testing.T) {
	rt := newRuntime(t, Limits{})
	o := &Options{Runtime: rt, Direct: DirectAlways}
	ringing(t, o)
	off := newRuntime(t, Limits{InFlight: -1})
	for _, tt := range []struct {
		what, name string
		o          *Options
		at         error // of Open
	}{
		{"where there is no ring", write(t, random(100)), &Options{Runtime: off, Direct: DirectAlways}, window.ErrRefused},
		{"a pipe", mkfifo(t), o, window.ErrUnsupported},
		{"a device", "/dev/zero", o, window.ErrUnsupported},
		{"a file that is made when it is read", "/proc/version", o, window.ErrRefused},
	} {
		t.Run(tt.what, func(t *testing.T) {
			_, err := Open(t.Context(), tt.name, tt.o)
			wantError(t, err, tt.at, "open", tt.name, 0)
			_, err = OpenReader(t.Context(), tt.name, tt.o)
			wantError(t, err, window.ErrRefused, "open", tt.name, 0)
			if err != nil && !strings.Contains(err.Error(), "Direct: always") {
				t.Errorf("the refusal %q does not say of what", err)
			}
		})
	}
	if s := rt.Stats(); s.Files != 0 || s.Memory.InUseBytes != 0 {
		t.Errorf("after the refusals: %+v", s)
	}
}

// Files in memory can be read so since Linux 6.6, and are refused before.
func TestPastTheCacheOfAFileInMemory(t *testing.T) {
	rt := newRuntime(t, Limits{})
	o := &Options{Runtime: rt, Direct: DirectAlways}
	ringing(t, o)
	text := random(textBytes)
	name := sharedMemory(t, text)
	f, err := Open(t.Context(), name, o)
	if errors.Is(err, window.ErrRefused) {
		if !strings.Contains(err.Error(), "Direct: always") {
			t.Errorf("the refusal %q does not say of what", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if p := passOf(t, f, nil, text); len(p.windows) != 1 || p.windows["uring"] == 0 {
		t.Errorf("windows by %v", p.windows)
	}
}
