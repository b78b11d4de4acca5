package source

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/oriel-go/oriel/window"
)

// slowly has every fetch take a moment.
type slowly struct {
	*counting
	bad   atomic.Int64 // the fetch at this offset fails, once
	pause func()       // what it takes, in a bubble in which that costs nothing
}

var errBad = errors.New("a bad sector")

func (s *slowly) Fetch(p []byte, off int64) (int, error) {
	n, _ := s.counting.Fetch(context.Background(), p, off)
	s.pause()
	if s.bad.CompareAndSwap(off, -1) {
		return 0, errBad
	}
	return n, nil
}

// seeking reads windows from front to back until at least n are pending behind the
// last one, and returns the Reader. The windows have shelfBytes.
func seeking(t *testing.T, rt *Runtime, s *slowly, n int) *Reader {
	f := New(liar{s.Fetch, s.Size}, &Options{Runtime: rt, WindowBytes: shelfBytes, Pattern: Sequential})
	t.Cleanup(func() { f.Close() })
	r := f.NewReader(nil)
	t.Cleanup(func() { r.Close() })
	for off := int64(0); r.pending.n < n; off += shelfBytes {
		windowsAt(t, r, s.text, off, 1)
	}
	synctest.Wait()
	return r
}

// A move into what is being fetched keeps it: nothing of it is fetched again, and
// what lies before the place is given up.
func TestSeekIntoWhatIsPending(t *testing.T) {
	for _, into := range []int64{0, 1, 4096, shelfBytes - 1, shelfBytes, shelfBytes + 1, 2*shelfBytes - 1, 2 * shelfBytes, 3*shelfBytes - 1} {
		synctest.Test(t, func(t *testing.T) {
			rt := newRuntime(t, Limits{})
			s := &slowly{counting: &counting{text: random(80 * shelfBytes)}, pause: func() { time.Sleep(time.Millisecond) }}
			s.bad.Store(-1)
			r := seeking(t, rt, s, 3)
			at, end := r.pos+into, r.tail
			wasted := r.Stats().WastedBytes
			windowsAt(t, r, s.text, at, 1)
			if r.pos != (at/shelfBytes+1)*shelfBytes {
				t.Errorf("%d bytes into it a window ends at %d", into, r.pos)
			}
			if n := r.Stats().WastedBytes - wasted; n != into/shelfBytes*shelfBytes {
				t.Errorf("%d bytes into it %d bytes are given up", into, n)
			}
			windowsAt(t, r, s.text, r.pos, 3)
			for off := int64(0); off < end; off += 1000 {
				if n := s.times(off); n != 1 {
					t.Fatalf("%d bytes into it the byte at %d was fetched %d times", into, off, n)
				}
			}
		})
	}
}

// A move behind what is being fetched, or before it, gives all of it up.
func TestSeekOutOfWhatIsPending(t *testing.T) {
	for _, back := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			rt := newRuntime(t, Limits{})
			s := &slowly{counting: &counting{text: random(80 * shelfBytes)}, pause: func() { time.Sleep(time.Millisecond) }}
			s.bad.Store(-1)
			r := seeking(t, rt, s, 3)
			at := r.tail
			if back {
				at = r.pos - 1
			}
			pending, wasted := int64(r.pending.n), r.Stats().WastedBytes
			if err := r.SeekTo(at); err != nil {
				t.Fatal(err)
			}
			if n := r.Stats().WastedBytes - wasted; n != pending*shelfBytes || r.pending.n != 0 {
				t.Errorf("%d bytes are given up, and %d fetches are pending; there were %d", n, r.pending.n, pending)
			}
			windowsAt(t, r, s.text, at, 2)
		})
	}
}

// An error of what lies before the place is nobody's; one of what lies behind it
// comes when it is read.
func TestErrorsBeforeThePlaceOfASeek(t *testing.T) {
	for _, tt := range []struct {
		what      string
		bad, into int64 // behind the Reader's place: in windows, in bytes
		fails     bool
	}{
		{"in a window before", 0, shelfBytes, false},
		{"in a window before, to the middle", 0, shelfBytes + 5, false},
		{"two windows before", 0, 2 * shelfBytes, false},
		{"where it is", 1, shelfBytes, true},
		{"in the window that it is moved into, but before", 1, shelfBytes + 5, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			rt := newRuntime(t, Limits{})
			first := &slowly{counting: &counting{text: random(80 * shelfBytes)}, pause: func() { time.Sleep(time.Millisecond) }}
			first.bad.Store(-1)
			r := seeking(t, rt, first, 3)
			place := r.pos
			r.Close()
			s := &slowly{counting: &counting{text: first.text}, pause: func() { time.Sleep(time.Millisecond) }}
			s.bad.Store(place + tt.bad*shelfBytes)
			r = seeking(t, rt, s, 3)
			if r.pos != place {
				t.Fatalf("%s: at %d, want %d", tt.what, r.pos, place)
			}
			if err := r.SeekTo(place + tt.into); err != nil {
				t.Fatal(err)
			}
			w, err := r.ReadManaged(t.Context())
			w.Release()
			if failed := errors.Is(err, errBad); failed != tt.fails || err != nil && !failed {
				t.Errorf("%s: %v", tt.what, err)
			}
			var e *window.Error
			if errors.As(err, &e) && e.Off != place+tt.into {
				t.Errorf("%s: the error is said to be at %d, want %d", tt.what, e.Off, place+tt.into)
			}
			windowsAt(t, r, s.text, place+tt.into, 2) // the error was for once
		})
	}
}
