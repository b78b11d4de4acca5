//go:build unix

package source

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/window"
	"github.com/oriel-go/oriel/window/windowtest"
)

// inherited returns a pipe whose ends are in blocking mode, as those that a
// shell gives to a process: the runtime's poller does not have them.
func inherited(t testing.TB) (r, w *os.File) {
	t.Helper()
	var fd [2]int
	if err := unix.Pipe(fd[:]); err != nil {
		t.Fatal(err)
	}
	r, w = os.NewFile(uintptr(fd[0]), "inherited"), os.NewFile(uintptr(fd[1]), "w")
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

func TestInheritedPipeConforms(t *testing.T) {
	rt := newRuntime(t, Limits{})
	windowtest.Run(t, windowtest.Source{
		Reader: func(t testing.TB, p []byte) window.Reader {
			r, w := inherited(t)
			go func() {
				w.Write(p)
				w.Close()
			}()
			s := NewStream(r, &Options{Runtime: rt})
			t.Cleanup(func() { s.Close(); r.Close() })
			return cancellable{s}
		},
		HeldBytes: func() int64 { return rt.Memory().Stats().InUseBytes },
		MaxBytes:  300 << 10,
	})
}

func TestACancelledReadOfAnInheritedPipe(t *testing.T) {
	r, w := inherited(t)
	rt := newRuntime(t, Limits{})
	s := NewStream(r, &Options{Runtime: rt})
	defer s.Close()
	if !s.f.stream.heedsContext() {
		t.Skip("this system cannot read pipes without waiting")
	}
	for _, text := range []string{"one", strings.Repeat("two", 30_000)} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		_, err := s.ReadManaged(ctx)
		wantError(t, err, context.DeadlineExceeded, "read", "inherited", s.pos)
		cancel()
		if n := rt.Stats().Memory.InUseBytes; n != 0 {
			t.Errorf("a cancelled read keeps %d bytes", n)
		}
		go w.WriteString(text)
		var got []byte
		for len(got) < len(text) {
			v, err := s.ReadManaged(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, v.Bytes()...)
			v.Release()
		}
		if string(got) != text {
			t.Fatalf("after the cancel: %d bytes, want %d", len(got), len(text))
		}
	}
	if _, err := s.TryReadManaged(t.Context()); !errors.Is(err, window.ErrNotReady) {
		t.Errorf("TryReadManaged of an empty pipe = %v, want ErrNotReady", err)
	}
	w.WriteString("late")
	<-s.Ready()
	v, err := s.TryReadManaged(t.Context())
	if err != nil || !bytes.Equal(v.Bytes(), []byte("late")) {
		t.Errorf("TryReadManaged after Ready = %v, %v", v, err)
	}
	v.Release()
	// Close ends what was begun, although nobody writes.
	if _, err := s.TryReadManaged(t.Context()); !errors.Is(err, window.ErrNotReady) {
		t.Errorf("TryReadManaged of an empty pipe = %v, want ErrNotReady", err)
	}
	f := s.f
	s.Close()
	waitFor(t, "the begun read to end", func() bool { return f.gate.done.Load() })
}
