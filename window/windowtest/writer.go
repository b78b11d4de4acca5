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

// A Sink is what [RunWriter] tests.
type Sink struct {
	// Writer returns a new writer over nothing, and a function that returns
	// what was written so far, from offset 0. It is called after Flush.
	// Closing the writer is the maker's business, by t.Cleanup; a writer that
	// has a method Close() error is closed by some checks too.
	Writer func(t testing.TB) (w window.Writer, written func() []byte)

	// HeldBytes, when not nil, returns how much memory is held in write
	// windows and commits now, and is as it was 5 s after every check.
	HeldBytes func() int64

	// MaxBytes is the length of the longest write; 0 stands for 1 MiB and 3
	// bytes.
	MaxBytes int
}

// RunWriter tests that s keeps the contract of a [window.Writer].
func RunWriter(t *testing.T, s Sink) {
	t.Helper()
	run(t, writerChecks(s), s.HeldBytes)
}

func writerChecks(s Sink) []check {
	if s.MaxBytes == 0 {
		s.MaxBytes = 1<<20 + 3
	}
	const group = "Writer"
	var list []check
	for _, n := range []int{1, 4095, 4096, 4097, 64<<10 + 1, s.MaxBytes} {
		if n <= s.MaxBytes {
			list = append(list, check{group, sized("Commit", n), func(t testing.TB) { s.commits(t, n) }})
		}
	}
	return append(list,
		check{group, "CommitFewer", s.commitFewer},
		check{group, "Abort", s.aborts},
		check{group, "OutOfOrder", s.outOfOrder},
		check{group, "BadLength", s.badLength},
		check{group, "Cancelled", s.cancelled},
		check{group, "Close", s.closes},
	)
}

// begin returns n writable bytes, filled from p.
func begin(t testing.TB, w window.Writer, n int, p []byte) window.WriteWindow {
	t.Helper()
	ww, err := w.BeginWrite(context.Background(), n)
	if err != nil {
		t.Fatalf("BeginWrite of %d bytes: %v", n, err)
	}
	if b := ww.Bytes(); len(b) != n || cap(b) != n || ww.Len() != n {
		broke(t, "a write window has cap == len == Len, which is what was begun", "len %d, cap %d, Len %d for %d", len(b), cap(b), ww.Len(), n)
	}
	copy(ww.Bytes(), p)
	return ww
}

// commit commits the first n bytes and returns their offset.
func commit(t testing.TB, w window.Writer, ww window.WriteWindow, n int) int64 {
	t.Helper()
	off, err := w.CommitWrite(context.Background(), ww, n)
	if err != nil {
		t.Fatalf("CommitWrite of %d bytes: %v", n, err)
	}
	isEnded(t, ww, "CommitWrite")
	return off
}

// isEnded checks that nothing is left of a write window.
func isEnded(t testing.TB, ww window.WriteWindow, by string) {
	t.Helper()
	defer func() {
		t.Helper()
		if p, ok := recover().(string); !ok || !strings.HasPrefix(p, "window: ") {
			broke(t, "CommitWrite and Abort end a write window", "Bytes after %s panicked with %q", by, p)
		}
		ww.Abort() // does nothing after the end
	}()
	ww.Bytes()
}

// isWritten flushes and compares.
func isWritten(t testing.TB, w window.Writer, written func() []byte, want []byte) {
	t.Helper()
	if err := w.Flush(context.Background()); err != nil {
		t.Fatalf("Flush: %v", err)
	}
	if got := written(); !bytes.Equal(got, want) {
		i := 0
		for i < min(len(got), len(want)) && got[i] == want[i] {
			i++
		}
		broke(t, "what was committed is what is written, and nothing else", "%d bytes, not %d; they differ from offset %d", len(got), len(want), i)
	}
}

// commits writes some windows of n bytes each.
func (s Sink) commits(t testing.TB, n int) {
	w, written := s.Writer(t)
	isWritten(t, w, written, nil)
	want := content(3*n, 90)
	for i := range 3 {
		ww := begin(t, w, n, want[i*n:])
		if off := commit(t, w, ww, n); off != int64(i*n) {
			broke(t, "commits follow each other", "commit %d of %d bytes is at %d", i, n, off)
		}
	}
	isWritten(t, w, written, want)
	isWritten(t, w, written, want)
}

