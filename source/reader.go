package source

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/bits"
	"sync/atomic"
	"time"

	"github.com/oriel-go/oriel/mmapsrc"
	"github.com/oriel-go/oriel/pool"
	"github.com/oriel-go/oriel/source/internal/access"
	"github.com/oriel-go/oriel/source/internal/plan"
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
//	   handed out         pending                  not begun
//	┌──────────────────┬───────────────────────┬────────────────── …
//	0                  pos: the next window     tail: up to ahead.Depth bytes
//	                                            behind the window handed out last
type Reader struct {
	f       *File
	owns    bool // Close closes f
	sess    *pool.Session
	bytes   atomic.Int64 // of a window
	sized   atomic.Bool  // somebody has asked for that
	pattern atomic.Uint32
	joins   atomic.Int64 // of reserve

	way   atomic.Uint32            // a plan.Way: how the windows to come are read
	steer atomic.Pointer[steering] // what chooses it, nil where there is no choice
	stale atomic.Bool              // the way has to be chosen, or bounded, again
	later bool                     // there is a choice, which is made when a little has been read
	began time.Time                // of that
	unit  int64                    // of reading ahead: the size of a window in the way

	pos     int64
	origin  int64   // where reading from front to back began
	pending pending // what was begun, from pos on and without gaps
	tail    int64   // where that ends
	ahead   access.Ahead
	limits  access.Limits // of ahead
	event   access.Event  // how the window came that is handed out next
	shelf   shelf         // windows behind it
	returns bool          // it comes back to what it has read
	ended   bool          // a stream has said io.EOF
	failed  error         // what the next call returns: the good prefix went first
	err     error         // an invalid option: what every read returns

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
	n := f.copyBytes()
	r := &Reader{f: f, owns: owns, sess: f.rt.memory.NewSession(int64(n + reserveBytes))}
	r.bytes.Store(int64(n))
	r.sized.Store(f.set.window != 0)
	r.joins.Store(reserveBytes)
	r.pattern.Store(uint32(f.set.pattern))
	r.way.Store(uint32(f.way()))
	r.stale.Store(true)
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
	if r.pending.n == 0 {
		return always
	}
	return r.pending.first().ready()
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
	r.course()
	for {
		if r.pending.n == 0 {
			if w, ok := r.shelved(); ok {
				return w, nil
			}
			p, n, err := r.begin(ctx, wait)
			if r.pending.n == 0 {
				return r.deliver(p, n, err)
			}
		}
		t := r.pending.first()
		if !wait && !t.isDone() {
			return f.none("read", r.pos, t.asked().bytes(), window.ErrNotReady)
		}
		if err := r.await(ctx, t); err != nil {
			return f.none("read", r.pos, t.asked().bytes(), err)
		}
		if p, n, err := r.take(); n > 0 || err != nil {
			return r.deliver(p, n, err)
		}
		r.drop() // it was cut short, before pos
	}
}

