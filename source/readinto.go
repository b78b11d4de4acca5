package source

import (
	"context"
	"io"
	"time"

	"github.com/oriel-go/oriel/source/internal/access"
	"github.com/oriel-go/oriel/window"
)

// stepBytes is how much ReadInto reads between two looks at its context.
const stepBytes = 1 << 20

// ReadInto reads into p from off, straight into the caller's memory. It returns
// fewer than len(p) bytes only with an error, which is io.EOF where the source
// ends. Because p is the caller's, it returns only when nobody writes p any
// more: ctx is looked at before every MiB, and handed to a Fetcher, but a read
// that waits for a device is waited for.
func (f *File) ReadInto(ctx context.Context, p []byte, off int64) (int, error) {
	for n := 0; ; {
		if err := ctx.Err(); err != nil {
			return n, f.fail("read", off+int64(n), len(p)-n, err)
		}
		end := min(n+stepBytes, len(p))
		m, err := f.readInto(ctx, p[n:end], off+int64(n))
		if n += m; err != nil || n == len(p) {
			return n, err
		}
	}
}

// ReadAt is ReadInto without a context, as [io.ReaderAt] has it.
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	return f.readInto(context.Background(), p, off)
}

func (f *File) readInto(ctx context.Context, p []byte, off int64) (n int, err error) {
	switch open := f.gate.enter(); {
	case !open:
		err = window.ErrClosed
	case f.err != nil:
		err = f.err
	default:
		err = (window.Range{Off: off, Len: int64(len(p))}).Check()
	}
	if err == nil && len(p) > 0 {
		n, err = f.readPlaced(ctx, p, off)
	}
	f.leaveRead(n, err)
	if err != nil {
		return n, f.fail("read", off+int64(n), len(p)-n, err)
	}
	return n, nil
}

// readPlaced reads in the calling goroutine: at once if a place for reads that
// wait is free, which is cheaper than to find out whether it would wait, and
// otherwise after what is resident, which need not wait for a place.
func (f *File) readPlaced(ctx context.Context, p []byte, off int64) (n int, err error) {
	if f.pread == nil {
		return f.readHere(ctx, p, off)
	}
	if m := f.at.Load(); m != nil && f.copyMapped(ctx, m, p, off) {
		return len(p), nil
	}
	if f.ring.serves() {
		return f.ring.readInto(p, off, f.pread)
	}
	if f.rt.threads.TryAcquire() {
		n, err = f.pread.read(ctx, p, off)
		f.rt.threads.Release()
		return n, err
	}
	if n = f.pread.resident(p, off); n == len(p) {
		return n, nil
	}
	m, err := f.readHere(ctx, p[n:], off+int64(n))
	return n + m, err
}

// WithContext returns the File as an [io.ReaderAt] whose reads end with ctx, as
// ReadInto has it: for archive/zip, debug/elf, io.NewSectionReader and the like.
func (f *File) WithContext(ctx context.Context) io.ReaderAt { return boundFile{ctx, f} }

type boundFile struct {
	ctx context.Context
	f   *File
}

func (b boundFile) ReadAt(p []byte, off int64) (int, error) { return b.f.ReadInto(b.ctx, p, off) }

// TryReadManagedAt is ReadManagedAt that never waits: of a range that is not
// resident it begins the fetch and returns an error that wraps
// window.ErrNotReady, and a later call with the same range returns it. A fetch
// that nobody comes back for holds its memory until the File is closed or 64
// later ones have begun. ctx is only looked at.
func (f *File) TryReadManagedAt(ctx context.Context, off int64, n int) (window.Window, error) {
	open := f.gate.enter()
	w, err := f.tryInside(ctx, off, n, open)
	f.leaveRead(w.Len(), err)
	return w, err
}

