package source

import (
	"context"
	"fmt"
	"io"
	"math"
	"sync/atomic"
	"time"

	"github.com/oriel-go/oriel/mmapsrc"
	"github.com/oriel-go/oriel/pool"
	"github.com/oriel-go/oriel/window"
)

// A Reader reads a source from front to back: a session of one goroutine, with
// a position and an account of memory of its own. Any number of Readers read
// one File. Stats, Explain, Name, Size and the sizes of windows may be asked
// for by any goroutine.
//
// It is a [window.Reader] and a [window.ReaderAt]; [window.NewCursor] makes
// lines, records and an io.Reader of it.
//
//	   handed out         pending                  not yet read
//	┌──────────────────┬───────────────────────┬────────────────── …
//	0                  pos: the next window     read ahead of, or begun for a
//	                                            call that was cancelled
type Reader struct {
	f       *File
	owns    bool // Close closes f
	sess    *pool.Session
	bytes   atomic.Int64 // of a window
	sized   atomic.Bool  // somebody has asked for that
	pattern atomic.Uint32
	joins   atomic.Int64 // of reserve

	pos     int64
	pending *fetch // of what is at pos
	ahead   bool   // pending was begun before anybody asked
	waiting bool   // the last window had to be waited for
	ended   bool   // a stream has said io.EOF
	failed  error  // what the next call returns: the good prefix went first
	err     error  // an invalid option: what every read returns

	closed atomic.Bool
	count  counters
}

// reserveBytes is what a Reader may overdraw beside a window: a join of
// window.DefaultMaxBytes while it grows.
const reserveBytes = 2 * window.DefaultMaxBytes

// NewReader returns a Reader of the whole File, from its beginning. Of o only
// Pattern and WindowBytes count, and nil, like a zero field, means the File's
// own. The File must stay open; a stream's File cannot be had.
func (f *File) NewReader(o *Options) *Reader {
	r := f.reader(false)
	if o == nil {
		return r
	}
	switch {
	case o.Pattern > Reuse:
		r.err = fmt.Errorf("%w: Pattern: %v", window.ErrOption, o.Pattern)
	case o.Pattern != Detect:
		r.SetPattern(o.Pattern)
	}
	if o.WindowBytes != 0 && r.err == nil {
		r.err = r.SetWindowSize(o.WindowBytes)
	}
	return r
}

func (f *File) reader(owns bool) *Reader {
	n := f.set.windowBytes(DefaultWindowBytes)
	if f.stream != nil {
		n = f.set.windowBytes(StreamWindowBytes)
	}
	r := &Reader{f: f, owns: owns, sess: f.rt.memory.NewSession(int64(n + reserveBytes))}
	r.bytes.Store(int64(n))
	r.sized.Store(f.set.window != 0)
	r.joins.Store(reserveBytes)
	r.pattern.Store(uint32(f.set.pattern))
	return r
}

// ReadManaged returns the next window, as [window.Reader] has it. A file's
// windows have WindowSize bytes, but for the first after a SeekTo in between
// multiples of Granularity, which ends at one, and the last; a stream's have
// what one read returned.
func (r *Reader) ReadManaged(ctx context.Context) (window.Window, error) {
	return r.next(ctx, true)
}

// TryReadManaged is ReadManaged that never waits: when the next window is not
// resident it begins to fetch it and returns an error that wraps
// window.ErrNotReady. ctx is only looked at.
func (r *Reader) TryReadManaged(ctx context.Context) (window.Window, error) {
	return r.next(ctx, false)
}

// Ready returns a channel that is closed when TryReadManaged would not return
// window.ErrNotReady any more, for the fetch that was begun last; where none
// is under way it is closed already.
func (r *Reader) Ready() <-chan struct{} {
	if r.pending == nil {
		return always
	}
	return r.pending.ready
}

