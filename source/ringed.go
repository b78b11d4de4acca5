package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/oriel-go/oriel/internal/probe"
	"github.com/oriel-go/oriel/pool"
	"github.com/oriel-go/oriel/uringsrc"
	"github.com/oriel-go/oriel/window"
)

// How a file is read through the ring
//
//	resident: RWF_NOWAIT copies it, inline ──► a window, read by pread
//	      │ it is not, or it is to be read past the page cache
//	      ▼
//	a ReadManagedAt waits for its own read (Engine.Read); everything else is a
//	transfer, which is begun (Engine.Start) and waited for, polled or abandoned
//	      │
//	      ├─ the bytes ──► a window
//	      └─ the ring failed, or cannot read this file ──► pread, from then on

// DirectWindowBytes is the size of the windows of a Reader that reads past the page
// cache, unless Options.WindowBytes says otherwise: a huge page, of which the device
// gets a few segments where smaller windows are a segment for every 4 KiB (3.0 GB/s
// against 2.0 with 1 MiB, for half of the CPU).
const DirectWindowBytes = 2 << 20

// A ringFile is a file that is read through the Runtime's engine, by descriptors
// of its own: an open file that has O_NONBLOCK set, as the File's has, would have
// the ring refuse to wait.
type ringFile struct {
	e        *uringsrc.Engine
	buffered *os.File
	fd       int
	direct   *os.File // nil: it cannot be read past the page cache,
	why      string   // for this reason
	dfd      int
	memory   int // what buffers of direct reads are aligned to, in bytes
	unit     int // and their offsets and lengths, at least memory
	set      Direct
	once     atomic.Bool           // RWF_DONTCACHE has not been refused
	through  atomic.Bool           // reads past the page cache have been
	failed   atomic.Pointer[error] // why the ring does not serve any more
}

// serves reports whether reads are made through the ring.
func (g *ringFile) serves() bool { return g != nil && g.failed.Load() == nil }

// openRing gives the File descriptors for the ring. An error means that it cannot
// be read as it should.
func (f *File) openRing() (*ringFile, error) {
	e, err := f.rt.ring()
	if err != nil {
		return nil, err
	}
	h := f.pread.f
	g := &ringFile{e: e, set: f.set.direct}
	if g.buffered, err = reopen(h, false); err != nil {
		return nil, fmt.Errorf("%w: a descriptor for the ring: %w", window.ErrRefused, reason(err))
	}
	if g.fd, err = descriptor(g.buffered); err == nil && g.set != DirectNever {
		err = g.openDirect(h)
	}
	if err != nil {
		g.close()
		return nil, err
	}
	g.once.Store(f.set.pattern == Once)
	return g, nil
}

// openDirect opens the file once more to be read past the page cache.
func (g *ringFile) openDirect(h *os.File) (err error) {
	memory, unit, err := probe.DirectIO(g.fd)
	if err == nil {
		g.direct, err = reopen(h, true)
	}
	if err == nil {
		g.memory, g.unit = memory, max(unit, memory)
		g.dfd, err = descriptor(g.direct)
	}
	if err != nil {
		err = reason(err) // of a *fs.PathError, which would hide that this is a refusal
		g.why = err.Error()
		if g.set == DirectAlways {
			return fmt.Errorf("%w: Direct: %v: %w", window.ErrRefused, g.set, err)
		}
	}
	return nil
}

// explain says how the file is read.
func (g *ringFile) explain(e *Explanation) {
	e.InFlight = g.e.Info().InFlight
	switch {
	case g.set == DirectNever:
		e.Direct = "never, which is forced"
	case g.direct == nil:
		e.Direct = "never: " + g.why
	case g.through.Load():
		e.Direct = "no more: it was refused"
	case g.set == DirectAlways:
		e.Direct = "always, which is forced"
	case e.Pattern == Once:
		e.Direct = "windows that are not cached, which are read once"
	default:
		e.Direct = "no, since it may be read again"
	}
	if err := g.failed.Load(); err != nil {
		e.Unringed = (*err).Error()
	}
}

func (g *ringFile) close() error {
	if g == nil {
		return nil
	}
	var err error
	for _, f := range []*os.File{g.buffered, g.direct} {
		if f != nil {
			err = errors.Join(err, f.Close())
		}
	}
	return err
}

// leastDirect is the size of windows, in bytes, that are read past the page cache
// without being told to: with smaller ones the cache's read-ahead is worth more.
const leastDirect = 256 << 10

// mostCached is the part of a window that the page cache has, at most, if it is
// read past it. Where every other MiB was cached, all of it past the cache took 0.35
// ns a byte, and the cache's part copied and the rest waited for 0.49 (bench regret).
const mostCached = 0.65

