package windowtest

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/oriel-go/oriel/window"
)

// readerChecks lists what is checked of a window.Reader.
func readerChecks(s Source) []check {
	const group = "Reader"
	var list []check
	for i, n := range s.sizes() {
		list = append(list, check{group, sized("Content", n), func(t testing.TB) { s.readAll(t, n, uint64(i)) }})
	}
	return append(list,
		check{group, "Cancelled", s.readCancelled},
		check{group, "CancelledAnywhere", s.readCancelledAnywhere},
		check{group, "Unchanged", s.readUnchanged},
		check{group, "ReleasedElsewhere", s.readReleasedElsewhere},
		check{group, "Abandoned", s.readAbandoned},
		check{group, "Independent", s.readIndependent},
		check{group, "Close", s.readClose},
	)
}

// readAll reads n bytes from the beginning to the end, and then past it.
func (s Source) readAll(t testing.TB, n int, seed uint64) {
	want := content(n, seed)
	r := s.Reader(t, content(n, seed))
	drain(t, r, want, 0)
	for range 3 {
		if _, err := next(context.Background(), t, r); err != io.EOF {
			broke(t, "after the last window every call returns io.EOF", "a later call returned %v", err)
			return
		}
	}
}

// readCancelled calls with contexts that have ended, at the beginning and in
// the middle, and then reads on.
func (s Source) readCancelled(t testing.TB) {
	n := s.size(256<<10 + 1)
	want := content(n, 1)
	r := s.Reader(t, content(n, 1))
	over, stop := endedContexts()
	defer stop()
	off := 0
	for range 3 {
		for _, ctx := range over {
			atOnce(t, "ReadManaged", func() {
				w, err := next(ctx, t, r)
				isContext(t, ctx, err)
				release(t, w)
			})
		}
		w, err := next(context.Background(), t, r)
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
	drain(t, r, want, off)
}

// readCancelledAnywhere ends contexts while calls are under way.
func (s Source) readCancelledAnywhere(t testing.TB) {
	n := s.size(1<<20 + 3)
	want := content(n, 2)
	r := s.Reader(t, content(n, 2))
	rnd := random(2)
	off, failed := 0, 0
	for {
		ctx, cancel := context.WithCancel(context.Background())
		if failed < 4 { // a slow source gets on in the end
			time.AfterFunc(time.Duration(rnd.IntN(50))*time.Microsecond, cancel)
		}
		w, err := next(ctx, t, r)
		if err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			failed++
			continue
		}
		cancel()
		failed = 0
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

// readUnchanged holds windows while the rest is read and released.
func (s Source) readUnchanged(t testing.TB) {
	n := s.MaxBytes
	want := content(n, 3)
	r := s.Reader(t, content(n, 3))
	var held []kept
	defer func() {
		for _, k := range held {
			release(t, k.w)
		}
	}()
	for {
		w, err := next(context.Background(), t, r)
		if err != nil {
			break // the content checks look at errors
		}
		k := keep(t, w, want)
		if len(held) < s.MaxHeld-1 {
			held = append(held, k)
			continue
		}
		for _, h := range held {
			h.unchanged(t, "later windows were read")
		}
		k.unchanged(t, "nothing at all")
		release(t, w)
	}
	for len(held) > 1 { // every second one goes, the others stay as they are
		rest := held[:0]
		for i, h := range held {
			if i%2 == 0 {
				release(t, h.w)
			} else {
				rest = append(rest, h)
			}
		}
		held = rest
		for _, h := range held {
			h.unchanged(t, "other windows were released")
		}
	}
}

// readReleasedElsewhere sends windows to another goroutine, which checks and
// releases them while the reader reads on.
func (s Source) readReleasedElsewhere(t testing.TB) {
	n := s.size(1<<20 + 3)
	want := content(n, 4)
	r := s.Reader(t, content(n, 4))
	ch := make(chan kept, max(s.MaxHeld-2, 0))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for k := range ch {
			k.unchanged(t, "it was sent to another goroutine")
			release(t, k.w)
		}
	}()
	for {
		w, err := next(context.Background(), t, r)
		if err != nil {
			break
		}
		ch <- keep(t, w, want)
	}
	close(ch)
	<-done
}

// readAbandoned leaves a reader in the middle, as a LIMIT does; what it had
// fetched in advance is its own to give back.
func (s Source) readAbandoned(t testing.TB) {
	n := s.MaxBytes
	want := content(n, 5)
	r := s.Reader(t, content(n, 5))
	off := 0
	for range 2 {
		w, err := next(context.Background(), t, r)
		if err != nil {
			return
		}
		off, _ = follow(t, w, want, off)
		release(t, w)
	}
}

// readIndependent reads two readers in turn, one of which ends early.
func (s Source) readIndependent(t testing.TB) {
	n := s.size(256<<10 + 1)
	wantA, wantB := content(n, 6), content(n, 7)
	a, b := s.Reader(t, content(n, 6)), s.Reader(t, content(n, 7))
	offA, offB := 0, 0
	for range 3 {
		for _, x := range []struct {
			r    window.Reader
			off  *int
			want []byte
		}{{a, &offA, wantA}, {b, &offB, wantB}} {
			w, err := next(context.Background(), t, x.r)
			if err != nil {
				ended(t, err, x.want, *x.off)
				continue
			}
			*x.off, err = follow(t, w, x.want, *x.off)
			release(t, w)
			if err != nil {
				t.Errorf("rule %q is broken", "readers do not know of each other")
				return
			}
		}
	}
	if c, ok := a.(io.Closer); ok {
		c.Close()
	}
	drain(t, b, wantB, offB)
}

// readClose closes a reader with windows out.
func (s Source) readClose(t testing.TB) {
	n := s.size(256<<10 + 1)
	want := content(n, 8)
	r := s.Reader(t, content(n, 8))
	c, ok := r.(io.Closer)
	if !ok {
		t.Skip("the reader has no Close")
	}
	w, err := next(context.Background(), t, r)
	if err != nil {
		t.Fatalf("the first window: %v", err)
	}
	k := keep(t, w, want)
	closed(t, c)
	k.unchanged(t, "Close")
	_, err = next(context.Background(), t, r)
	isClosed(t, err)
	closed(t, c)
	k.unchanged(t, "a second Close")
	release(t, w)
	_, err = next(context.Background(), t, r)
	isClosed(t, err)
}

func closed(t testing.TB, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		broke(t, "closing is fine with windows out, and twice", "Close returned %q", err)
	}
}

func isClosed(t testing.TB, err error) {
	t.Helper()
	if !errors.Is(err, window.ErrClosed) {
		broke(t, "reading what was closed is ErrClosed", "the error is %v", err)
	}
}
