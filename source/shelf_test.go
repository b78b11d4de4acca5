package source

import (
	"bytes"
	"context"
	"sync"
	"testing"

	"github.com/oriel-go/oriel/pool"
	"github.com/oriel-go/oriel/window"
)

// counting is a Fetcher that remembers what it was asked for.
type counting struct {
	text []byte

	mu    sync.Mutex
	asked []window.Range
}

func (c *counting) Size() int64 { return int64(len(c.text)) }

func (c *counting) Fetch(_ context.Context, p []byte, off int64) (int, error) {
	c.mu.Lock()
	c.asked = append(c.asked, window.Range{Off: off, Len: int64(len(p))})
	c.mu.Unlock()
	return copy(p, c.text[off:]), nil
}

// times returns how many times a byte was asked for since it was last called with
// forget.
func (c *counting) times(off int64) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.asked {
		if off >= r.Off && off < r.Off+r.Len {
			n++
		}
	}
	return n
}

func (c *counting) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = nil
}

// windowsAt reads windows from an offset on and compares them. Nothing is read
// ahead of Random, so that what is fetched is what is asked for.
func windowsAt(t *testing.T, r *Reader, text []byte, off int64, windows int) {
	t.Helper()
	if err := r.SeekTo(off); err != nil {
		t.Fatal(err)
	}
	for range windows {
		w, err := r.ReadManaged(t.Context())
		if err != nil || w.Off() != off || !bytes.Equal(w.Bytes(), text[off:off+int64(w.Len())]) {
			t.Fatalf("at %d: %v, %v", off, w, err)
		}
		off += int64(w.Len())
		w.Release()
	}
}

const shelfBytes = 16 << 10 // of a window of these tests

// fetched returns a Reader over a Fetcher that counts, in small windows.
func fetched(t *testing.T, rt *Runtime, p Pattern) (*Reader, *counting) {
	c := &counting{text: random(40 * shelfBytes)}
	f := New(c, &Options{Runtime: rt, WindowBytes: shelfBytes})
	t.Cleanup(func() { f.Close() })
	r := f.NewReader(&Options{Pattern: p})
	t.Cleanup(func() { r.Close() })
	return r, c
}

// A Reader that has gone back once is not made to fetch again what it has just
// passed.
func TestGoingBackFetchesNothingTwice(t *testing.T) {
	r, c := fetched(t, newRuntime(t, Limits{}), Random)
	windowsAt(t, r, c.text, 0, 6)
	if n := len(r.shelf.kept); n != 0 {
		t.Errorf("%d windows are kept of a Reader that never went back", n)
	}
	windowsAt(t, r, c.text, 0, 4) // fetched again, and kept from now on
	c.forget()
	for range 3 {
		windowsAt(t, r, c.text, 0, 4)
		windowsAt(t, r, c.text, shelfBytes+100, 1) // the rest of one
		windowsAt(t, r, c.text, 3*shelfBytes, 1)
	}
	if len(c.asked) != 0 {
		t.Errorf("fetched again was %v", c.asked)
	}
	windowsAt(t, r, c.text, 4*shelfBytes, 1)
	if n := c.times(4 * shelfBytes); n != 1 {
		t.Errorf("what is not kept was fetched %d times", n)
	}
	if n := len(r.shelf.kept); n != shelfWindows {
		t.Errorf("%d windows are kept, want %d", n, shelfWindows)
	}
}

// Who says so has what it passes kept at once.
func TestReuseKeepsWindowsAtOnce(t *testing.T) {
	r, c := fetched(t, newRuntime(t, Limits{}), Reuse)
	windowsAt(t, r, c.text, 0, 1)
	c.forget()
	windowsAt(t, r, c.text, 0, 1)
	if n := c.times(0); n != 0 {
		t.Errorf("the first window was fetched %d times more", n)
	}
}

// What is often come back to is kept longest, of the rest what was used last.
func TestWhatIsUsedOftenStaysOnTheShelf(t *testing.T) {
	r, c := fetched(t, newRuntime(t, Limits{}), Random)
	windowsAt(t, r, c.text, shelfBytes, 1)
	for range 3 {
		windowsAt(t, r, c.text, 0, 1)
	}
	for i := range int64(20) { // others pass by
		windowsAt(t, r, c.text, (2+i)*shelfBytes, 1)
	}
	c.forget()
	windowsAt(t, r, c.text, 0, 1)
	windowsAt(t, r, c.text, 21*shelfBytes, 1)
	if len(c.asked) != 0 {
		t.Errorf("fetched again was %v", c.asked)
	}
	windowsAt(t, r, c.text, 15*shelfBytes, 1)
	if n := c.times(15 * shelfBytes); n != 1 {
		t.Errorf("what was pushed out was fetched %d times", n)
	}
}

// Kept windows are given back as soon as the memory is wanted, and when the Reader
// is closed; a window that somebody holds stays.
func TestTheShelfGivesBack(t *testing.T) {
	const windows = 8
	rt := newRuntime(t, Limits{MemoryBytes: windows * shelfBytes, ReserveBytes: -1})
	r, c := fetched(t, rt, Random)
	windowsAt(t, r, c.text, 0, 1)
	windowsAt(t, r, c.text, 0, shelfWindows)
	inUse := func() int64 { return rt.Stats().Memory.InUseBytes }
	if n := inUse(); n != shelfWindows*shelfBytes {
		t.Fatalf("%d bytes are in use, want %d windows", n, shelfWindows)
	}
	if err := r.SeekTo(0); err != nil {
		t.Fatal(err)
	}
	held, err := r.ReadManaged(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var bufs []*pool.Buffer // as much as there is: the shelf has to make room
	for range windows - 1 {
		b, err := rt.Memory().Get(t.Context(), shelfBytes)
		if err != nil {
			t.Fatal(err)
		}
		bufs = append(bufs, b)
	}
	if n := len(r.shelf.kept); n != 0 {
		t.Errorf("%d windows are still kept when the memory was wanted", n)
	}
	if !bytes.Equal(held.Bytes(), c.text[:shelfBytes]) {
		t.Error("a window that is held has changed")
	}
	held.Release()
	for _, b := range bufs {
		b.Free()
	}
	windowsAt(t, r, c.text, 0, shelfWindows)
	r.Close()
	if n := inUse(); n != 0 || len(r.shelf.kept) != 0 {
		t.Errorf("%d bytes are in use after Close", n)
	}
	if b, err := rt.Memory().Get(t.Context(), windows*shelfBytes); err != nil { // and nobody is asked who has gone
		t.Error(err)
	} else {
		b.Free()
	}
}