// decide says whether q, which goes through the ring, is read past the page cache;
// likes says that it should be if little of it is cached.
func (g *ringFile) decide(q *request, likes bool) {
	switch {
	case !g.serves() || g.direct == nil || g.through.Load() || g.set == DirectNever:
	case g.set == DirectAlways:
		q.past = true
	case likes:
		pages, of, err := probe.Cached(g.fd, q.off, int64(q.want))
		q.past = err == nil && float64(pages) < mostCached*float64(of)
	}
}

// likesDirect reports whether a Reader of the pattern reads past the page cache
// what is not in it.
func (g *ringFile) likesDirect(p Pattern) bool {
	return g != nil && g.direct != nil && (g.set == DirectAlways || g.set == DirectAuto && p == Once)
}

var errNoDirect = fmt.Errorf("%w: past the page cache", window.ErrRefused)

// room returns the bytes of memory that q needs, and where in it those that are
// asked for begin.
func (g *ringFile) room(q *request) (pad, size int) {
	if !q.past {
		return 0, q.want
	}
	unit := int64(g.unit)
	pad = int(q.off % unit)
	end := (q.off + int64(q.want) + unit - 1) / unit * unit
	return pad, int(end - q.off + int64(pad))
}

// copyBytes returns the default size of a Reader's windows that are copied.
func (f *File) copyBytes() int {
	switch {
	case f.stream != nil:
		return f.set.windowBytes(StreamWindowBytes)
	case f.ring.likesDirect(f.set.pattern):
		return f.set.windowBytes(DirectWindowBytes)
	}
	return f.set.windowBytes(DefaultWindowBytes)
}

// A transfer is a fetch through the ring. It is used again.
type transfer struct {
	request
	read   uringsrc.Read
	queued *queued // of a Queue, or nil
}

var transfers = sync.Pool{New: func() any { return new(transfer) }}

// prepare returns a transfer of what is missing of q, whose gate it has entered.
func (g *ringFile) prepare(q request) *transfer {
	t := transfers.Get().(*transfer)
	t.request = q
	r := &t.read
	r.Owner = t
	if q.past && addressOf(q.buf.Bytes())%uintptr(g.memory) == 0 {
		r.FD, r.Unit, r.RWFlags = g.dfd, g.unit, 0
		r.Buf, r.Off = q.buf.Bytes(), q.off-int64(q.pad)
		r.Need = q.pad + q.want
	} else {
		t.past = false
		r.FD, r.Unit, r.RWFlags = g.fd, 0, 0
		r.Buf, r.Off = q.bytesAt(q.n, q.want), q.off+int64(q.n)
		r.Need = len(r.Buf)
		if g.once.Load() {
			r.RWFlags = rwDontCache
		}
	}
	q.f.gate.enter()
	q.f.rt.crowd.waiting.Add(1)
	return t
}

func (g *ringFile) start(q request) *transfer {
	t := g.prepare(q)
	g.e.Start(nil, &t.read)
	return t
}

// read waits for what is missing of q.
func (g *ringFile) read(ctx context.Context, q *request) error {
	t := g.prepare(*q)
	q.piece = piece{} // the transfer's
	if err := g.e.Read(ctx, &t.read); err != nil {
		t.abandon()
		return err
	}
	var err error
	q.piece, q.n, err = t.take()
	return err
}

// readRinged reads n bytes at off, inside of the gate.
func (f *File) readRinged(ctx context.Context, sess *pool.Session, off int64, n int) (w window.Window, got int, err error) {
	q := f.requestAt(off, n)
	q.sess = sess
	if err = q.get(ctx); err != nil { // which looks at ctx
		return w, 0, f.fail("read", off, n, err)
	}
	if q.look(); q.n < n {
		return f.waitAt(ctx, q)
	}
	w, err = f.window(&f.counters, sess, q.piece, n, off)
	return w, n, err
}

// placed are reads into memory of callers.
var placed = sync.Pool{New: func() any { return new(uringsrc.Read) }}

// readInto reads into p, which is the caller's again when it returns.
func (g *ringFile) readInto(p []byte, off int64, b *preadSource) (n int, err error) {
	if n = b.resident(p, off); n == len(p) {
		return n, nil
	}
	r := placed.Get().(*uringsrc.Read)
	r.FD, r.Buf, r.Off, r.Need = g.fd, p[n:], off+int64(n), len(p)-n
	_ = g.e.Read(context.Background(), r) // whose end it does not wait for
	n += r.N
	err = r.Err
	r.Buf = nil
	placed.Put(r)
	if n < len(p) && (err == nil || g.refused(err, 0, false)) { // r is another's by now, and had no flags
		m, err := b.read(context.Background(), p[n:], off+int64(n))
		return n + m, err
	}
	return n, err
}

