package source

import (
	"context"

	"github.com/oriel-go/oriel/mmapsrc"
	"github.com/oriel-go/oriel/pool"
	"github.com/oriel-go/oriel/window"
)

// A piece is memory that holds bytes of the source: pool memory they were read
// into, or a window of a mapping.
type piece struct {
	buf    *pool.Buffer
	pad    int           // bytes in buf before those that were asked for, of a direct read
	ringed bool          // whether bytes of it came through the ring
	lent   bool          // whether it is a window of a mapping,
	w      window.Window // which this is
}

// skip leaves out the bytes before lo; hi is where they end.
func (p *piece) skip(lo, hi int) {
	if !p.lent {
		p.pad += lo
		return
	}
	w := p.w
	p.w = w.Slice(lo, hi)
	w.Release()
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
	want int           // bytes to be copied
	ring *ringFile     // how it goes through the ring, nil for not
	past bool          // past the page cache
	from *mmapsrc.File // the mapping that bytes are to be lent of instead,
	load int           // how many, 0 for none,
	use  mmapsrc.Use   // and what they are loaded for

	shut   bool // nothing can be read any more: the File may be closed
	hit    bool // all of it was resident when it was asked for
	cached bool // the page cache has what is to be loaded, so that it hardly waits
	touch  bool // only to be loaded: a later read is lent it

	piece     // empty: to be got first, or not to be had
	n     int // bytes in it
}

// A fetch is one read that somebody may wait for and may stop waiting for. It
// owns its memory until the kernel, or the Fetcher, has finished with that. One
// goroutine at a time uses it, and ends it with take or abandon.
type fetch interface {
	// asked returns what the fetch is for.
	asked() *request

	// isDone reports whether it has finished.
	isDone() bool

	// ready returns a channel that is closed when it has.
	ready() <-chan struct{}

	// wait returns nil when it has, and the context's error when that ends
	// first; the fetch is still the caller's then.
	wait(ctx context.Context) error

	// take returns the result of a fetch that has finished. The piece is the
	// caller's.
	take() (p piece, n int, err error)

	// abandon gives up a fetch whose result nobody wants. It returns how many
	// bytes were, or will be, read in vain.
	abandon() int
}

// start begins what q asks for. Its piece belongs to the fetch from now on; with
// all that is wanted in it the fetch has finished at once. ctx bounds the waiting
// for memory and for a place, and is handed to a Fetcher; it ends with the fetch.
// The caller is inside q.f's gate, which the fetch enters too.
func start(ctx context.Context, q request) fetch {
	q.choose()
	if q.n < q.want && q.buf != nil && q.ring.serves() {
		return q.ring.start(q)
	}
	return startTask(ctx, q)
}

// always is the ready channel of what has finished.
var always = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// bytes returns how many bytes a request reads, as far as that is known before.
func (q *request) bytes() int {
	if q.load > 0 {
		return q.load
	}
	return q.want
}

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
		if err = q.get(ctx); err != nil {
			return err
		}
	}
	if q.ring.serves() {
		return q.ring.read(ctx, q)
	}
	return q.fillHere(ctx)
}

// fillHere is fill without the ring, once there is memory.
func (q *request) fillHere(ctx context.Context) error {
	if q.shut {
		return window.ErrClosed
	}
	waiting := &q.f.rt.crowd.waiting
	waiting.Add(1)
	n, err := q.f.readHere(ctx, q.bytesAt(q.n, q.want), q.off+int64(q.n))
	waiting.Add(-1)
	q.n += n
	return err
}

// get gets the memory for q, waiting for it until ctx ends.
func (q *request) get(ctx context.Context) (err error) {
	pad, size := q.ring.room(q)
	q.buf, err = q.sess.Get(ctx, size)
	q.pad = pad
	return err
}

// tryGet is get that does not wait. It reports whether there was memory.
func (q *request) tryGet() (ok bool) {
	pad, size := q.ring.room(q)
	q.buf, ok = q.sess.TryGet(size)
	q.pad = pad
	return ok
}

// look reads into q's memory what is resident of what is missing, unless it is
// to be read past the page cache.
func (q *request) look() {
	if !q.past {
		q.n = q.f.b.resident(q.bytesAt(0, q.want), q.off)
	}
}

// bytesAt returns the memory for the bytes from lo to hi of those asked for.
func (p *piece) bytesAt(lo, hi int) []byte { return p.buf.Bytes()[p.pad+lo : p.pad+hi] }
