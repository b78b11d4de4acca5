package source

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/oriel-go/oriel/uringsrc"
	"github.com/oriel-go/oriel/window"
)

// MaxQueueDepth is the largest depth of a [Queue].
const MaxQueueDepth = uringsrc.MaxInFlight

// A QueueRead is a read that is given to a [Queue].
type QueueRead struct {
	File *File  // of the Queue's Runtime, not a stream's
	Off  int64  // in bytes
	Len  int    // in bytes, at least 0
	Tag  uint64 // comes back with the result
}

// A QueueResult is what became of a QueueRead: what [File.ReadManagedAt] would
// have returned.
type QueueResult struct {
	Tag    uint64
	Window window.Window // the caller's to release
	Err    error
}

// A Queue has many reads of any Files of a Runtime in flight for one goroutine,
// and hands their windows out in the order in which they come. Files over the
// ring are read without a goroutine, and all that one Submit begins with one
// system call; others are read as TryReadManagedAt reads them.
//
//	        Submit            the kernel, or the page cache          Next, TryNext
//	reads ─────────► in flight ──────────────────────────► finished ──────────────► windows
//	                 └──────────── at most depth ────────────────┘
//
// The device is kept busiest by a Submit for every result, or every few: of 4 KiB
// reads past the page cache with a depth of 64 came 119, 109, 97 and 83 thousand a
// second when 1, 4, 16 and 64 results were taken between two calls of Submit.
//
// Its methods are called by one goroutine at a time. Close must be called.
type Queue struct {
	rt     *Runtime
	free   []*queued
	all    []queued
	reads  []*uringsrc.Read // what Submit is about to begin
	engine *uringsrc.Engine // nil until a File over the ring was given
	rings  int              // reads in flight through it
	closed bool

	// Those who finish use these two besides.
	ring atomic.Pointer[uringsrc.Queue] // nil as long as engine is
	done chan *queued                   // what has finished in another way; has room for all
}

// A queued read is one of a Queue's depth.
type queued struct {
	q   *Queue
	f   *File
	t   fetch       // nil once the result is there
	res QueueResult // which this is
}

// NewQueue returns a Queue for at most depth reads that were submitted and whose
// results have not been taken, from 1 to MaxQueueDepth. Each of them holds a
// window of memory.
func (rt *Runtime) NewQueue(depth int) (*Queue, error) {
	if depth < 1 || depth > MaxQueueDepth {
		return nil, &window.Error{Op: "queue", Err: fmt.Errorf("%w: a depth of %d is not in 1 to %d", window.ErrOption, depth, MaxQueueDepth)}
	}
	q := &Queue{rt: rt, all: make([]queued, depth), done: make(chan *queued, depth)}
	for i := range q.all {
		q.all[i].q = q
		q.free = append(q.free, &q.all[i])
	}
	return q, nil
}

// InFlight returns the number of reads whose results have not been taken.
func (q *Queue) InFlight() int { return len(q.all) - len(q.free) }

// Submit begins reads in their order and returns how many it has begun: fewer
// when the depth is reached, or when there is no memory now and results are
// still to come, which give it back. Without any to come it waits for memory.
// The error is the context's, or window.ErrClosed; what is wrong with a read is
// its result.
func (q *Queue) Submit(ctx context.Context, reads ...QueueRead) (n int, err error) {
	defer q.begin()
	for _, r := range reads {
		err = ctx.Err()
		if q.closed {
			err = window.ErrClosed
		}
		if err != nil {
			return n, &window.Error{Op: "queue", Err: err}
		}
		if len(q.free) == 0 {
			return n, nil
		}
		if begun, err := q.submit(ctx, r); err != nil || !begun {
			return n, err
		}
		n++
	}
	return n, nil
}

// begin begins what goes through the ring.
func (q *Queue) begin() {
	if len(q.reads) > 0 {
		q.engine.Start(q.ring.Load(), q.reads...)
		q.rings += len(q.reads)
		q.reads = q.reads[:0]
	}
}

// submit begins one read. begun is false, without an error, where there is no
// memory.
func (q *Queue) submit(ctx context.Context, r QueueRead) (begun bool, err error) {
	f := r.File
	defer f.leave()
	open := f.gate.enter()
	s := q.free[len(q.free)-1]
	s.f, s.t, s.res = f, nil, QueueResult{Tag: r.Tag}
	want, fault := f.admit(r.Off, r.Len, open)
	if fault == nil && (f.stream != nil || f.rt != q.rt) {
		fault = f.fail("read", r.Off, r.Len, fmt.Errorf("%w: a stream, or a File of another Runtime", window.ErrUnsupported))
	}
	p := f.requestAt(r.Off, want)
	switch {
	case fault != nil:
		s.res.Err = fault
	case f.lender != nil || want == 0:
		s.res.Window, s.res.Err = f.lendAt(ctx, f.memory, r.Off, want)
		f.read(want)
	default:
		if ok, err := q.fetch(ctx, s, &p); !ok || err != nil {
			return false, err
		}
	}
	q.free = q.free[:len(q.free)-1]
	if s.t == nil {
		q.finish(s)
	}
	return true, nil
}

