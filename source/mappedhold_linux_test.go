package source

import (
	"bytes"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/oriel-go/oriel/internal/memlock"
	"github.com/oriel-go/oriel/window"
)

// textBytes is two extents and a part of a third that ends inside a page.
const textBytes = 5<<20 + 123

// leastLock is what the tests of held windows lock: what an ordinary user may.
const leastLock = 8 << 20

// guarded returns a Runtime that locks little, and the options that map files
// with it and load every extent that is touched. It skips where files are not
// mapped, or not locked.
func guarded(t testing.TB) (*Runtime, *Options) {
	t.Helper()
	if n, from := memlock.Default(); n < leastLock {
		t.Skipf("%d bytes may be locked here (%s)", n, from)
	}
	rt := newRuntime(t, Limits{LockBytes: leastLock})
	o := &Options{Runtime: rt, Source: Mmap, Pattern: Reuse}
	mapping(t, o)
	return rt, o
}

// A heldWindow has a copy of what it was.
type heldWindow struct {
	window.Window
	was []byte
}

// holding is windows that are held while something happens to their file.
type holding struct {
	t    testing.TB
	list []heldWindow
}

// read holds what lies at an offset; it must be want.
func (h *holding) read(f *File, off int64, n int, want []byte) window.Window {
	h.t.Helper()
	w, err := f.ReadManagedAt(h.t.Context(), off, n)
	if err != nil {
		h.t.Fatal(err)
	}
	if !bytes.Equal(w.Bytes(), want[off:off+int64(w.Len())]) {
		h.t.Fatalf("other bytes at %d", off)
	}
	h.add(w)
	return w
}

func (h *holding) add(w window.Window) {
	h.list = append(h.list, heldWindow{w, bytes.Clone(w.Bytes())})
}

// want fails unless the windows are what they were, and lie where they should.
func (h *holding) want(when string, r window.Residency) {
	h.t.Helper()
	for _, w := range h.list {
		if !bytes.Equal(w.Bytes(), w.was) {
			h.t.Errorf("%s: the window at %d has changed", when, w.Off())
		}
		if i := w.Info(); i.Residency != r || i.Source != "mmap" || !i.Locked {
			h.t.Errorf("%s: the window at %d: %+v, want it %v", when, w.Off(), i, r)
		}
	}
}

// wantFrozen fails unless the windows are what they were, and private: once
// their copies have been locked, which another goroutine than the keeper does.
func (h *holding) wantFrozen(when string) {
	h.t.Helper()
	waitFor(h.t, "the copies to be locked", func() bool {
		for _, w := range h.list {
			if !w.Info().Locked {
				return false
			}
		}
		return true
	})
	h.want(when, window.Private)
}

func (h *holding) release() {
	for _, w := range h.list {
		w.Release()
	}
	h.list = nil
}

// hold holds windows of a text: at its ends, across extents, all of two.
func hold(t testing.TB, f *File, text []byte) *holding {
	h := &holding{t: t}
	h.read(f, 0, 4096, text)
	h.read(f, 2<<20-100, 200, text)
	h.read(f, 4<<20-1, 3, text)
	h.read(f, 2<<20, 2<<20, text)
	h.read(f, int64(len(text))-50, 50, text)
	return h
}

// waitGuarded reads f until it is mapped again; meanwhile it is copied, and
// always is want.
func waitGuarded(t testing.TB, f *File, want []byte) {
	t.Helper()
	waitFor(t, "the file to be mapped again", func() bool {
		w, err := f.ReadManagedAt(t.Context(), 0, min(4096, len(want)))
		if err != nil {
			t.Fatal(err)
		}
		defer w.Release()
		if !bytes.Equal(w.Bytes(), want[:w.Len()]) {
			t.Fatal("a read has returned something else")
		}
		return w.Info().Residency == window.Guarded
	})
}

// wantText fails unless f, read from front to back, is exactly want.
func wantText(t testing.TB, f *File, want []byte) {
	t.Helper()
	r := f.NewReader(nil)
	defer r.Close()
	wantBytes(t, r, want)
}

func TestHeldWindowsStayAsTheyWere(t *testing.T) {
	t.Run("another process", func(t *testing.T) { holdThroughDeeds(t, startWriter(t)) })
	t.Run("this process", func(t *testing.T) { holdThroughDeeds(t, thisProcess{}) })
	t.Run("this process, on one processor", func(t *testing.T) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
		holdThroughDeeds(t, thisProcess{})
	})
}

func holdThroughDeeds(t *testing.T, who writer) {
	text := random(textBytes)
	for _, d := range deeds {
		t.Run(d.what, func(t *testing.T) {
			rt, o := guarded(t)
			name := write(t, text)
			f := openAt(t, name, o)
			h := hold(t, f, text)
			defer h.release()
			h.want("before", window.Guarded)
			if err := who.do(d.what, name); err != nil {
				t.Fatal(err)
			}
			if !d.breaks {
				h.want("afterwards", window.Guarded)
				if e := f.Explain(); e.Guard == "" || e.Unguarded != "" || e.Breaks != 0 || rt.Stats().Guard.Breaks != 0 {
					t.Errorf("explained as %+v", e)
				}
				wantText(t, f, text)
				return
			}
			h.wantFrozen("afterwards")
			e := f.Explain()
			if e.Guard != "" || !strings.Contains(e.Unguarded, "a writer came") || e.Source != "mmap" || !strings.Contains(e.String(), "writers came") {
				t.Errorf("explained as %+v\n%v", e, e)
			}
			if n := rt.Stats().Guard; n.Breaks == 0 || e.Breaks == 0 || n.FrozenExtents != 3 {
				t.Errorf("%d breaks, of the file %d, and %d extents frozen; want some, some and 3", n.Breaks, e.Breaks, n.FrozenExtents)
			}
			now := text
			if d.after != nil {
				now = d.after(text)
			}
			wantText(t, f, now)
			if len(now) > 0 {
				waitGuarded(t, f, now)
				wantText(t, f, now)
				if f.Explain().Unguarded != "" || f.Size() != int64(len(now)) {
					t.Errorf("of %d bytes: %+v", len(now), f.Explain())
				}
			}
			h.wantFrozen("in the end")
		})
	}
}

