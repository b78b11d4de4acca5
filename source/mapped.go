package source

import (
	"context"
	"fmt"
	"os"

	"github.com/oriel-go/oriel/mmapsrc"
	"github.com/oriel-go/oriel/pool"
	"github.com/oriel-go/oriel/window"
)

// How a mapped file is read
//
//	Lend: the range is populated and locked ──► a slice, without a system call
//	      │ it is not
//	      ▼
//	Worth: is there memory to lock for it, and is the use worth it?
//	      │ yes              │ no ──► copy: as Pread does
//	      ▼                  ▼
//	Load, which may wait, where any read that may wait does; what cannot be
//	loaded is copied

// MappedWindowBytes is the size of the windows of a Reader over a mapping,
// unless Options.WindowBytes says otherwise: two huge pages, one where
// Limits.LockBytes is less than four. What has to be copied comes in windows of
// DefaultWindowBytes.
const MappedWindowBytes = 4 << 20

// mapFile maps the open file h under the Runtime's guard.
func (f *File) mapFile(h *os.File) (err error) {
	if n := f.rt.locked.Limit(); n < mmapsrc.ExtentBytes {
		_, by := f.rt.origins()
		return fmt.Errorf("%v: %w: %d bytes may be locked (%s), and an extent has %d", Mmap, window.ErrRefused, n, by, mmapsrc.ExtentBytes)
	}
	f.mapped, err = f.rt.guard.Open(h, mmapsrc.Options{Immutable: f.set.immutable})
	if err != nil {
		return fmt.Errorf("%v: %w", Mmap, err)
	}
	f.use = use(f.set.pattern, mmapsrc.Seldom)
	return nil
}

// use returns what a pattern means for a mapping; byDefault is what Detect is.
func use(p Pattern, byDefault mmapsrc.Use) mmapsrc.Use {
	switch p {
	case Detect:
		return byDefault
	case Sequential, Once:
		return mmapsrc.Once
	case Reuse:
		return mmapsrc.Reuse
	}
	return mmapsrc.Seldom
}

// lentAt returns a window of a range that is loaded. It is all that a read at
// an offset does then, so it does not enter the gate: a File that is closed
// lends nothing.
func (f *File) lentAt(ctx context.Context, sess *pool.Session, off int64, n int) (w window.Window, ok bool) {
	if ctx.Err() != nil {
		return w, false // who reads in the ordinary way says so
	}
	return f.mapped.Lend(sess, off, n, f.use, true)
}

// readMapped reads n bytes at off, inside of the gate.
func (f *File) readMapped(ctx context.Context, sess *pool.Session, off int64, n int) (w window.Window, got int, err error) {
	if err = ctx.Err(); err != nil {
		return w, 0, f.fail("read", off, n, err)
	}
	q := request{f: f, sess: sess, off: off, want: n, use: f.use}
	load, _ := f.tryMap(&q, n)
	if q.lent {
		f.lent.Add(1)
		return q.w, n, nil
	}
	if load {
		q.load = n
		return f.waitAt(ctx, q)
	}
	if err = q.get(ctx); err != nil {
		return w, 0, f.fail("read", off, n, err)
	}
	if q.look(); q.n < n {
		return f.waitAt(ctx, q)
	}
	w, err = f.window(&f.counters, sess, q.piece, n, off)
	return w, n, err
}

// tryMap lends n bytes at q.off if they are loaded. Otherwise it reports whether
// they should be, which has to be waited for; cached says that it will hardly
// take long.
func (f *File) tryMap(q *request, n int) (load, cached bool) {
	if q.w, q.lent = f.mapped.Lend(q.sess, q.off, n, q.use, false); q.lent {
		return false, false
	}
	return f.worth(q.off, n, q.use)
}

// worth reports whether a range that is not lent should be loaded, as tryMap has
// it.
func (f *File) worth(off int64, n int, u mmapsrc.Use) (load, cached bool) {
	if !f.mapped.Worth(off, n, u) {
		return false, false
	}
	cached, known := f.mapped.Cached(off, n)
	// Reading 2 MiB from a device for a few KiB pays only if they are to be read
	// again.
	return cached || !known || u != mmapsrc.Seldom, cached
}

// loadHere loads what q asks for in the calling goroutine, which holds one of
// the Runtime's places for it. ok is false if the range has to be copied; the
// error is the context's.
func (f *File) loadHere(ctx context.Context, q *request) (w window.Window, ok bool, err error) {
	if err := f.rt.threads.Acquire(ctx); err != nil {
		return w, false, err
	}
	defer f.rt.threads.Release()
	w, err = f.mapped.Load(q.sess, q.off, q.load, q.use)
	return w, err == nil, nil
}

// copyMapped copies a range that is loaded into p. One that is worth it is loaded
// first, like any read into the caller's memory in the calling goroutine.
func (f *File) copyMapped(ctx context.Context, p []byte, off int64) bool {
	if f.mapped.Copy(p, off) {
		return true
	}
	if load, _ := f.worth(off, len(p), f.use); !load {
		return false
	}
	w, ok, _ := f.loadHere(ctx, &request{sess: f.memory, off: off, load: len(p), use: f.use})
	if !ok {
		return false
	}
	copy(p, w.Bytes())
	w.Release()
	return true
}

// lentBytes returns the default size of a Reader's windows of the mapping.
func (f *File) lentBytes() int { return min(MappedWindowBytes, f.rt.guard.RunBytes()) }

// mappedWant returns how many bytes the next window of a mapping should have,
// 0 if it cannot be of one. Windows of the default size end where an extent
// does.
func (r *Reader) mappedWant(off int64) int {
	n := int64(r.WindowSize())
	if r.sized.Load() {
		n -= off % Granularity
	} else {
		n -= off % n
	}
	return int(max(min(n, r.f.Size()-off), 0))
}
