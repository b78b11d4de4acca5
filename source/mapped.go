package source

import (
	"context"
	"fmt"

	"github.com/oriel-go/oriel/mmapsrc"
	"github.com/oriel-go/oriel/pool"
	"github.com/oriel-go/oriel/source/internal/plan"
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

// openMapping maps the file under the Runtime's guard.
func (f *File) openMapping() (*mmapsrc.File, error) {
	if n := f.rt.locked.Limit(); n < mmapsrc.ExtentBytes {
		_, by := f.rt.origins()
		return nil, fmt.Errorf("%w: %d bytes may be locked (%s), and an extent has %d", window.ErrRefused, n, by, mmapsrc.ExtentBytes)
	}
	return f.rt.guard.Open(f.pread.f, mmapsrc.Options{Immutable: f.set.immutable})
}

// hotReads is how many reads at offsets of a file make it worth to plan for more
// of them: as many as make it worth to load an extent. Of a file that is declared
// Reuse the first does, unless it is small: then it takes some to pay for the guard
// (20 to 60 µs, where each saves 0.4).
const (
	hotReads      = 64
	hotSmallReads = 256
)

// mayPay reports whether a mapping may pay for reads at offsets: of a file that is,
// as a whole, within what may be locked. Extents of a larger one
// would throw each other out, which costs more than copying (9 to 600 µs a read).
func (f *File) mayPay() bool {
	n := f.Size()
	return f.auto() && n > 0 && n <= f.rt.locked.Limit() && !f.pread.block &&
		(f.set.pattern == Detect || f.set.pattern == Random || f.set.pattern == Reuse)
}

// heat counts a read at an offset of a file of which mayPay is true, and has the
// file mapped when there were enough of them and a plan says so.
func (f *File) heat(n int) {
	enough := int64(hotReads)
	small := f.Size() < plan.LeastBytes
	switch {
	case small:
		enough = hotSmallReads
	case f.set.pattern == Reuse:
		enough = 1
	}
	if f.hot.Add(1) != enough {
		return
	}
	f.pays.Store(false)
	k := f.facts(false)
	f.learn(&k, 0)
	a := f.ask(f.set.pattern)
	a.At, a.ReadBytes, a.Reuse = true, n, a.Reuse || small
	if p := plan.Make(&k, a); p.Way == plan.Mmap {
		_ = f.lendAll() // where it is refused it is copied as before
	}
}

// lendAll has reads at offsets served by the mapping from now on.
func (f *File) lendAll() error {
	m, err := f.mapping()
	if err == nil {
		f.at.Store(m)
	}
	return err
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
func (f *File) lentAt(ctx context.Context, m *mmapsrc.File, sess *pool.Session, off int64, n int) (w window.Window, ok bool) {
	if ctx.Err() != nil {
		return w, false // who reads in the ordinary way says so
	}
	return m.Lend(sess, off, n, f.use, true)
}

// readMapped reads n bytes at off, inside of the gate.
func (f *File) readMapped(ctx context.Context, m *mmapsrc.File, sess *pool.Session, off int64, n int) (w window.Window, got int, err error) {
	if err = ctx.Err(); err != nil {
		return w, 0, f.fail("read", off, n, err)
	}
	q := request{f: f, sess: sess, off: off, want: n, from: m, use: f.use}
	load, _ := q.tryMap(n)
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
func (q *request) tryMap(n int) (load, cached bool) {
	if q.w, q.lent = q.from.Lend(q.sess, q.off, n, q.use, false); q.lent {
		return false, false
	}
	return worth(q.from, q.off, n, q.use)
}

// worth reports whether a range that is not lent should be loaded, as tryMap has
// it.
func worth(m *mmapsrc.File, off int64, n int, u mmapsrc.Use) (load, cached bool) {
	if !m.Worth(off, n, u) {
		return false, false
	}
	cached, known := m.Cached(off, n)
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
	w, err = q.from.Load(q.sess, q.off, q.load, q.use)
	return w, err == nil, nil
}

// copyMapped copies a range that is loaded into p. One that is worth it is loaded
// first, like any read into the caller's memory in the calling goroutine.
func (f *File) copyMapped(ctx context.Context, m *mmapsrc.File, p []byte, off int64) bool {
	if m.Copy(p, off) {
		return true
	}
	if load, _ := worth(m, off, len(p), f.use); !load {
		return false
	}
	w, ok, _ := f.loadHere(ctx, &request{sess: f.memory, from: m, off: off, load: len(p), use: f.use})
	if !ok {
		return false
	}
	copy(p, w.Bytes())
	w.Release()
	return true
}

// lentBytes returns the default size of a Reader's windows of the mapping.
func (f *File) lentBytes() int { return min(MappedWindowBytes, f.rt.guard.RunBytes()) }

// leaveMapping gives up what a mapping has loaded ahead for a Reader that ends, goes
// elsewhere, or goes on in another way.
func (r *Reader) leaveMapping() {
	if m := r.f.ways.mapped.Load(); m != nil && plan.Way(r.way.Load()) == plan.Mmap {
		r.pending.leaveLoads()
		end := r.pos
		if r.pending.n > 0 {
			end = r.tail
		}
		m.Leave(r.pos, end)
	}
}

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
