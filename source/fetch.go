package source

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/oriel-go/oriel/pool"
	"github.com/oriel-go/oriel/window"
)

// A fetch is one read that somebody may wait for and may stop waiting for. It
// runs in a goroutine of its own, in one of the Runtime's places for reads that
// wait, and owns its memory until the kernel or the Fetcher has returned.
//
//	           finish
//	running ──────────► finished ──► ready is closed; take or abandon has buf
//	   │ abandon
//	   └──────────────► orphaned ──► its goroutine frees buf
//
// Exactly one of the goroutine's finish and the waiter's abandon succeeds.
type fetch struct {
	f      *File // held open by its gate
	sess   *pool.Session
	off    int64
	want   int // bytes
	state  atomic.Uint32
	ready  chan struct{}      // closed when the fetch has finished
	cancel context.CancelFunc // ends what Fetch was given, when nobody wants the result or it is there

	// Written before ready is closed, and the waiter's afterwards.
	buf *pool.Buffer // nil: to be got first, or not to be had
	n   int          // bytes in buf
	err error
}

const (
	running = iota
	finished
	orphaned
)

// always is the ready channel of what has finished.
var always = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// start begins to read want bytes at off. buf, if not nil, holds the first n of
// them already and belongs to the fetch from now on; with all of them it has
// finished at once. ctx bounds the waiting for memory and for a place, and is
// handed to a Fetcher; it ends with the fetch. The caller is inside f's gate,
// which the fetch enters too.
func start(ctx context.Context, f *File, sess *pool.Session, buf *pool.Buffer, n int, off int64, want int) *fetch {
	t := &fetch{f: f, sess: sess, off: off, want: want, buf: buf, n: n}
	if n == want {
		t.state.Store(finished)
		t.ready = always
		return t
	}
	t.ready = make(chan struct{})
	ctx, t.cancel = context.WithCancel(ctx)
	f.gate.enter()
	go t.run(ctx)
	return t
}

func (t *fetch) run(ctx context.Context) {
	t.err = errGone // unless fill returns
	defer t.cancel()
	defer func() {
		t.f.leave() // first: who has the result and closes the File finds it closed
		if t.state.CompareAndSwap(running, finished) {
			close(t.ready)
		} else {
			t.free()
		}
	}()
	t.err = t.fill(ctx)
}

// errGone is the result of a Fetch that ended its goroutine.
var errGone = fmt.Errorf("%w: it ended its goroutine", window.ErrFetcher)

func (t *fetch) fill(ctx context.Context) (err error) {
	if t.buf == nil {
		if t.buf, err = t.sess.Get(ctx, t.want); err != nil {
			return err
		}
	}
	n, err := t.f.readHere(ctx, t.buf.Bytes()[t.n:], t.off+int64(t.n))
	t.n += n
	return err
}

// isDone reports whether the fetch has finished.
func (t *fetch) isDone() bool {
	select {
	case <-t.ready:
		return true
	default:
		return false
	}
}

// wait returns nil when the fetch has finished, and the context's error when
// that ends first; the fetch is still the caller's then.
func (t *fetch) wait(ctx context.Context) error {
	if t.isDone() {
		return nil
	}
	select {
	case <-t.ready:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// take returns the result of a fetch that has finished. buf, unless it is nil,
// is the caller's.
func (t *fetch) take() (buf *pool.Buffer, n int, err error) {
	buf, t.buf = t.buf, nil
	return buf, t.n, t.err
}

// abandon gives up a fetch whose result nobody wants. It returns how many bytes
// were, or will be, read in vain.
func (t *fetch) abandon() int {
	if t.state.CompareAndSwap(running, orphaned) {
		t.cancel()
		return t.want
	}
	<-t.ready // the goroutine is about to close it
	t.free()
	return t.n
}

func (t *fetch) free() {
	if t.buf != nil {
		t.buf.Free()
		t.buf = nil
	}
}
