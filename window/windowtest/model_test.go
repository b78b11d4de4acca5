package windowtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/oriel-go/oriel/window"
)

func TestModel(t *testing.T) {
	for _, windowBytes := range []int{1000, 4096, 1 << 20} {
		t.Run(sized("windowBytes", windowBytes), func(t *testing.T) {
			mem := NewMemory(false)
			Run(t, Source{
				Reader:    func(_ testing.TB, c []byte) window.Reader { return NewModelIn(mem, c, windowBytes) },
				ReaderAt:  func(_ testing.TB, c []byte) window.ReaderAt { return NewModelIn(mem, c, windowBytes) },
				HeldBytes: mem.HeldBytes,
			})
			if n := mem.HeldBuffers(); n != 0 {
				t.Errorf("%d buffers are still held", n)
			}
			if mem.Acquired() == 0 {
				t.Error("no buffer was ever acquired")
			}
		})
	}
}

// The suite passes on a source that has nothing but the methods it must have.
func TestRunWithoutClose(t *testing.T) {
	Run(t, Source{
		Reader: func(_ testing.TB, c []byte) window.Reader { return Count(NewModel(c, 777)) },
		ReaderAt: func(_ testing.TB, c []byte) window.ReaderAt {
			return ErrInRange(NewModel(c, 777), window.Range{}, io.ErrUnexpectedEOF)
		},
		MaxBytes: 10_000,
		MaxHeld:  1,
	})
}

func TestRunWithTinyContent(t *testing.T) {
	for _, n := range []int{1, 2, 10} {
		mem := NewMemory(false)
		Run(t, Source{
			Reader:    func(_ testing.TB, c []byte) window.Reader { return NewModelIn(mem, c, 3) },
			ReaderAt:  func(_ testing.TB, c []byte) window.ReaderAt { return NewModelIn(mem, c, 3) },
			HeldBytes: mem.HeldBytes,
			MaxBytes:  n,
		})
	}
}

func TestModelPoisonsAtFree(t *testing.T) {
	m := NewModel([]byte("secret words"), 6)
	w, err := m.ReadManaged(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	p := w.Bytes()
	a := w.Retain()
	w.Release()
	if string(p) != "secret" || m.HeldBytes() != 6 {
		t.Errorf("with an owner left: %q, %d bytes held", p, m.HeldBytes())
	}
	a.Release()
	if !bytes.Equal(p, bytes.Repeat([]byte{Poison}, 6)) || m.HeldBytes() != 0 {
		t.Errorf("after the last Release: %q, %d bytes held", p, m.HeldBytes())
	}
}

func TestMemoryFreedTwice(t *testing.T) {
	b, err := NewMemory(false).Acquire(context.Background(), 5)
	if err != nil {
		t.Fatal(err)
	}
	b.Free()
	for name, f := range map[string]func(){"Free": b.Free, "Bytes": func() { b.Bytes() }} {
		func() {
			defer func() {
				if s, ok := recover().(string); !ok || !strings.HasPrefix(s, "windowtest: ") {
					t.Errorf("%s of a freed buffer panicked with %v", name, s)
				}
			}()
			f()
		}()
	}
}

func TestMemoryRefuses(t *testing.T) {
	m := NewMemory(true)
	over, cancel := context.WithCancel(context.Background())
	cancel()
	for _, c := range []struct {
		ctx  context.Context
		n    int
		want error
	}{
		{context.Background(), -1, window.ErrRange},
		{context.Background(), maxBytes + 1, window.ErrNoMemory},
		{over, 1, context.Canceled},
	} {
		_, err := m.Acquire(c.ctx, c.n)
		if e, ok := err.(*window.Error); !ok || !errors.Is(err, c.want) || e.Len != int64(c.n) {
			t.Errorf("Acquire(%d) = %v, not %v", c.n, err, c.want)
		}
	}
	if !m.Secure() || m.HeldBuffers() != 0 {
		t.Errorf("secure %t, %d buffers held", m.Secure(), m.HeldBuffers())
	}
}
