package windowtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/oriel-go/oriel/window"
)

// A Stage is what [RunStage] tests: something that turns one Reader into
// another.
type Stage struct {
	// New returns a new stage over r. Closing it is the maker's business, by
	// t.Cleanup. r may have a Close, which the stage may call or not.
	New func(t testing.TB, r window.Reader) window.Reader

	// Input returns what r has to give for the stage to give content. Nil
	// stands for the content itself.
	Input func(content []byte) []byte

	// HeldBytes, when not nil, returns how much memory of its own the stage
	// holds in windows now. What it holds of its input is counted anyway.
	HeldBytes func() int64

	// MaxBytes is the length of the longest content; 0 stands for 256 KiB and
	// 5 bytes.
	MaxBytes int
}

// RunStage tests that s keeps the contract of a [window.Reader] over any input
// that does: first as [Run] tests it, then over input that is ragged, that
// fails, that is cancelled and that stalls.
func RunStage(t *testing.T, s Stage) {
	t.Helper()
	list, held := stageChecks(s)
	run(t, list, held)
}

// stageChecks lists every check of s, and returns how much memory it and its
// input hold.
func stageChecks(s Stage) (list []check, held func() int64) {
	if s.Input == nil {
		s.Input = bytes.Clone
	}
	if s.MaxBytes == 0 {
		s.MaxBytes = 256<<10 + 5
	}
	mem := NewMemory(false)
	held = func() int64 {
		if s.HeldBytes == nil {
			return mem.HeldBytes()
		}
		return mem.HeldBytes() + s.HeldBytes()
	}
	over := func(windowBytes int) func(testing.TB, []byte) window.Reader {
		return func(t testing.TB, content []byte) window.Reader {
			return s.New(t, NewModelIn(mem, s.Input(content), windowBytes))
		}
	}
	list = checks(Source{Reader: over(4096), HeldBytes: held, MaxBytes: s.MaxBytes})
	const group = "Stage"
	for _, n := range []int{1, 7, 100, 4099, 64 << 10} {
		one := Source{Reader: over(n), MaxBytes: min(s.MaxBytes, 2000*n)}
		list = append(list, check{group, sized("InputWindows", n), func(t testing.TB) { one.readAll(t, one.MaxBytes, 80) }})
	}
	return append(list,
		check{group, "RaggedInput", func(t testing.TB) { s.ragged(t, mem) }},
		check{group, "InputFails", func(t testing.TB) { s.inputFails(t, mem) }},
		check{group, "InputCancelled", func(t testing.TB) { s.inputCancelled(t, mem) }},
		check{group, "InputStalls", func(t testing.TB) { s.inputStalls(t, mem) }},
		check{group, "Secure", s.staysSecure},
	), held
}

// over returns the stage over an input that is a model bent by f, and closes
// the input behind the stage.
func (s Stage) over(t testing.TB, m *Model, f func(window.Reader) ReadCloser) window.Reader {
	in := f(m)
	t.Cleanup(func() { in.Close() })
	return s.New(t, in)
}

func (s Stage) ragged(t testing.TB, mem *Memory) {
	n := min(s.MaxBytes, 16<<10+1)
	for seed := range uint64(8) {
		want := content(n, 81)
		r := s.over(t, NewModelIn(mem, s.Input(want), 4096), func(r window.Reader) ReadCloser {
			return ShortWindows(r, 1+int(seed*seed*seed*13), seed)
		})
		drain(t, r, want, 0)
	}
}

var errInput = errors.New("windowtest: the input failed")

// inputFails cuts the input off by an error. What comes out is the beginning
// of the content, and then that error, for good.
func (s Stage) inputFails(t testing.TB, mem *Memory) {
	n := min(s.MaxBytes, 64<<10+1)
	want := content(n, 82)
	input := s.Input(want)
	for _, after := range []int64{0, 1, 4095, 4096, int64(len(input)) / 2, int64(len(input)) - 1} {
		r := s.over(t, NewModelIn(mem, input, 4096), func(r window.Reader) ReadCloser {
			return ErrAfter(r, after, errInput)
		})
		off := 0
		for {
			w, err := next(context.Background(), t, r)
			if err != nil {
				s.failed(t, r, err, after)
				break
			}
			off, err = follow(t, w, want, off)
			release(t, w)
			if err != nil {
				return
			}
		}
	}
}

// failed checks the error of a stage whose input failed, and the next one.
func (s Stage) failed(t testing.TB, r window.Reader, err error, after int64) {
	t.Helper()
	for range 2 {
		if err == io.EOF {
			broke(t, "an error is never swallowed as io.EOF", "the input failed after %d bytes", after)
		} else if !errors.Is(err, errInput) {
			broke(t, "a stage wraps the error of its input", "%q does not wrap %q", err, errInput)
		}
		var w window.Window
		w, err = next(context.Background(), t, r)
		release(t, w)
	}
}

// inputCancelled has every other call to the input fail as if cancelled. The
// stage may say so, but goes on where it was.
func (s Stage) inputCancelled(t testing.TB, mem *Memory) {
	n := min(s.MaxBytes, 64<<10+1)
	want := content(n, 83)
	r := s.over(t, NewModelIn(mem, s.Input(want), 1000), func(r window.Reader) ReadCloser {
		return Flaky(r, context.Canceled)
	})
	off := 0
	for calls := 0; ; calls++ {
		w, err := next(context.Background(), t, r)
		if errors.Is(err, context.Canceled) && calls < 100_000 {
			continue
		}
		if err != nil {
			ended(t, err, want, off)
			return
		}
		off, err = follow(t, w, want, off)
		release(t, w)
		if err != nil {
			t.Errorf("rule %q is broken", "a cancelled call loses nothing")
			return
		}
	}
}

// inputStalls has the input block in the middle. The call returns when its
// context ends, and reading goes on when the input does.
func (s Stage) inputStalls(t testing.TB, mem *Memory) {
	n := min(s.MaxBytes, 64<<10+1)
	want := content(n, 84)
	input := s.Input(want)
	var stall *StallReader
	r := s.over(t, NewModelIn(mem, input, 4096), func(r window.Reader) ReadCloser {
		stall = Stall(r, int64(len(input))/2)
		return stall
	})
	defer stall.Resume()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-stall.Stalled():
			time.Sleep(5 * time.Millisecond)
			cancel()
		case <-ctx.Done():
		}
	}()
	off, lost := 0, false
	atOnce(t, "ReadManaged over an input that has stalled", func() {
		for {
			w, err := next(ctx, t, r)
			if err != nil {
				isContext(t, ctx, err)
				return
			}
			off, err = follow(t, w, want, off)
			release(t, w)
			if err != nil {
				lost = true
				return
			}
		}
	})
	if !lost && !t.Failed() {
		stall.Resume()
		drain(t, r, want, off)
	}
}

// staysSecure feeds windows in secure memory: what comes out is in such too.
func (s Stage) staysSecure(t testing.TB) {
	n := min(s.MaxBytes, 64<<10+1)
	mem := NewMemory(true)
	r := s.over(t, NewModelIn(mem, s.Input(content(n, 85)), 1000), func(r window.Reader) ReadCloser {
		return ShortWindows(r, 3000, 85)
	})
	for {
		w, err := next(context.Background(), t, r)
		if err != nil {
			return
		}
		secure := w.Memory().Secure()
		release(t, w)
		if !secure {
			broke(t, "secure bytes stay in secure memory", "a window of a stage over secure memory is not secure")
			return
		}
	}
}