// What is held over one break is private, and nobody's business at the next.
func TestWindowsHeldOverSeveralBreaks(t *testing.T) {
	rt, o := guarded(t)
	text := random(textBytes)
	name := write(t, text)
	f := openAt(t, name, o)
	var old holding
	old.t = t
	for i := range 3 {
		waitGuarded(t, f, text)
		w := old.read(f, 8192*int64(i), 4096, text)
		if w.Info().Residency != window.Guarded {
			t.Errorf("window %d: %+v", i, w.Info())
		}
		if err := (thisProcess{}).do("rewrite", name); err != nil {
			t.Fatal(err)
		}
		text = other(text)
		old.wantFrozen("after a break")
	}
	if e := f.Explain(); e.Breaks < 3 || rt.Stats().Guard.FrozenExtents != 3 {
		t.Errorf("%d breaks and %d frozen extents, want at least 3 and 3", e.Breaks, rt.Stats().Guard.FrozenExtents)
	}
	old.release()
	waitGuarded(t, f, text)
}

func TestOwnersAcrossABreak(t *testing.T) {
	rt, o := guarded(t)
	text := random(textBytes)
	name := write(t, text)
	f := openAt(t, name, o)
	h := &holding{t: t}
	w := h.read(f, 2<<20-1000, 10_000, text)
	retained, slice := w.Retain(), w.Slice(900, 1100)
	ofSlice := slice.Slice(0, 50)
	compact, err := slice.Compact(t.Context(), rt.Memory())
	if err != nil {
		t.Fatal(err)
	}
	if err := (thisProcess{}).do("truncate to nothing", name); err != nil {
		t.Fatal(err)
	}
	late := retained.Slice(5000, 10_000)
	lateCompact, err := late.Compact(t.Context(), rt.Memory())
	if err != nil {
		t.Fatal(err)
	}
	at := func(lo, n int) []byte { return text[2<<20-1000+lo:][:n] }
	for _, v := range []struct {
		what string
		w    window.Window
		want []byte
		r    window.Residency
	}{
		{"the first owner", w, at(0, 10_000), window.Private},
		{"retained", retained, at(0, 10_000), window.Private},
		{"a slice", slice, at(900, 200), window.Private},
		{"a slice of the slice", ofSlice, at(900, 50), window.Private},
		{"a compact copy", compact, at(900, 200), window.Private},
		{"a slice made afterwards", late, at(5000, 5000), window.Private},
		{"a compact copy made afterwards", lateCompact, at(5000, 5000), window.Private},
	} {
		if !bytes.Equal(v.w.Bytes(), v.want) || v.w.Info().Residency != v.r {
			t.Errorf("%s: right %v, %+v", v.what, bytes.Equal(v.w.Bytes(), v.want), v.w.Info())
		}
		v.w.Release() // and the others hold the memory
	}
}

func TestACursorAcrossABreak(t *testing.T) {
	const line = "a line of the file, which nobody has changed\n"
	text := bytes.Repeat([]byte(line), 9<<20/len(line))
	for _, what := range []string{"rewrite", "open for writing only", "truncate to nothing", "extend"} {
		t.Run(what, func(t *testing.T) { readLinesThrough(t, what, text) })
	}
}

// readLinesThrough reads the lines of a file with that text, and does something
// to it after some of them.
func readLinesThrough(t *testing.T, what string, text []byte) {
	_, o := guarded(t)
	name := write(t, text)
	r := openSeq(t, name, o)
	c := window.NewCursor(t.Context(), r, nil)
	defer c.Close()
	var got, want []byte
	n := 0
	for line, err := range c.Lines() {
		if err != nil {
			t.Fatal(err)
		}
		got = append(append(got, line.Bytes()...), '\n')
		if n++; n != 1000 {
			continue
		}
		r.drop() // or it is held too: a Reader that has waited is lent its next window ahead
		if err := (thisProcess{}).do(what, name); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(line.Bytes(), text[:line.Len()]) {
			t.Error("the line that is lent has changed")
		}
		now, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		read := int(c.Off()) + c.Buffered() // in a window that is held
		if read != MappedWindowBytes {
			t.Errorf("a window of %d bytes", read)
		}
		want = append(bytes.Clone(text[:read]), now[min(read, len(now)):]...)
	}
	if got = got[:min(len(got), len(want))]; !bytes.Equal(got, want) {
		t.Errorf("%d bytes of %d lines; want %d, old ones and then new ones", len(got), n, len(want))
	}
}