// tryInside is TryReadManagedAt inside of the gate.
func (f *File) tryInside(ctx context.Context, off int64, n int, open bool) (window.Window, error) {
	n, err := f.admit(off, n, open)
	if err != nil {
		return window.Window{}, err
	}
	if f.lender != nil || n == 0 {
		return f.lendAt(ctx, f.memory, off, n)
	}
	if err := ctx.Err(); err != nil {
		return f.none("read", off, n, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	key := window.Range{Off: off, Len: int64(n)}
	load := true
	if t := f.tries[key]; t != nil {
		if !t.asked().touch || !t.isDone() {
			return f.tryAgainLocked(key, t)
		}
		delete(f.tries, key)
		load = false // it has been, or could not be: the range is lent now, or copied
	}
	q := f.requestAt(off, n)
	if f.tryNow(&q, load); q.n == n {
		if q.lent {
			f.lent.Add(1)
		}
		return f.window(&f.counters, f.memory, q.piece, n, off)
	}
	if !f.makeRoomLocked() {
		q.free()
		err := window.ErrLimit
		if !f.gate.open() {
			err = window.ErrClosed
		}
		return f.none("read", off, n, err)
	}
	f.tries[key] = start(context.Background(), q)
	return f.none("read", off, n, window.ErrNotReady)
}

// tryNow gets what can be had of q without waiting. With load it sees to it that
// what is worth loading is loaded; the next call is lent it.
func (f *File) tryNow(q *request, load bool) {
	if q.from != nil {
		worth, _ := q.tryMap(q.want)
		if q.lent {
			q.n = q.want
			return
		}
		load = load && worth
	}
	if q.tryGet() {
		q.look()
	}
	switch {
	case q.from == nil || !load:
	case q.n == q.want:
		startTask(context.Background(), request{f: f, sess: q.sess, off: q.off, from: q.from, load: q.want, want: q.want, use: q.use, touch: true}).let()
	default:
		q.free()
		q.n, q.load, q.touch = 0, q.want, true
	}
}

// tryAgainLocked returns what the fetch t of a range has come to.
func (f *File) tryAgainLocked(key window.Range, t fetch) (window.Window, error) {
	if !t.isDone() {
		return f.none("read", key.Off, int(key.Len), window.ErrNotReady)
	}
	delete(f.tries, key)
	p, n, err := t.take()
	if err != nil && err != io.EOF {
		p.free()
		return f.none("read", key.Off+int64(n), int(key.Len)-n, err)
	}
	f.waits.Add(1)
	return f.window(&f.counters, f.memory, p, n, key.Off)
}

// makeRoomLocked sees to it that one more fetch can be remembered, by giving up
// one that has finished and that nobody came back for. It reports whether it
// could.
func (f *File) makeRoomLocked() bool {
	if f.tries == nil {
		f.tries = make(map[window.Range]fetch)
	}
	if len(f.tries) < maxTries {
		return f.gate.open()
	}
	for key, t := range f.tries {
		if t.isDone() {
			f.wasted.Add(int64(t.abandon()))
			delete(f.tries, key)
			return f.gate.open()
		}
	}
	return false
}

// Prefetch says that the ranges will be read soon. It is a hint: where the
// system keeps a cache and can be told, as Linux can, it begins to fill it and
// does not wait for the device; elsewhere nothing happens. Ranges beyond the
// end are left out, and an invalid one is an error that wraps window.ErrRange.
// Ranges with less than 64 KiB between them are read together, as long as that is
// at most half as much again as was asked for.
func (f *File) Prefetch(ctx context.Context, ranges ...window.Range) error {
	defer f.leave()
	if !f.gate.enter() {
		return f.fail("prefetch", 0, 0, window.ErrClosed)
	}
	all := window.Range{Len: f.Size()}
	wanted := make([]access.Range, 0, len(ranges))
	for _, r := range ranges {
		err := r.Check()
		if err == nil {
			err = f.err
		}
		if err != nil {
			return f.fail("prefetch", r.Off, int(min(r.Len, 1<<30)), err)
		}
		if r = r.Intersect(all); r.Len > 0 {
			wanted = append(wanted, access.Range{Off: r.Off, Len: r.Len})
		}
	}
	if f.pread == nil {
		return nil
	}
	for _, r := range access.Merge(wanted, prefetchGap, prefetchMost) {
		if err := ctx.Err(); err != nil {
			return f.fail("prefetch", r.Off, int(min(r.Len, 1<<30)), err)
		}
		began := time.Now()
		willNeed(f.pread.fd, window.Range{Off: r.Off, Len: r.Len})
		f.waitTime.Add(int64(time.Since(began))) // the queue of the device may be full
	}
	return nil
}

// Ranges that are prefetched are read together where the bytes between them cost
// less than one more read: at 1 to 3 GB/s and 100 µs for a read that is 100 KiB or
// more. What is read for it stays within half as much again as was asked for.
const (
	prefetchGap  = 64 << 10
	prefetchMost = 1.5
)