func (r *Reader) next(ctx context.Context, wait bool) (window.Window, error) {
	f := r.f
	defer f.leave()
	if !f.gate.enter() || r.closed.Load() {
		return f.none("read", r.pos, 0, window.ErrClosed)
	}
	if err := ctx.Err(); err != nil {
		return f.none("read", r.pos, r.WindowSize(), err)
	}
	if err := r.takeFailure(); err != nil {
		return f.none("read", r.pos, r.WindowSize(), err)
	}
	if r.pending == nil {
		p, n, err := r.begin(ctx, wait)
		if r.pending == nil {
			return r.deliver(p, n, err)
		}
	}
	if !wait && !r.pending.isDone() {
		return f.none("read", r.pos, r.pending.bytes(), window.ErrNotReady)
	}
	if err := r.await(ctx); err != nil {
		return f.none("read", r.pos, r.pending.bytes(), err)
	}
	t := r.pending
	r.pending, r.ahead = nil, false
	return r.deliver(t.take())
}

// takeFailure returns the error that is due: once, so that the read can be
// tried again, except for an option's.
func (r *Reader) takeFailure() error {
	if r.f.err != nil {
		return r.f.err
	}
	if r.err != nil {
		return r.err
	}
	err := r.failed
	r.failed = nil
	return err
}

// await waits for pending.
func (r *Reader) await(ctx context.Context) error {
	if r.pending.isDone() {
		return nil
	}
	if r.pending.cached { // and so not long
		return r.pending.wait(ctx)
	}
	defer r.count.waited(time.Now())
	r.waiting = true
	return r.pending.wait(ctx)
}

// begin reads the next window here if that needs no waiting, or none that has
// to be cut short. Otherwise it makes it pending.
func (r *Reader) begin(ctx context.Context, wait bool) (p piece, n int, err error) {
	q, err := r.request()
	switch {
	case err != nil:
		return p, 0, err
	case r.f.lender != nil:
		return p, q.want, nil
	case q.lent:
		r.waiting = false
		return q.piece, q.n, nil
	case q.load > 0: // nothing to be had without waiting
	case wait:
		if q.buf, err = r.sess.Get(ctx, q.want); err != nil {
			return p, 0, err
		}
	default:
		q.buf, _ = r.sess.TryGet(q.want)
	}
	if q.buf != nil {
		if q.n = r.f.b.resident(q.buf.Bytes(), r.pos); q.n == q.want || q.n > 0 && r.f.stream != nil {
			r.waiting = false
			return q.piece, q.n, nil
		}
	}
	r.waiting = !q.cached
	if heeds := r.f.stream != nil && r.f.stream.heedsContext(); !wait || ctx.Done() != nil && !heeds {
		r.pending = start(context.Background(), q)
		return p, 0, nil
	}
	if r.waiting {
		defer r.count.waited(time.Now())
	}
	err = q.fill(ctx)
	return q.piece, q.n, err
}

// request returns what the next window is to be, with its bytes if a mapping
// lends them now.
func (r *Reader) request() (q request, err error) {
	q = request{f: r.f, sess: r.sess, off: r.pos}
	if r.f.mapped != nil {
		if n := r.mappedWant(); n > 0 {
			q.use = use(r.Pattern(), mmapsrc.Once)
			load, cached := r.f.tryMap(&q, n)
			switch {
			case q.lent:
				q.want, q.n = n, n
				return q, nil
			case load:
				q.load, q.cached = n, cached
			}
		}
	}
	q.want, err = r.want()
	return q, err
}

// want returns how many bytes the next window should have, io.EOF for none, if
// they are copied.
func (r *Reader) want() (int, error) {
	n := r.copyBytes()
	if r.f.stream != nil {
		if r.ended {
			return 0, io.EOF
		}
		return n, nil
	}
	size := r.f.Size()
	if r.pos >= size {
		var err error
		if size, err = r.f.look(); err != nil {
			return 0, err
		}
		if size == 0 && r.f.mayHide() {
			n = int(min(int64(n), math.MaxInt64-r.pos))
			if n == 0 {
				return 0, io.EOF
			}
			return n, nil // and may not be empty: only a read can tell
		}
		if r.pos >= size {
			return 0, io.EOF
		}
	}
	n -= int(r.pos % Granularity)
	return int(min(int64(n), size-r.pos)), nil
}

