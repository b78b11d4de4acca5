package windowtest

import (
	"context"
	"errors"
	"testing"

	"github.com/oriel-go/oriel/window"
)

func TestModelWriter(t *testing.T) {
	var all []*ModelWriter
	RunWriter(t, Sink{
		Writer: func(testing.TB) (window.Writer, func() []byte) {
			w := NewModelWriter()
			all = append(all, w)
			return w, w.Written
		},
		HeldBytes: func() (n int64) {
			for _, w := range all {
				n += w.HeldBytes()
			}
			return n
		},
	})
}

func TestModelWriterFails(t *testing.T) {
	m := NewModelWriter().FailAfter(5, errTest)
	put := func(s string) (int64, error) {
		w, err := m.BeginWrite(context.Background(), len(s))
		if err != nil {
			return 0, err
		}
		copy(w.Bytes(), s)
		return m.CommitWrite(context.Background(), w, len(s))
	}
	if _, err := put("abc"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err := put("def")
		if e, ok := err.(*window.Error); !ok || !errors.Is(err, errTest) || e.Off != 5 || e.Len != 1 {
			t.Errorf("beyond the limit: %v", err)
		}
	}
	if err := m.Flush(context.Background()); !errors.Is(err, errTest) {
		t.Errorf("Flush: %v", err)
	}
	if string(m.Written()) != "abcde" || m.HeldBytes() != 0 {
		t.Errorf("written %q, %d bytes held", m.Written(), m.HeldBytes())
	}
}

// A bentWriter is a ModelWriter of which some methods were replaced.
type bentWriter struct {
	*ModelWriter
	begin  func(ctx context.Context, n int) (window.WriteWindow, error)
	commit func(ctx context.Context, w window.WriteWindow, n int) (int64, error)
	close  func() error
}

func (b *bentWriter) BeginWrite(ctx context.Context, n int) (window.WriteWindow, error) {
	return b.begin(ctx, n)
}

func (b *bentWriter) CommitWrite(ctx context.Context, w window.WriteWindow, n int) (int64, error) {
	return b.commit(ctx, w, n)
}

func (b *bentWriter) Close() error { return b.close() }

func brokenWriter(f func(b *bentWriter)) func() ([]check, func() int64) {
	return func() ([]check, func() int64) {
		var last *ModelWriter
		held := func() int64 {
			if last == nil {
				return 0
			}
			return last.HeldBytes()
		}
		return writerChecks(Sink{Writer: func(testing.TB) (window.Writer, func() []byte) {
			last = NewModelWriter()
			b := &bentWriter{last, last.BeginWrite, last.CommitWrite, last.Close}
			f(b)
			return b, last.Written
		}, MaxBytes: 10_000}), held
	}
}

func TestRunWriterCatches(t *testing.T) {
	shorten(t)
	for _, b := range []broken{
		{"writes what was begun", "Writer/CommitFewer", "what was committed", brokenWriter(func(b *bentWriter) {
			b.commit = func(ctx context.Context, w window.WriteWindow, n int) (int64, error) {
				return b.ModelWriter.CommitWrite(ctx, w, w.Len())
			}
		})},
		{"takes no ownership", "Writer/Commit", "end a write window", brokenWriter(func(b *bentWriter) {
			b.commit = func(ctx context.Context, w window.WriteWindow, n int) (int64, error) {
				x, err := b.ModelWriter.BeginWrite(ctx, w.Len())
				if err != nil {
					return 0, err
				}
				copy(x.Bytes(), w.Bytes())
				return b.ModelWriter.CommitWrite(ctx, x, n)
			}
		})},
		{"keeps the window of a failed commit", "Writer/Cancelled", "end a write window", brokenWriter(func(b *bentWriter) {
			b.commit = func(ctx context.Context, w window.WriteWindow, n int) (int64, error) {
				if err := ctx.Err(); err != nil {
					return 0, &window.Error{Op: "commit", Err: err}
				}
				return b.ModelWriter.CommitWrite(ctx, w, n)
			}
		})},
		{"offsets of the end", "Writer/Commit=", "follow each other", brokenWriter(func(b *bentWriter) {
			b.commit = func(ctx context.Context, w window.WriteWindow, n int) (int64, error) {
				off, err := b.ModelWriter.CommitWrite(ctx, w, n)
				return off + int64(n), err
			}
		})},
		{"more than was begun", "Writer/Commit=", "cap == len", brokenWriter(func(b *bentWriter) {
			b.begin = func(ctx context.Context, n int) (window.WriteWindow, error) {
				return b.ModelWriter.BeginWrite(ctx, (n+4095)&^4095)
			}
		})},
		{"begins with a context that has ended", "Writer/Cancelled", "error of every call", brokenWriter(func(b *bentWriter) {
			b.begin = func(_ context.Context, n int) (window.WriteWindow, error) {
				return b.ModelWriter.BeginWrite(context.Background(), n)
			}
		})},
		{"commits after Close", "Writer/Close", "ErrClosed", brokenWriter(func(b *bentWriter) {
			b.close = func() error { return nil }
		})},
		{"bare error", "Writer/BadLength", "*window.Error", brokenWriter(func(b *bentWriter) {
			b.begin = func(ctx context.Context, n int) (window.WriteWindow, error) {
				if n < 0 {
					return window.WriteWindow{}, window.ErrRange
				}
				return b.ModelWriter.BeginWrite(ctx, n)
			}
		})},
		{"writes at the beginning", "Writer/OutOfOrder", "given at the commit", brokenWriter(func(b *bentWriter) {
			var order []window.WriteWindow
			b.begin = func(ctx context.Context, n int) (window.WriteWindow, error) {
				w, err := b.ModelWriter.BeginWrite(ctx, n)
				order = append(order, w)
				return w, err
			}
			b.commit = func(ctx context.Context, w window.WriteWindow, n int) (int64, error) {
				off, err := b.ModelWriter.CommitWrite(ctx, w, n)
				for i, x := range order {
					if x == w {
						off = int64(i * n)
					}
				}
				return off, err
			}
		})},
	} {
		t.Run(b.name, b.mustCatch)
	}
}
