package windowtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/oriel-go/oriel/window"
)

// xor is a stage that turns every bit of its input over, in copies that live
// in the input's memory.
type xor struct {
	r window.Reader

	// What the broken ones do otherwise.
	fetch func(ctx context.Context) (window.Window, error)
	into  window.Memory
	keeps bool
}

func newXor(r window.Reader) *xor { return &xor{r: r, fetch: r.ReadManaged} }

func flip(p []byte) []byte {
	q := bytes.Clone(p)
	for i := range q {
		q[i] = ^q[i]
	}
	return q
}

func (x *xor) ReadManaged(ctx context.Context) (window.Window, error) {
	w, err := x.fetch(ctx)
	if err != nil {
		return window.Window{}, err
	}
	if !x.keeps {
		defer w.Release()
	}
	m := x.into
	if m == nil {
		m = w.Memory()
	}
	b, err := m.Acquire(context.WithoutCancel(ctx), w.Len())
	if err != nil {
		return window.Window{}, err
	}
	copy(b.Bytes(), flip(w.Bytes()))
	return window.New(b, m, b.Bytes(), w.Off()), nil
}

func TestStageXor(t *testing.T) {
	RunStage(t, Stage{
		New:   func(_ testing.TB, r window.Reader) window.Reader { return newXor(r) },
		Input: flip,
	})
}

// A stage that does nothing is a stage.
func TestStageNothing(t *testing.T) {
	RunStage(t, Stage{New: func(_ testing.TB, r window.Reader) window.Reader { return r }})
}

// brokenStage returns the checks of an xor that f broke.
func brokenStage(f func(x *xor)) func() ([]check, func() int64) {
	return func() ([]check, func() int64) {
		return stageChecks(Stage{
			New: func(_ testing.TB, r window.Reader) window.Reader {
				x := newXor(r)
				f(x)
				return x
			},
			Input:    flip,
			MaxBytes: 20_000,
		})
	}
}

func TestRunStageCatches(t *testing.T) {
	shorten(t)
	for _, b := range []broken{
		{"swallows an error", "Stage/InputFails", "never swallowed", brokenStage(func(x *xor) {
			x.fetch = func(ctx context.Context) (window.Window, error) {
				w, err := x.r.ReadManaged(ctx)
				if err != nil {
					err = io.EOF
				}
				return w, err
			}
		})},
		{"hides an error", "Stage/InputFails", "wraps the error of its input", brokenStage(func(x *xor) {
			x.fetch = func(ctx context.Context) (window.Window, error) {
				w, err := x.r.ReadManaged(ctx)
				if err != nil && err != io.EOF {
					err = &window.Error{Op: "flip", Err: errors.New("oh")}
				}
				return w, err
			}
		})},
		{"ends at a cancelled call", "Stage/InputCancelled", "io.EOF", brokenStage(func(x *xor) {
			over := false
			x.fetch = func(ctx context.Context) (window.Window, error) {
				if over {
					return window.Window{}, io.EOF
				}
				w, err := x.r.ReadManaged(ctx)
				over = err != nil
				return w, err
			}
		})},
		{"waits without the context", "Stage/InputStalls", "returns at once", brokenStage(func(x *xor) {
			x.fetch = func(ctx context.Context) (window.Window, error) {
				if err := ctx.Err(); err != nil {
					return window.Window{}, &window.Error{Op: "flip", Err: err}
				}
				return x.r.ReadManaged(context.WithoutCancel(ctx))
			}
		})},
		{"secure bytes go to the heap", "Stage/Secure", "secure", brokenStage(func(x *xor) { x.into = window.Heap })},
		{"keeps its input", "Stage/RaggedInput", "released once", brokenStage(func(x *xor) { x.keeps = true })},
		{"takes windows for records", "Stage/InputWindows", "bytes of a window", brokenStage(func(x *xor) {
			x.fetch = func(ctx context.Context) (window.Window, error) {
				w, err := x.r.ReadManaged(ctx)
				if err == nil && w.Len() == 7 {
					defer w.Release()
					return window.New(&heapBacking{}, nil, make([]byte, 7), w.Off()), nil
				}
				return w, err
			}
		})},
	} {
		t.Run(b.name, b.mustCatch)
	}
}