// take returns what the first that is pending has come to, from pos on: nothing,
// and no error, if it ended before that.
func (r *Reader) take() (p piece, n int, err error) {
	t, ahead := r.pending.pop()
	q := t.asked()
	skip := int(r.pos - q.off)
	switch {
	case q.hit:
		r.event = access.Hit
	case !ahead:
		r.event = access.Waited
	}
	p, n, err = t.take()
	if skip == 0 {
		return p, n, err
	}
	if n <= skip { // and what was wrong there is not an error of what follows
		p.free()
		return piece{}, 0, nil
	}
	p.skip(skip, n)
	return p, n - skip, err
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

// await waits for t, the first that is pending.
func (r *Reader) await(ctx context.Context, t fetch) error {
	r.event = access.Arrived
	if t.isDone() {
		return nil
	}
	if t.asked().cached { // and so not long
		return t.wait(ctx)
	}
	r.event = access.Waited
	defer r.wait(ctx).end()
	return t.wait(ctx)
}

// wait begins a wait of the Reader's.
func (r *Reader) wait(ctx context.Context) wait {
	if s := r.steer.Load(); s != nil {
		s.waited = true
	}
	return r.count.wait(ctx)
}

// begin reads the next window here if that needs no waiting, or none that has
// to be cut short. Otherwise it makes it pending.
func (r *Reader) begin(ctx context.Context, wait bool) (p piece, n int, err error) {
	r.event = access.Hit
	q, err := r.request(r.pos)
	switch {
	case err != nil:
		return p, 0, err
	case r.f.lender != nil:
		return p, q.want, nil
	case q.lent:
		return q.piece, q.n, nil
	case q.load > 0: // nothing to be had without waiting
	case wait:
		if err = q.get(ctx); err != nil {
			return p, 0, err
		}
	default:
		q.tryGet()
	}
	if q.buf != nil {
		if q.look(); q.n == q.want || q.n > 0 && r.f.stream != nil {
			return q.piece, q.n, nil
		}
	}
	q.hit = q.cached
	heeds := r.f.stream != nil && r.f.stream.heedsContext()
	q.choose()
	if !wait || ctx.Done() != nil && !heeds || q.ring.serves() {
		r.push(start(context.Background(), q), false)
		r.beginNext(&q)
		return p, 0, nil
	}
	if !q.cached {
		r.event = access.Waited
		defer r.wait(ctx).end()
	}
	err = q.fill(ctx)
	return q.piece, q.n, err
}

// beginNext has the window behind the first one fetched beside that, of a file that is
// read past the page cache and declared to be read once: nobody else reads ahead of it.
func (r *Reader) beginNext(first *request) {
	if !first.past || r.Pattern() != Once {
		return
	}
	if q, err := r.request(r.tail); err == nil && q.past && q.tryGet() {
		r.push(start(context.Background(), q), true)
	}
}

// push makes t the last that is pending; ahead says that nobody asked for it.
func (r *Reader) push(t fetch, ahead bool) {
	if r.pending.n == 0 {
		r.tail = r.pos
	}
	n := t.asked().bytes()
	r.pending.push(t, ahead)
	r.tail += int64(n)
	if ahead {
		r.count.ahead.Add(int64(n))
		r.ahead.Fetched(int64(n))
	}
}

// request returns what the window at off is to be, with its bytes if a mapping
// lends them now.
func (r *Reader) request(off int64) (q request, err error) {
	q = request{f: r.f, sess: r.sess, off: off}
	way := plan.Way(r.way.Load())
	if way == plan.Mmap {
		if n := r.mappedWant(off); n > 0 {
			q.from, q.use = r.f.ways.mapped.Load(), use(r.Pattern(), mmapsrc.Once)
			load, cached := q.tryMap(n)
			switch {
			case q.lent:
				q.want, q.n = n, n
				return q, nil
			case load:
				q.load, q.cached = n, cached
			}
		}
	}
	if q.want, err = r.want(off); err == nil {
		r.route(&q, way)
	}
	return q, err
}

// route says whether q goes through the ring, and past the page cache.
func (r *Reader) route(q *request, way plan.Way) {
	switch {
	case way == plan.Direct || way == plan.Ring:
		g := r.f.ways.ring.Load()
		if g.decide(q, way == plan.Direct && q.want >= leastDirect); q.past || !r.f.auto() {
			q.ring = g
		}
	case r.Pattern() == Once && q.want >= leastCrowdDirect && r.f.auto() && r.f.rt.crowd.isLarge():
		if g, err := r.f.ringed(); err == nil {
			if g.decide(q, true); q.past {
				q.ring = g
			}
		}
	}
}

// want returns how many bytes the window at off should have, io.EOF for none, if
// they are copied.
func (r *Reader) want(off int64) (int, error) {
	n := r.copyBytes()
	if plan.Way(r.way.Load()) == plan.Direct && !r.sized.Load() {
		// Windows of a huge page are for those who stay: at first they are small.
		n = min(n, max(leastDirect, 1<<(bits.Len64(uint64(max(off-r.origin, 1)))-1)))
	}
	if r.f.stream != nil {
		if r.ended {
			return 0, io.EOF
		}
		return n, nil
	}
	size := r.f.Size()
	if off >= size {
		var err error
		if size, err = r.f.look(); err != nil {
			return 0, err
		}
		if size == 0 && r.f.mayHide() {
			n = int(min(int64(n), math.MaxInt64-off))
			if n == 0 {
				return 0, io.EOF
			}
			return n, nil // and may not be empty: only a read can tell
		}
		if off >= size {
			return 0, io.EOF
		}
	}
	n -= int(off % Granularity)
	return int(min(int64(n), size-off)), nil
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
		r.drop() // it is behind what has not come
		if err == io.EOF {
			return window.Window{}, err
		}
		return r.f.none("read", r.pos, r.WindowSize(), err)
	}
	w, _ := r.f.window(&r.count, r.sess, p, n, r.pos)
	if p.lent {
		r.count.lent.Add(1)
	}
	if s := r.steer.Load(); s != nil && !p.ringed && plan.Way(r.way.Load()) == plan.Direct {
		s.copied += int64(n)
	}
	r.shelve(w, &p)
	r.moved(n)
	switch {
	case err == io.EOF:
		// The file ends here, or did; the next call looks again.
		r.f.length.Store(min(r.pos, r.f.length.Load()))
	case err != nil:
		r.failed = err
	default:
		r.readAhead()
		r.fillGaps()
	}
	return w, nil
}

