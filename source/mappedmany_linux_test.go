package source

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/internal/childtest"
	"github.com/oriel-go/oriel/window"
)

func TestWindowsOutliveTheirMappedFile(t *testing.T) {
	text := random(textBytes)
	for _, what := range []string{"truncate to nothing", "rewrite", "unlink"} {
		t.Run(what, func(t *testing.T) {
			_, o := guarded(t)
			rt, err := NewRuntime(Limits{LockBytes: leastLock})
			if err != nil {
				t.Fatal(err)
			}
			name := write(t, text)
			f := openAt(t, name, &Options{Runtime: rt, Source: Mmap, Pattern: o.Pattern})
			h := hold(t, f, text)
			f.Close()
			h.want("after File.Close", window.Guarded)
			rt.Close()
			h.want("after Runtime.Close", window.Guarded)
			if n := rt.Stats().Guard.Leases; n != 1 {
				t.Errorf("%d leases keep what is held, want 1", n)
			}
			if err := startWriter(t).do(what, name); err != nil {
				t.Fatal(err)
			}
			for _, w := range h.list {
				if !bytes.Equal(w.Bytes(), w.was) {
					t.Errorf("the window at %d has changed", w.Off())
				}
			}
			h.release()
			waitFor(t, "everything to be given back", func() bool {
				s := rt.Stats()
				return s.Guard.Leases == 0 && s.Guard.LockedBytes == 0 && s.Memory.MappedBytes == 0 && s.Files == 0
			})
		})
	}
}

// readerRole reads the file it is told of, and says how its windows are
// whenever it is asked.
func readerRole(t *testing.T) {
	_, o := guarded(t)
	name, _ := childtest.Hear()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	f := openAt(t, name, o)
	h := hold(t, f, text)
	defer h.release()
	for ok := true; ok; _, ok = childtest.Hear() {
		right := true
		for _, w := range h.list {
			right = right && bytes.Equal(w.Bytes(), w.was)
		}
		childtest.Tell(fmt.Sprintf("%v, all right: %v", h.list[0].Info().Residency, right))
	}
}

func TestSeveralWhoReadOneFile(t *testing.T) {
	_, o := guarded(t)
	text := random(textBytes)
	name := write(t, text)
	who := startWriter(t)
	other, another := childtest.Start(t, "reader"), childtest.Start(t, "reader")
	for _, c := range []*childtest.Child{other, another} {
		c.Tell(name)
		if s := c.Hear(); s != "guarded, all right: true" {
			t.Errorf("another process: %s", s)
		}
	}
	var held []*holding
	for _, rt := range []*Runtime{o.Runtime, newRuntime(t, Limits{LockBytes: leastLock})} { // each with a keeper
		f := openAt(t, name, &Options{Runtime: rt, Source: Mmap, Pattern: Reuse})
		h := hold(t, f, text)
		defer h.release()
		held = append(held, h)
	}
	third := openAt(t, name, o) // and one of the same Runtime
	w := (&holding{t: t}).read(third, 100, 100, text)
	defer w.Release()
	if err := who.do("truncate to nothing", name); err != nil {
		t.Fatal(err)
	}
	for _, h := range held {
		for _, w := range h.list {
			if !bytes.Equal(w.Bytes(), w.was) || w.Info().Residency != window.Private {
				t.Errorf("the window at %d: %+v", w.Off(), w.Info())
			}
		}
	}
	if !bytes.Equal(w.Bytes(), text[100:200]) {
		t.Error("the window of the third File has changed")
	}
	for _, c := range []*childtest.Child{other, another} {
		c.Tell("again")
		if s := c.Hear(); s != "private, all right: true" {
			t.Errorf("another process: %s", s)
		}
		c.Good()
	}
	who.c.Good()
}

