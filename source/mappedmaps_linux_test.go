package source

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/internal/childtest"
	"github.com/oriel-go/oriel/window"
)

// mostMaps bounds what a test fills the table of mappings with, each of which
// takes 200 bytes of the kernel's.
const mostMaps = 1 << 17

// A glutton has all of the process's mappings but a few.
type glutton []byte

// eat makes mappings until there are no more, and then gives so many back.
func eat(t *testing.T, left int) glutton {
	t.Helper()
	page := os.Getpagesize()
	p, err := unix.Mmap(-1, 0, 2*mostMaps*page, unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	for ; at < len(p); at += 2 * page { // what lies between pages that can be read cannot be: two mappings more
		if err = unix.Mprotect(p[at:at+page], unix.PROT_READ); err != nil {
			break
		}
	}
	if !errors.Is(err, unix.ENOMEM) {
		t.Fatalf("there are more mappings than %d, or %v", mostMaps, err)
	}
	// Less than two are left, and then those of so many pages.
	for i := range left {
		drop := p[i*page : (i+1)*page]
		if _, _, e := unix.Syscall(unix.SYS_MUNMAP, addressOf(drop), uintptr(page), 0); e != 0 {
			t.Fatal(e)
		}
	}
	return p
}

// spew gives all mappings back.
func (p glutton) spew(t *testing.T) {
	t.Helper()
	if err := unix.Munmap(p); err != nil {
		t.Error(err)
	}
}

// mapsRole has windows out while hardly any mapping more can be made.
func mapsRole(t *testing.T) {
	if n := maxMaps(t); n > mostMaps {
		childtest.Tell(fmt.Sprintf("skip: filling a table of %d mappings takes too much memory", n))
		return
	}
	debug.SetGCPercent(-1) // the Go runtime ends the process where it gets no memory
	ballast := make([][]byte, 0, 64)
	for range cap(ballast) {
		ballast = append(ballast, make([]byte, 1<<20))
	}
	runtime.KeepAlive(ballast)
	ballast = nil
	runtime.GC()
	_, o := guarded(t)
	text := random(textBytes)
	for _, left := range []int{-1, 0, 1, 3, 5, 8, 16} { // the first with all of them
		crowded(t, o, text, left)
	}
	childtest.Tell("done")
}

// crowded lets a writer come to a file of which windows are held, while so many
// mappings can be made, give or take one.
func crowded(t *testing.T, o *Options, text []byte, left int) {
	t.Helper()
	name := write(t, text)
	f, plain := openAt(t, name, o), openAt(t, name, &Options{Runtime: o.Runtime})
	h := hold(t, f, text)
	small := make([]byte, 4096)
	read := func(f *File, off int64) {
		w, err := f.ReadManagedAt(t.Context(), off, len(small))
		if err != nil {
			var e *window.Error
			if left < 0 || !errors.As(err, &e) || !errors.Is(err, unix.ENOMEM) {
				t.Errorf("%d left: a read at %d: %v", left, off, err)
			}
			return
		}
		if !bytes.Equal(w.Bytes(), text[off:off+int64(len(small))]) {
			t.Errorf("%d left: other bytes at %d", left, off)
		}
		w.Release()
	}
	read(plain, 0)
	var rest glutton
	if left >= 0 {
		rest = eat(t, left)
	}
	for _, off := range []int64{4096, 2<<20 - 5, 3 << 20, 4 << 20} {
		read(f, off)
		read(plain, off)
	}
	another, err := Open(t.Context(), name, o)
	if err == nil {
		read(another, 5)
		another.Close()
	} else if wantError(t, err, window.ErrRefused, "open", name, 0); left < 0 || !errors.Is(err, unix.ENOMEM) {
		t.Errorf("%d left: %v", left, err)
	}
	enough, patience := left < 0 || left > 8, 100*time.Millisecond
	if enough { // or the writer waits for the windows
		patience = 10 * time.Second
	}
	done := make(chan error, 1)
	go func() { done <- doDeed("truncate to nothing", name) }()
	waits := false
	select {
	case err = <-done:
	case <-time.After(patience):
		waits = true
	}
	if waits && enough {
		t.Errorf("%d left: a writer waits although there are mappings enough", left)
	}
	for _, w := range h.list {
		if !bytes.Equal(w.Bytes(), w.was) || !waits && w.Info().Residency != window.Private {
			t.Errorf("%d left: the window at %d: same %v, %+v, waits %v", left, w.Off(), bytes.Equal(w.Bytes(), w.was), w.Info(), waits)
		}
	}
	h.release()
	if waits { // as long as there were windows
		err = <-done
	}
	if err != nil {
		t.Error(err)
	}
	if rest != nil {
		rest.spew(t)
	}
	f.Close()
	plain.Close()
}

// maxMaps returns how many mappings a process may have.
func maxMaps(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile("/proc/sys/vm/max_map_count")
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestMoreMappingsThanTheSystemAllows(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector ends a process that can map no more")
	}
	guarded(t)
	c := childtest.Start(t, "maps")
	if s := c.Hear(); s != "done" {
		t.Error(s)
	}
	c.Good()
}
