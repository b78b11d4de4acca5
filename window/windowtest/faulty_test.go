package windowtest

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/oriel-go/oriel/window"
)

var errTest = errors.New("test")

// script reads r to its end, an error that comes twice in a row, or the 50th
// call, and writes down what it got.
func script(t *testing.T, r window.Reader) string {
	t.Helper()
	var s string
	var last error
	for range 50 {
		w, err := next(context.Background(), t, r)
		switch {
		case err == io.EOF:
			return s + "."
		case err != nil && last != nil:
			return s + "!"
		case err != nil:
			s += "?"
			if e, ok := err.(*window.Error); !ok || !errors.Is(err, errTest) && !errors.Is(err, context.Canceled) {
				t.Errorf("the error is %v (%T)", e, err)
			}
		default:
			s += string(w.Bytes()) + "|"
			w.Release()
		}
		last = err
	}
	return s
}

func TestFaulty(t *testing.T) {
	for _, c := range []struct {
		name string
		bend func(window.Reader) ReadCloser
		want string
	}{
		{"OneByte", OneByte, "a|b|c|d|e|f|g|."},
		{"ShortWindows=1", func(r window.Reader) ReadCloser { return ShortWindows(r, 1, 5) }, "a|b|c|d|e|f|g|."},
		{"ErrAfter=0", func(r window.Reader) ReadCloser { return ErrAfter(r, 0, errTest) }, "?!"},
		{"ErrAfter=2", func(r window.Reader) ReadCloser { return ErrAfter(r, 2, errTest) }, "ab|?!"},
		{"ErrAfter=3", func(r window.Reader) ReadCloser { return ErrAfter(r, 3, errTest) }, "abc|?!"},
		{"ErrAfter=4", func(r window.Reader) ReadCloser { return ErrAfter(r, 4, errTest) }, "abc|d|?!"},
		{"ErrAfter=7", func(r window.Reader) ReadCloser { return ErrAfter(r, 7, errTest) }, "abc|def|g|?!"},
		{"ErrAfter=100", func(r window.Reader) ReadCloser { return ErrAfter(r, 100, errTest) }, "abc|def|g|?!"},
		{"ErrAfter EOF", func(r window.Reader) ReadCloser { return ErrAfter(r, 4, io.EOF) }, "abc|d|."},
		{"CancelOnce=0", func(r window.Reader) ReadCloser { return CancelOnce(r, 0) }, "?abc|def|g|."},
		{"CancelOnce=4", func(r window.Reader) ReadCloser { return CancelOnce(r, 4) }, "abc|d|?ef|g|."},
		{"CancelOnce=7", func(r window.Reader) ReadCloser { return CancelOnce(r, 7) }, "abc|def|g|?."},
		{"Flaky", func(r window.Reader) ReadCloser { return Flaky(r, errTest) }, "?abc|?def|?g|?."},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := NewModel([]byte("abcdefg"), 3)
			r := c.bend(m)
			if got := script(t, r); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			r.Close()
			if !m.closed.Load() {
				t.Error("Close did not reach what is wrapped")
			}
			if m.Memory().HeldBuffers() != 0 {
				t.Errorf("%d buffers are still held", m.Memory().HeldBuffers())
			}
		})
	}
}

// The faulty readers that lose nothing are sources, and stages, like any.
func TestFaultyKeepTheContract(t *testing.T) {
	for name, bend := range map[string]func(window.Reader) ReadCloser{
		"OneByte":      OneByte,
		"ShortWindows": func(r window.Reader) ReadCloser { return ShortWindows(r, 3000, 1) },
		"ErrAfter": func(r window.Reader) ReadCloser {
			return ErrAfter(r, 1<<40, io.EOF)
		},
		"Stall": func(r window.Reader) ReadCloser {
			s := Stall(r, 5000)
			s.Resume()
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			RunStage(t, Stage{
				New: func(t testing.TB, r window.Reader) window.Reader {
					b := bend(r)
					t.Cleanup(func() { b.Close() })
					return b
				},
				MaxBytes: 20_000,
			})
		})
	}
}

func TestFaultyCloseGivesTheRestBack(t *testing.T) {
	m := NewModel([]byte("abcdefg"), 5)
	r := OneByte(m)
	w, err := r.ReadManaged(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	if m.HeldBytes() != 5 || string(w.Bytes()) != "a" {
		t.Errorf("%d bytes held, the window is %q", m.HeldBytes(), w.Bytes())
	}
	w.Release()
	if m.HeldBytes() != 0 {
		t.Errorf("%d bytes held", m.HeldBytes())
	}
	if _, err := r.ReadManaged(context.Background()); !errors.Is(err, window.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestStall(t *testing.T) {
	m := NewModel([]byte("abcdefg"), 4)
	s := Stall(m, 2)
	defer s.Close()
	w, err := s.ReadManaged(context.Background())
	if err != nil || string(w.Bytes()) != "ab" {
		t.Fatalf("before the stall: %q, %v", w.Bytes(), err)
	}
	w.Release()
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-s.Stalled()
		cancel()
	}()
	if _, err := s.ReadManaged(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("stalled: %v", err)
	}
	s.Resume()
	s.Resume()
	if got := script(t, s); got != "cd|efg|." {
		t.Errorf("after Resume: %q", got)
	}
}

func TestStallClosed(t *testing.T) {
	m := NewModel([]byte("abcdefg"), 4)
	s := Stall(m, 0)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-s.Stalled()
		s.Close()
		cancel()
	}()
	if _, err := s.ReadManaged(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("closed while stalled: %v", err)
	}
	if m.HeldBytes() != 0 {
		t.Errorf("%d bytes held", m.HeldBytes())
	}
}

func TestStallAtTheEnd(t *testing.T) {
	s := Stall(NewModel(nil, 1), 100)
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	if _, err := s.ReadManaged(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("stalled: %v", err)
	}
	s.Resume()
	if got := script(t, s); got != "." {
		t.Errorf("after Resume: %q", got)
	}
}

func TestErrInRange(t *testing.T) {
	r := ErrInRange(NewModel([]byte("abcdefg"), 3), window.Range{Off: 2, Len: 2}, errTest)
	for _, c := range []struct {
		off  int64
		n    int
		fail bool
	}{{0, 2, false}, {0, 3, true}, {2, 1, true}, {3, 1, true}, {4, 1, false}, {1, 100, true}, {2, 0, false}} {
		w, err := r.ReadManagedAt(context.Background(), c.off, c.n)
		w.Release()
		e, _ := err.(*window.Error)
		if (err != nil) != c.fail || c.fail && (!errors.Is(err, errTest) || e.Off != c.off || e.Len != int64(c.n)) {
			t.Errorf("%d bytes at %d: %v", c.n, c.off, err)
		}
	}
	if _, err := r.ReadManagedAt(context.Background(), -1, 5); !errors.Is(err, window.ErrRange) {
		t.Errorf("a bad range: %v", err)
	}
}

func TestCounter(t *testing.T) {
	c := Count(NewModel([]byte("abcdefg"), 3))
	script(t, c)
	if c.Windows() != 3 || c.Bytes() != 7 {
		t.Errorf("%d windows of %d bytes", c.Windows(), c.Bytes())
	}
}