func TestSeveralWritersAtOnce(t *testing.T) {
	_, o := guarded(t)
	text := random(textBytes)
	name := write(t, text)
	a, b := startWriter(t), startWriter(t)
	for range 5 {
		f := openAt(t, name, o)
		h := hold(t, f, text)
		var wg sync.WaitGroup
		for i, who := range []writer{a, b, thisProcess{}, thisProcess{}, thisProcess{}} {
			what := []string{"open for writing only", "open for reading and writing"}[i%2]
			wg.Go(func() {
				if err := who.do(what, name); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		h.wantFrozen("after all writers")
		waitGuarded(t, f, text)
		h.release()
		f.Close()
	}
}

// A child that was forked while windows were out has the descriptor that the
// lease is held by, until it runs another program; one that keeps it must not
// keep writers waiting.
func TestAForkedChildDoesNotKeepTheLease(t *testing.T) {
	rt, o := guarded(t)
	text := random(textBytes)
	name := write(t, text)
	f := openAt(t, name, o)
	h := hold(t, f, text)
	cmd := exec.Command("sleep", "60")
	for _, fd := range descriptorsOf(t, name) {
		d, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		inherited := os.NewFile(uintptr(d), "inherited")
		defer inherited.Close()
		cmd.ExtraFiles = append(cmd.ExtraFiles, inherited)
	}
	if len(cmd.ExtraFiles) != 2 {
		t.Errorf("%d descriptors of the file, want one to read and one to guard", len(cmd.ExtraFiles))
	}
	if err := cmd.Start(); err != nil {
		t.Skip("no other program runs here: ", err)
	}
	defer func() {
		cmd.Process.Kill()
		cmd.Wait()
	}()
	for _, d := range cmd.ExtraFiles {
		d.Close()
	}
	h.want("after a fork", window.Guarded)
	h.release()
	f.Close()
	waitFor(t, "the lease to be given up", func() bool { return rt.Stats().Guard.Leases == 0 })
	// Refused if there were a lease: nobody would answer.
	if err := opened(name, os.O_WRONLY|unix.O_NONBLOCK, nil); err != nil {
		t.Errorf("a writer after everything was released, while the child lives: %v", err)
	}
	// And a writer that comes while the child lives and windows are out.
	f = openAt(t, name, o)
	h = hold(t, f, text)
	defer h.release()
	if err := (thisProcess{}).do("rewrite", name); err != nil {
		t.Fatal(err)
	}
	h.wantFrozen("after a writer")
}

// descriptorsOf returns those of this process that are open on a file.
func descriptorsOf(t testing.TB, name string) (fds []int) {
	t.Helper()
	const dir = "/proc/self/fd/"
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if target, err := os.Readlink(dir + e.Name()); err == nil && strings.HasPrefix(target, name) {
			fd, err := strconv.Atoi(e.Name())
			if err != nil {
				t.Fatal(err)
			}
			fds = append(fds, fd)
		}
	}
	return fds
}

// What is read while a file is rewritten again and again may be old, new, or
// both; but it does not change once it is there.
func TestReadingWhileAWriterComesAndGoes(t *testing.T) {
	_, o := guarded(t)
	name := write(t, random(textBytes))
	f := openAt(t, name, o)
	done := make(chan struct{})
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for n := int64(i); ; n += 7 {
				select {
				case <-done:
					return
				default:
				}
				w, err := f.ReadManagedAt(t.Context(), n*4096%(5<<20), 5000)
				if err != nil {
					t.Error(err)
					return
				}
				first := bytes.Clone(w.Bytes())
				runtime.Gosched()
				if !bytes.Equal(first, w.Bytes()) {
					t.Errorf("the window at %d has changed: %+v", w.Off(), w.Info())
				}
				w.Release()
			}
		})
	}
	who := startWriter(t)
	var err error
	const rounds = 5 // after each the file is mapped again, later and later
	for range rounds {
		waitFor(t, "the file to be mapped again", func() bool { return f.Explain().Guard != "" })
		if err = who.do("rewrite", name); err != nil {
			break
		}
	}
	close(done)
	wg.Wait()
	if err != nil {
		t.Error(err)
	}
	if e := f.Explain(); e.Breaks < rounds {
		t.Errorf("%d breaks, want at least %d", e.Breaks, rounds)
	}
}