// ReadDone lets the descriptor go, and of what nobody wants the memory.
func (t *transfer) ReadDone(_ *uringsrc.Read, abandoned bool) {
	f := t.f
	f.rt.crowd.waiting.Add(-1)
	if abandoned {
		t.free()
		t.recycle()
	} else {
		f.rt.announce()
	}
	f.leave()
}

func (t *transfer) recycle() {
	t.request, t.queued = request{}, nil
	t.read.Buf = nil
	transfers.Put(t)
}

func (t *transfer) asked() *request { return &t.request }

func (t *transfer) isDone() bool { return t.read.Done() }

func (t *transfer) ready() <-chan struct{} { return t.read.Ready() }

func (t *transfer) wait(ctx context.Context) error { return t.read.Wait(ctx) }

func (t *transfer) abandon() int {
	n := t.bytes()
	if t.read.Abandon() {
		t.free()
		t.recycle()
	}
	return n
}

func (t *transfer) take() (p piece, n int, err error) {
	q, err := &t.request, t.read.Err
	if q.past {
		q.n = max(min(t.read.N-q.pad, q.want), 0)
	} else {
		q.n += t.read.N
	}
	switch {
	case q.n == q.want:
		q.ringed, err = true, nil
	case err == io.EOF:
	case err == nil || q.ring.refused(err, t.read.RWFlags, q.past):
		// Fewer bytes without an error are the end, but who knows; or the ring
		// cannot.
		err = q.fillHere(context.Background())
	}
	p, n = q.piece, q.n
	t.recycle()
	return p, n, err
}

// refused reports whether an error of a read with flags says that the ring cannot,
// and not that the file has one. From then on it is not asked again: not past the
// page cache, if the read was so, and not with RWF_DONTCACHE, if it had that.
func (g *ringFile) refused(err error, flags uint32, past bool) bool {
	var ring *uringsrc.RingError
	switch {
	case past && (err == syscall.EINVAL || err == syscall.EOPNOTSUPP):
		g.through.Store(true)
		return true
	case err == syscall.EOPNOTSUPP && flags&rwDontCache != 0:
		g.once.Store(false) // this file system does not have it; others may be on their way with it
		return true
	case errors.As(err, &ring):
		switch ring.Err {
		case syscall.EFAULT, syscall.ECANCELED, syscall.EAGAIN, syscall.EINTR, syscall.EBUSY:
			return true // this time: a thread has ended that had brought it in, or memory is short
		}
	case err == syscall.EOPNOTSUPP, err == syscall.EINVAL, err == syscall.ENOSYS, err == syscall.EPERM, err == syscall.EACCES:
	default:
		return false
	}
	g.failed.CompareAndSwap(nil, &err)
	return true
}

// closeTime is how long Runtime.Close waits for reads in the kernel.
const closeTime = 5 * time.Second

// ring returns the Runtime's engine, which is made when it is first asked for.
func (rt *Runtime) ring() (*uringsrc.Engine, error) {
	l := rt.Limits() // before ringMu: SetLimits takes that inside of mu
	rt.ringMu.Lock()
	defer rt.ringMu.Unlock()
	if rt.engine != nil || rt.noRing != nil {
		return rt.engine, rt.noRing
	}
	if l.InFlight < 0 {
		return nil, errRingOff
	}
	e, err := uringsrc.New(uringsrc.Options{InFlight: l.InFlight, InFlightBytes: l.InFlightBytes})
	if err != nil {
		var w *window.Error
		if errors.As(err, &w) {
			err = w.Err
		}
		// Memory and descriptors may be had later.
		if !errors.Is(err, syscall.ENOMEM) && !errors.Is(err, syscall.EMFILE) && !errors.Is(err, syscall.ENFILE) {
			rt.noRing = err
		}
		return nil, err
	}
	rt.engine = e
	rt.pollEngine()
	return e, nil
}

// closeRing ends the engine, if there is one.
func (rt *Runtime) closeRing() error {
	rt.ringMu.Lock()
	defer rt.ringMu.Unlock()
	rt.noRing = window.ErrClosed
	if rt.engine == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	if err := rt.engine.Close(ctx); err != nil {
		return &window.Error{Op: "close", Err: err}
	}
	return nil
}

// limitRing refuses limits that would change the engine there is.
func (rt *Runtime) limitRing(n Limits) error {
	rt.ringMu.Lock()
	defer rt.ringMu.Unlock()
	if rt.engine != nil && (n.InFlight != rt.limits.InFlight || n.InFlightBytes != rt.limits.InFlightBytes) {
		return &window.Error{Op: "limits", Err: fmt.Errorf("%w: Limits.InFlight and InFlightBytes are fixed once the ring is in use", window.ErrOption)}
	}
	return nil
}
