package windowtest

import (
	"context"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/oriel-go/oriel/window"
)

// The readers here wrap another one and do one thing to it. Each has a method
// Close() error, which gives back the rest of a window that it holds, if any,
// and closes what it wraps if that has a Close. Each is used by one goroutine
// at a time, except for Close and the methods of StallReader.

// A ReadCloser is a [window.Reader] that can be closed.
type ReadCloser interface {
	window.Reader
	io.Closer
}

// cut is a reader over r that gives its windows in pieces and does something
// before each piece.
type cut struct {
	r window.Reader

	// piece says how the next n bytes, which begin at offset off of what was
	// read through the cut, are handed out: how many, 1 to n, or an error.
	piece func(ctx context.Context, off int64, n int) (int, error)

	off    int64 // how much was handed out
	mu     sync.Mutex
	rest   window.Window // what is left of the last window
	closed bool
}

func (c *cut) ReadManaged(ctx context.Context) (window.Window, error) {
	c.mu.Lock()
	rest, closed := c.rest, c.closed
	c.rest = window.Window{} // taken, so that a Close meanwhile leaves it alone
	c.mu.Unlock()
	w, rest, err := c.read(ctx, rest, closed)
	c.mu.Lock()
	if !c.closed {
		c.rest, rest = rest, window.Window{}
	}
	c.mu.Unlock()
	rest.Release()
	return w, err
}

// read returns the next piece and what is left behind it.
func (c *cut) read(ctx context.Context, rest window.Window, closed bool) (w, left window.Window, err error) {
	if err = ctx.Err(); closed {
		err = window.ErrClosed
	}
	if err != nil {
		return w, rest, c.fail(err)
	}
	if rest == (window.Window{}) {
		if rest, err = c.r.ReadManaged(ctx); err != nil {
			if err == io.EOF { // the piece function may have another end in mind
				if _, e := c.piece(ctx, c.off, 0); e != nil {
					err = c.fail(e)
				}
			}
			return w, window.Window{}, err
		}
	}
	n, err := c.piece(ctx, c.off, rest.Len())
	if err != nil {
		return w, rest, c.fail(err)
	}
	c.off += int64(n)
	if n == rest.Len() {
		return rest, window.Window{}, nil
	}
	w, left = rest.Slice(0, n), rest.Slice(n, rest.Len())
	rest.Release()
	return w, left, nil
}

func (c *cut) fail(err error) error {
	if _, ok := err.(*window.Error); ok || err == io.EOF {
		return err
	}
	return &window.Error{Op: "read", Path: "windowtest", Off: c.off, Err: err}
}

func (c *cut) Close() error {
	c.mu.Lock()
	rest := c.rest
	c.rest, c.closed = window.Window{}, true
	c.mu.Unlock()
	rest.Release()
	if r, ok := c.r.(io.Closer); ok {
		return r.Close()
	}
	return nil
}

// OneByte gives the bytes of r in windows of one byte.
func OneByte(r window.Reader) ReadCloser {
	return &cut{r: r, piece: func(context.Context, int64, int) (int, error) { return 1, nil }}
}

// ShortWindows gives the bytes of r in windows of random lengths, 1 to
// maxBytes, the same for the same seed.
func ShortWindows(r window.Reader, maxBytes int, seed uint64) ReadCloser {
	rnd := rand.New(rand.NewPCG(seed, 0))
	return &cut{r: r, piece: func(_ context.Context, _ int64, n int) (int, error) {
		return min(n, 1+rnd.IntN(maxBytes)), nil
	}}
}

// ErrAfter gives the first n bytes of r, and then err at every call. When r
// ends before, err comes at its end. It is wrapped in a [*window.Error] unless
// it is one, or io.EOF.
func ErrAfter(r window.Reader, n int64, err error) ReadCloser {
	return &cut{r: r, piece: func(_ context.Context, off int64, have int) (int, error) {
		if off >= n || have == 0 {
			return 0, err
		}
		return int(min(int64(have), n-off)), nil
	}}
}

// CancelOnce gives the bytes of r, but the first call at offset n fails as if
// its context had been cancelled. Nothing is lost by it.
func CancelOnce(r window.Reader, n int64) ReadCloser {
	done := false
	return &cut{r: r, piece: func(_ context.Context, off int64, have int) (int, error) {
		if off < n {
			return int(min(int64(max(have, 0)), n-off)), nil
		}
		if off == n && !done {
			done = true
			return 0, context.Canceled
		}
		return have, nil
	}}
}

// Flaky gives the bytes of r, but every other call fails with err, beginning
// with the first. Nothing is lost by it.
func Flaky(r window.Reader, err error) ReadCloser {
	fails := false
	return &cut{r: r, piece: func(_ context.Context, _ int64, have int) (int, error) {
		if fails = !fails; fails {
			return 0, err
		}
		return have, nil
	}}
}

// A StallReader gives the bytes of another reader up to an offset and then
// blocks until the caller's context ends or Resume is called.
type StallReader struct {
	ReadCloser
	stalled, resumed         chan struct{}
	stalledOnce, resumedOnce sync.Once
}

// Stall gives the first n bytes of r and then blocks, at the end of r at the
// latest.
func Stall(r window.Reader, n int64) *StallReader {
	s := &StallReader{stalled: make(chan struct{}), resumed: make(chan struct{})}
	s.ReadCloser = &cut{r: r, piece: func(ctx context.Context, off int64, have int) (int, error) {
		if off < n && have > 0 {
			return int(min(int64(have), n-off)), nil
		}
		s.stalledOnce.Do(func() { close(s.stalled) })
		select {
		case <-s.resumed:
			return have, nil
		default:
		}
		select {
		case <-s.resumed:
			return have, nil
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}}
	return s
}

// Stalled returns a channel that is closed when a call has blocked.
func (s *StallReader) Stalled() <-chan struct{} { return s.stalled }

// Resume lets every call through from now on.
func (s *StallReader) Resume() { s.resumedOnce.Do(func() { close(s.resumed) }) }

// ErrInRange returns a ReaderAt that fails, with err in a [*window.Error] that
// names the range asked for, whatever has a byte in bad. Other reads are r's.
func ErrInRange(r window.ReaderAt, bad window.Range, err error) window.ReaderAt {
	return errInRange{r, bad, err}
}

type errInRange struct {
	r   window.ReaderAt
	bad window.Range
	err error
}

func (e errInRange) ReadManagedAt(ctx context.Context, off int64, n int) (window.Window, error) {
	asked := window.Range{Off: off, Len: int64(n)}
	if asked.Check() == nil && ctx.Err() == nil && asked.Intersect(e.bad).Len > 0 {
		return window.Window{}, &window.Error{Op: "read", Path: "windowtest", Off: off, Len: int64(n), Err: e.err}
	}
	return e.r.ReadManagedAt(ctx, off, n)
}

// Count returns a Reader that counts what it gives, and hides every other
// method of r.
func Count(r window.Reader) *Counter { return &Counter{r: r} }

// A Counter counts the windows and bytes that go through it.
type Counter struct {
	r              window.Reader
	windows, bytes atomic.Int64
}

// ReadManaged implements [window.Reader].
func (c *Counter) ReadManaged(ctx context.Context) (window.Window, error) {
	w, err := c.r.ReadManaged(ctx)
	if err == nil {
		c.windows.Add(1)
		c.bytes.Add(int64(w.Len()))
	}
	return w, err
}

// Windows returns how many windows were given.
func (c *Counter) Windows() int64 { return c.windows.Load() }

// Bytes returns how many bytes they had.
func (c *Counter) Bytes() int64 { return c.bytes.Load() }