// fetch has s fetch what p asks for, or fills it in at once. It reports false
// where there is no memory.
func (q *Queue) fetch(ctx context.Context, s *queued, p *request) (ok bool, err error) {
	f := p.f
	if p.from != nil {
		if worth, _ := p.tryMap(p.want); p.lent {
			f.lent.Add(1)
			f.read(p.want)
			s.res.Window = p.w
			return true, nil
		} else if worth {
			p.load = p.want
		}
	}
	if p.load == 0 && !p.tryGet() {
		if q.InFlight() > 0 || len(q.reads) > 0 {
			return false, nil
		}
		if err := p.get(ctx); err != nil {
			return false, f.fail("read", p.off, p.want, err)
		}
	}
	if p.buf != nil {
		if p.look(); p.n == p.want {
			f.read(p.n)
			s.res.Window, s.res.Err = f.window(&f.counters, p.sess, p.piece, p.n, p.off)
			return true, nil
		}
		if p.choose(); p.ring.serves() {
			if q.engine == nil {
				q.engine = p.ring.e
				q.ring.Store(q.engine.NewQueue())
			}
			t := p.ring.prepare(*p)
			t.queued = s
			s.t = t
			q.reads = append(q.reads, &t.read)
			return true, nil
		}
	}
	t := newTask(*p)
	t.queued = s
	s.t = t
	t.start(context.Background())
	return true, nil
}

// finish puts s where Next finds it. Any goroutine calls it, once for s.
func (q *Queue) finish(s *queued) {
	q.done <- s // there is room: s is on its way at most once
	if r := q.ring.Load(); r != nil {
		r.Wake() // Next may wait for the ring
	}
}

// TryNext returns a result if there is one. Otherwise the error wraps
// window.ErrNotReady, or is io.EOF when nothing is in flight.
func (q *Queue) TryNext() (QueueResult, error) {
	if q.closed {
		return QueueResult{}, q.nothing(nil)
	}
	if s := q.take(); s != nil {
		return q.result(s), nil
	}
	if q.rings > 0 {
		if r := q.ring.Load().TryNext(); r != nil {
			return q.ringResult(r), nil
		}
	}
	return QueueResult{}, q.nothing(window.ErrNotReady)
}

// Next returns a result, waiting for one until ctx ends. It is io.EOF when
// nothing is in flight.
func (q *Queue) Next(ctx context.Context) (QueueResult, error) {
	for !q.closed {
		if s := q.take(); s != nil {
			return q.result(s), nil
		}
		if q.InFlight() == 0 {
			break
		}
		if q.rings > 0 {
			r, err := q.ring.Load().Next(ctx)
			switch {
			case err != nil:
				return QueueResult{}, &window.Error{Op: "queue", Err: err}
			case r != nil:
				return q.ringResult(r), nil
			}
			continue // something else has finished
		}
		select {
		case s := <-q.done:
			return q.result(s), nil
		case <-ctx.Done():
			return QueueResult{}, &window.Error{Op: "queue", Err: ctx.Err()}
		}
	}
	return QueueResult{}, q.nothing(nil)
}

// nothing returns the error where there is no result; err is that of waiting.
func (q *Queue) nothing(err error) error {
	switch {
	case q.closed:
		err = window.ErrClosed
	case q.InFlight() == 0:
		return io.EOF
	}
	return &window.Error{Op: "queue", Err: err}
}

// take returns what has finished without the ring, nil for nothing.
func (q *Queue) take() *queued {
	select {
	case s := <-q.done:
		return s
	default:
		return nil
	}
}

func (q *Queue) ringResult(r *uringsrc.Read) QueueResult {
	q.rings--
	return q.result(r.Owner.(*transfer).queued)
}

// result takes the result of s, which is free afterwards.
func (q *Queue) result(s *queued) QueueResult {
	res := s.res
	if s.t != nil {
		off, sess, want := s.t.asked().off, s.t.asked().sess, s.t.asked().want
		s.t.asked().shut = !s.f.gate.enter() // the read has left, and Close may have come
		p, n, err := s.t.take()
		s.f.leave()
		if err != nil && err != io.EOF {
			p.free()
			res.Err = s.f.fail("read", off+int64(n), want-n, err)
		} else {
			if p.lent {
				s.f.lent.Add(1)
			}
			res.Window, res.Err = s.f.window(&s.f.counters, sess, p, n, off)
			s.f.read(n)
		}
	}
	s.t, s.f, s.res = nil, nil, QueueResult{}
	q.free = append(q.free, s)
	return res
}

// Close gives up what is in flight and releases the windows that nobody has
// taken. Closing twice is fine.
func (q *Queue) Close() error {
	if q.closed {
		return nil
	}
	q.closed = true
	for s := q.take(); s != nil; s = q.take() {
		q.result(s).Window.Release()
	}
	for i := range q.all {
		if s := &q.all[i]; s.t != nil {
			s.f.wasted.Add(int64(s.t.abandon()))
			s.t = nil
		}
	}
	return nil
}
