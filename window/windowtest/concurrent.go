package windowtest

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/oriel-go/oriel/window"
)

// readers is how many goroutines use one ReaderAt at a time.
const readers = 8

// each runs f in several goroutines and waits for all.
func each(f func(i int)) {
	var wg sync.WaitGroup
	for i := range readers {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

// atConcurrent reads random ranges from several goroutines. Each holds one
// window at a time, but its bytes are checked only after a later read.
func (s Source) atConcurrent(t testing.TB) {
	n := s.size(1<<20 + 3)
	want := content(n, 40)
	r := s.ReaderAt(t, content(n, 40))
	each(func(i int) {
		rnd := random(uint64(i))
		for range 64 {
			off := rnd.IntN(n)
			if !exactly(t, r, want, off, 1+rnd.IntN(min(n, 64<<10))) {
				return
			}
		}
	})
}

// atContextsApart reads the same ranges at the same time, half of the
// goroutines with contexts that end at any moment. Where a source fetches a
// range once for several callers, the end of one's context is not the others'.
func (s Source) atContextsApart(t testing.TB) {
	n := s.size(256<<10 + 1)
	want := content(n, 41)
	r := s.ReaderAt(t, content(n, 41))
	for round := range 32 {
		off := round * n / 32
		length := min(n-off, n/32+1)
		each(func(i int) {
			if i%2 == 0 {
				exactly(t, r, want, off, length)
				return
			}
			ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i*round)*time.Microsecond)
			defer cancel()
			w, err := at(ctx, t, r, int64(off), length)
			if err == nil {
				sameBytes(t, w.Bytes(), want[off:off+length], int64(off))
			} else if !errors.Is(err, context.DeadlineExceeded) {
				broke(t, "a context's error is wrapped", "%q does not wrap %q", err, context.DeadlineExceeded)
			}
			release(t, w)
		})
		if t.Failed() {
			return
		}
	}
}

// atCloseWhileReading closes a reader under the hands of others: each call
// gives a good window or ErrClosed.
func (s Source) atCloseWhileReading(t testing.TB) {
	n := s.size(256<<10 + 1)
	want := content(n, 42)
	r := s.ReaderAt(t, content(n, 42))
	c, ok := r.(io.Closer)
	if !ok {
		t.Skip("the reader has no Close")
	}
	each(func(i int) {
		if i == 0 {
			time.Sleep(200 * time.Microsecond)
			closed(t, c)
			return
		}
		rnd := random(uint64(i))
		for range 10_000 {
			off := rnd.IntN(n)
			w, err := at(context.Background(), t, r, int64(off), 1+rnd.IntN(4096))
			if errors.Is(err, window.ErrClosed) {
				return
			}
			if err != nil {
				t.Errorf("reading at %d while another goroutine closes: %v", off, err)
				return
			}
			sameBytes(t, w.Bytes(), want[off:off+w.Len()], int64(off))
			release(t, w)
		}
	})
}