func (s Sink) commitFewer(t testing.TB) {
	w, written := s.Writer(t)
	n := min(s.MaxBytes, 5000)
	p := content(n, 91)
	var want []byte
	for _, k := range []int{n / 2, 1, n - 1, n} {
		off := commit(t, w, begin(t, w, n, p), k)
		if off != int64(len(want)) {
			broke(t, "commits follow each other", "a commit is at %d, not %d", off, len(want))
		}
		want = append(want, p[:k]...)
	}
	isWritten(t, w, written, want)
}

func (s Sink) aborts(t testing.TB) {
	w, written := s.Writer(t)
	n := min(s.MaxBytes, 5000)
	p := content(n, 92)
	begun := begin(t, w, n, p)
	isWritten(t, w, written, nil) // nothing before the commit
	begun.Abort()
	begun.Abort()
	isEnded(t, begun, "Abort")
	isWritten(t, w, written, nil)
	ww := begin(t, w, n, p)
	if off := commit(t, w, ww, n); off != 0 {
		broke(t, "what was aborted takes no place", "the commit after it is at %d", off)
	}
	isWritten(t, w, written, p)
}

// outOfOrder commits two windows in the other order than they were begun.
func (s Sink) outOfOrder(t testing.TB) {
	w, written := s.Writer(t)
	n := min(s.MaxBytes, 5000)
	a, b := content(n, 93), content(n, 94)
	first, second := begin(t, w, n, a), begin(t, w, n, b)
	offB := commit(t, w, second, n)
	offA := commit(t, w, first, n)
	if offB != 0 || offA != int64(n) {
		broke(t, "the offset of a commit is given at the commit", "at %d, then at %d", offB, offA)
	}
	isWritten(t, w, written, append(b, a...))
}

func (s Sink) badLength(t testing.TB) {
	w, written := s.Writer(t)
	for _, n := range []int{-1, -1 << 20} {
		ww, err := w.BeginWrite(context.Background(), n)
		if _, ok := errors.AsType[*window.Error](err); !ok || ww != (window.WriteWindow{}) {
			broke(t, "an error is a *window.Error and means no window", "BeginWrite of %d bytes returned %v, %v", n, ww, err)
		}
	}
	isWritten(t, w, written, nil)
}

// cancelled calls with contexts that have ended. CommitWrite takes its window
// all the same; whether it succeeds is up to the writer.
func (s Sink) cancelled(t testing.TB) {
	over, stop := endedContexts()
	defer stop()
	for _, ctx := range over {
		w, written := s.Writer(t)
		ww, err := w.BeginWrite(ctx, 100)
		isContext(t, ctx, err)
		if ww != (window.WriteWindow{}) {
			broke(t, "an error means no window", "BeginWrite returned %v, %v", ww, err)
		}
		p := content(100, 95)
		isWritten(t, w, written, nil)
		ww = begin(t, w, 100, p)
		_, err = w.CommitWrite(ctx, ww, 100)
		isEnded(t, ww, "CommitWrite")
		if err == nil {
			isWritten(t, w, written, p)
		} else {
			isContext(t, ctx, err)
		}
	}
}

func (s Sink) closes(t testing.TB) {
	w, _ := s.Writer(t)
	c, ok := w.(io.Closer)
	if !ok {
		t.Skip("the writer has no Close")
	}
	ww := begin(t, w, 100, content(100, 96))
	closed(t, c)
	_, err := w.CommitWrite(context.Background(), ww, 100)
	isClosed(t, err)
	isEnded(t, ww, "CommitWrite")
	ww, err = w.BeginWrite(context.Background(), 100)
	isClosed(t, err)
	if ww != (window.WriteWindow{}) {
		broke(t, "an error means no window", "BeginWrite returned %v, %v", ww, err)
	}
	closed(t, c)
}
