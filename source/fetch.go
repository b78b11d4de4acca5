package source

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/oriel-go/oriel/mmapsrc"
	"github.com/oriel-go/oriel/pool"
	"github.com/oriel-go/oriel/window"
)

// A piece is memory that holds bytes of the source: pool memory they were read
// into, or a window of a mapping.
type piece struct {
	buf  *pool.Buffer
	lent bool          // whether it is a window of a mapping,
	w    window.Window // which this is
}

// free gives the memory back, if there is any.
func (p *piece) free() {
	switch {
	case p.buf != nil:
		p.buf.Free()
	case p.lent:
		p.w.Release()
	}
	*p = piece{}
}

// A request is a read that may have to wait: what is wanted, and what of it is
// there already.
type request struct {
	f    *File
	sess *pool.Session
	off  int64
	want int         // bytes to be copied
	load int         // bytes to be lent of a mapping instead, if that can be; 0 for none
	use  mmapsrc.Use // what they are loaded for

	cached bool // the page cache has what is to be loaded, so that it hardly waits
	touch  bool // only to be loaded: a later read is lent it

	piece     // empty: to be got first, or not to be had
	n     int // bytes in it
}

// A fetch is one read that somebody may wait for and may stop waiting for. It
// runs in a goroutine of its own, in one of the Runtime's places for reads that
// wait, and owns its memory until the kernel or the Fetcher has returned.
//
//	           finish
//	running ──────────► finished ──► ready is closed; take or abandon has the piece
//	   │ abandon
//	   └──────────────► orphaned ──► its goroutine frees the piece
//
// Exactly one of the goroutine's finish and the waiter's abandon succeeds.
type fetch struct {
	request // its File is held open by its gate; what was read is the waiter's when ready is closed

	state  atomic.Uint32
	ready  chan struct{}      // closed when the fetch has finished
	cancel context.CancelFunc // ends what Fetch was given, when nobody wants the result or it is there
	err    error              // written before ready is closed
}

const (
	running = iota
	finished
	orphaned
)

// always is the ready channel of what has finished.
var always = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// start begins what q asks for. Its piece belongs to the fetch from now on; with
// all that is wanted in it the fetch has finished at once. ctx bounds the waiting
// for memory and for a place, and is handed to a Fetcher; it ends with the fetch.
// The caller is inside q.f's gate, which the fetch enters too.
func start(ctx context.Context, q request) *fetch {
	t := &fetch{request: q}
	if t.n == t.want {
		t.state.Store(finished)
		t.ready = always
		return t
	}
	t.ready = make(chan struct{})
	ctx, t.cancel = context.WithCancel(ctx)
	t.f.gate.enter()
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

// fill reads what is missing, in the calling goroutine.
func (q *request) fill(ctx context.Context) (err error) {
	if q.load > 0 {
		q.w, q.lent, err = q.f.loadHere(ctx, q)
		if q.touch {
			q.free()
			return err
		}
		if err != nil || q.lent {
			q.n = q.w.Len()
			return err
		}
	}
	if q.buf == nil {
		if q.buf, err = q.sess.Get(ctx, q.want); err != nil {
			return err
		}
	}
	n, err := q.f.readHere(ctx, q.buf.Bytes()[q.n:], q.off+int64(q.n))
	q.n += n
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

// take returns the result of a fetch that has finished. The piece is the
// caller's.
func (t *fetch) take() (p piece, n int, err error) {
	p, t.piece = t.piece, piece{}
	return p, t.n, t.err
}

// bytes returns how many bytes a request reads, as far as that is known before.
func (q *request) bytes() int {
	if q.load > 0 {
		return q.load
	}
	return q.want
}

// let leaves a fetch to itself: it ends, and nobody has its result.
func (t *fetch) let() {
	if !t.state.CompareAndSwap(running, orphaned) {
		<-t.ready
		t.free()
	}
}

// abandon gives up a fetch whose result nobody wants. It returns how many bytes
// were, or will be, read in vain.
func (t *fetch) abandon() int {
	if t.state.CompareAndSwap(running, orphaned) {
		t.cancel()
		return t.bytes()
	}
	<-t.ready // the goroutine is about to close it
	t.free()
	return t.n
}