// moved counts a window of n bytes and goes on behind it.
func (r *Reader) moved(n int) {
	r.count.read(n)
	r.ahead.Read(r.pos, int64(n), r.event)
	if s := r.steer.Load(); s != nil {
		s.bytes += int64(n)
	}
	r.pos += int64(n)
	if r.pending.n > 0 && r.pending.first().asked().off != r.pos {
		r.drop() // it was a short one
	}
}

// readAhead begins to fetch windows behind those that are pending, as many as the
// Reader may have ahead of it and as far as there is memory for them now. When one
// turns out to be resident, reading ahead ends with it. What is read backwards or
// in strides is asked of the page cache instead.
func (r *Reader) readAhead() {
	depth := r.ahead.Depth()
	if depth == 0 {
		if h := r.ahead.Hint(); h.Count > 0 {
			r.f.hint(h)
		}
		return
	}
	most := min(int(depth/r.unit), maxPending)
	for r.pending.n < most {
		off := r.pos
		if r.pending.n > 0 {
			off = r.tail
		}
		q, err := r.request(off)
		if err != nil {
			return
		}
		switch {
		case q.lent: // and given up behind the Reader if it is given back: kept
			q.want, q.hit = q.n, true
		case q.load > 0:
			q.hit = q.cached
		case !q.tryGet():
			return
		default:
			q.look()
			q.hit = q.n == q.want
		}
		hit, lent := q.hit, q.lent
		r.push(start(context.Background(), q), !lent)
		if hit {
			return
		}
	}
}

// drop gives up what is pending.
func (r *Reader) drop() {
	for r.pending.n > 0 {
		r.waste(r.pending.pop())
	}
}

// waste gives up one that was pending.
func (r *Reader) waste(t fetch, ahead bool) {
	if n := int64(t.abandon()); ahead {
		r.count.wasted.Add(n)
		r.ahead.Waste(n)
	}
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
//
// A Reader that goes back keeps a few windows of what would be dear to read again,
// because it came from a Fetcher or past the page cache, and hands them out as they
// were; they are given back when memory is wanted.
func (r *Reader) SeekTo(off int64) error {
	switch {
	case r.closed.Load():
		return r.f.fail("seek", off, 0, window.ErrClosed)
	case r.f.stream != nil:
		return r.f.fail("seek", off, 0, fmt.Errorf("a stream has no offsets: %w", window.ErrUnsupported))
	case off < 0:
		return r.f.fail("seek", off, 0, window.ErrRange)
	}
	if off < r.pos {
		r.goesBack()
	}
	if off != r.pos {
		if far := int64(r.f.rt.guard.RunBytes()); off < r.pos-far || off > max(r.pos, r.tail)+far {
			r.leaveMapping()
		}
		r.skipTo(off)
		r.ahead.Jump(off)
		r.pos, r.origin, r.failed = off, off, nil
	}
	return nil
}

// skipTo gives up what is pending before off, and all of it if off is not in it.
func (r *Reader) skipTo(off int64) {
	if off < r.pos || off >= r.tail {
		r.drop()
	}
	for r.pending.n > 0 {
		if q := r.pending.first().asked(); q.off+int64(q.bytes()) > off {
			return
		}
		r.waste(r.pending.pop())
	}
}

// NoteHit says that the caller had the n bytes at off in a cache of its own, and
// did not need to read them: a Reader that knows of it finds out all the same in
// which order it is read.
func (r *Reader) NoteHit(off int64, n int) {
	r.count.hits.Add(1)
	r.ahead.Read(off, int64(n), access.Noted)
}

// Close ends the Reader: windows stay valid until they are released. Its File
// is closed with it if OpenReader or NewStream made it. Closing twice is fine.
func (r *Reader) Close() error {
	if r.closed.Swap(true) {
		return nil
	}
	if !r.owns { // else the mapping ends with it
		r.leaveMapping()
	}
	r.drop()
	r.shelf.close()
	r.sess.Close()
	r.leaveCourse()
	r.f.add(r.count.stats())
	if r.owns {
		return r.f.Close()
	}
	return nil
}