// deliver returns what was read at pos as a window and begins to read ahead if
// the Reader has to wait.
func (r *Reader) deliver(p piece, n int, err error) (window.Window, error) {
	if r.f.lender != nil && err == nil {
		w := r.f.lend(r.sess, r.pos, n)
		r.moved(n)
		return w, nil
	}
	r.ended = r.ended || err == io.EOF && r.f.stream != nil
	if n == 0 {
		p.free()
		if err == io.EOF {
			return window.Window{}, err
		}
		return r.f.none("read", r.pos, r.WindowSize(), err)
	}
	w, _ := r.f.window(r.sess, p, n, r.pos)
	if p.lent {
		r.count.lent.Add(1)
	}
	r.moved(n)
	switch {
	case err == io.EOF:
		// The file ends here, or did; the next call looks again.
		r.f.length.Store(min(r.pos, r.f.length.Load()))
	case err != nil:
		r.failed = err
	case r.waiting:
		r.readAhead()
	}
	return w, nil
}

// moved counts a window of n bytes and goes on behind it.
func (r *Reader) moved(n int) {
	r.count.read(n)
	r.pos += int64(n)
}

// readAhead begins to fetch the next window if there is memory for it now.
// When it turns out to be resident, reading ahead ends with it.
func (r *Reader) readAhead() {
	if r.f.stream != nil || r.Pattern() == Random {
		return
	}
	q, err := r.request()
	if err != nil {
		return
	}
	switch {
	case q.lent: // and given up behind the Reader if it is given back: kept
		r.waiting = false
		q.want = q.n
		r.pending = start(context.Background(), q)
		return
	case q.load > 0:
		r.waiting = !q.cached
	default:
		buf, ok := r.sess.TryGet(q.want)
		if !ok {
			return
		}
		q.buf = buf
		if q.n = r.f.b.resident(buf.Bytes(), r.pos); q.n == q.want {
			r.waiting = false
		}
	}
	r.pending, r.ahead = start(context.Background(), q), true
	r.count.ahead.Add(int64(q.bytes()))
}

// drop gives up what is pending.
func (r *Reader) drop() {
	if r.pending == nil {
		return
	}
	if n := r.pending.abandon(); r.ahead {
		r.count.wasted.Add(int64(n))
	}
	r.pending, r.ahead = nil, false
}

// ReadManagedAt is [File.ReadManagedAt] in the Reader's account of memory. It
// does not move the Reader.
func (r *Reader) ReadManagedAt(ctx context.Context, off int64, n int) (window.Window, error) {
	if r.closed.Load() {
		return r.f.none("read", off, n, window.ErrClosed)
	}
	if r.f.stream != nil {
		return r.f.none("read", off, n, fmt.Errorf("a stream has no offsets: %w", window.ErrUnsupported))
	}
	return r.f.readAt(ctx, r.sess, off, n)
}

// SeekTo makes the byte at off the next to be read. Beyond the end is allowed
// and reads as io.EOF. A stream cannot be moved: window.ErrUnsupported.
func (r *Reader) SeekTo(off int64) error {
	switch {
	case r.closed.Load():
		return r.f.fail("seek", off, 0, window.ErrClosed)
	case r.f.stream != nil:
		return r.f.fail("seek", off, 0, fmt.Errorf("a stream has no offsets: %w", window.ErrUnsupported))
	case off < 0:
		return r.f.fail("seek", off, 0, window.ErrRange)
	}
	if off != r.pos {
		r.drop()
		r.pos, r.failed = off, nil
	}
	return nil
}

// NoteHit says that the caller had the n bytes at off in a cache of its own.
// It is a hint, and today only counted.
func (r *Reader) NoteHit(off int64, n int) { r.count.hits.Add(1) }

// Close ends the Reader: windows stay valid until they are released. Its File
// is closed with it if OpenReader or NewStream made it. Closing twice is fine.
func (r *Reader) Close() error {
	if r.closed.Swap(true) {
		return nil
	}
	r.drop()
	r.sess.Close()
	r.f.add(r.count.stats())
	if r.owns {
		return r.f.Close()
	}
	return nil
}
