package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"

	"github.com/oriel-go/oriel/mmapsrc"
	"github.com/oriel-go/oriel/pool"
	"github.com/oriel-go/oriel/window"
)

// A File is a source that is read anywhere. It has no position, and its
// methods may be called by any number of goroutines.
//
// It is a [window.ReaderAt] and an [io.ReaderAt].
type File struct {
	rt     *Runtime
	name   string
	b      backend
	pread  *preadSource                 // b, if that is one: the hot path's calls are direct
	lender lender                       // b, if that is one
	ways   ways                         // other ways to read b
	past   atomic.Int32                 // Readers that read past the page cache by their plan
	folios atomic.Pointer[folios]       // what a Reader has learned of them, nil for nothing
	at     atomic.Pointer[mmapsrc.File] // what is lent to reads at offsets, nil for nothing
	pays   atomic.Bool                  // mapping it may pay for them
	hot    atomic.Int64                 // those that there were while it might
	use    mmapsrc.Use                  // of those
	ring   *ringFile                    // of a File that is forced to be read through the ring
	source string                       // b.kind()
	memory *pool.Session                // of reads that belong to no Reader
	set    settings
	why    string // why b serves, for Explain
	err    error  // an invalid option: the error of every read

	follower follower      // of reads at offsets
	stream   *streamSource // b, if that is one: only a Reader of its own reads it
	counted  bool          // one of the Runtime's files
	gate     gate
	length   atomic.Int64 // the size when it was last looked at
	counters

	mu    sync.Mutex
	tries map[window.Range]fetch // what TryReadManagedAt has begun
}

// maxTries bounds the fetches that TryReadManagedAt has begun and nobody has
// come back for.
const maxTries = 64

// newFile makes a File over b, which has the size that is stored in length
// afterwards, or by look.
func newFile(name string, b backend, s settings, why string) *File {
	f := &File{rt: s.rt, name: name, b: b, source: b.kind(), set: s, why: why, use: use(s.pattern, mmapsrc.Seldom)}
	f.pread, _ = b.(*preadSource)
	f.lender, _ = b.(lender)
	f.memory = s.rt.memory.NewSession(int64(s.windowBytes(DefaultWindowBytes)))
	return f
}

// Name returns the name the File was opened by, as far as it has one.
func (f *File) Name() string { return f.name }

// Size returns the size in bytes when it was last looked at: when the File was
// opened, and whenever a read reaches beyond it. It is 0 for a file that does
// not know, such as those of /proc.
func (f *File) Size() int64 { return f.length.Load() }

// Stat describes the file as it is now.
func (f *File) Stat() (fs.FileInfo, error) {
	if !f.gate.enter() {
		f.leave()
		return nil, f.fail("stat", 0, 0, window.ErrClosed)
	}
	defer f.leave()
	fi, err := f.b.stat()
	if err != nil {
		return nil, f.fail("stat", 0, 0, err)
	}
	return fi, nil
}

// Stats returns what the File has done. What was lent of a mapping at an offset
// has its bytes counted when it is released.
func (f *File) Stats() Stats {
	s := f.stats()
	if m := f.ways.mapped.Load(); m != nil {
		m := m.Stats()
		s.Reads += m.Reads
		s.Bytes += m.Bytes
		s.Lent += m.Reads
	}
	n, bytes := f.gate.reads()
	s.Reads += n
	s.Bytes += bytes
	return s
}

// Close ends the File. Windows stay valid until they are released, reads under
// way end as they would have, and the descriptor is closed when the last of
// them has. Later reads fail with window.ErrClosed. Closing twice is fine.
func (f *File) Close() error {
	first, last := f.gate.close()
	if !first {
		return nil
	}
	f.ways.shut()
	f.mu.Lock()
	for _, t := range f.tries {
		f.wasted.Add(int64(t.abandon()))
	}
	f.tries = nil
	f.mu.Unlock()
	f.memory.Close()
	if f.stream != nil {
		// A read that is under way ends only now: os.File sees to it that the
		// descriptor outlives it, and an io.Reader of the caller's is left alone.
		err := f.closeBackend()
		if last {
			f.end()
		}
		return err
	}
	if !last {
		return nil
	}
	return f.end()
}

// leave undoes gate.enter, whatever that reported, when no read is to be
// counted.
func (f *File) leave() {
	if f.gate.leave() {
		f.end() // its error has nobody to go to: Close has returned
	}
}

// leaveRead is leave after one read of n bytes, unless it failed without any.
func (f *File) leaveRead(n int, err error) {
	switch {
	case err != nil && n == 0:
		f.leave()
	case f.gate.leaveRead(n):
		f.end()
	}
}

// end closes what nobody uses any more.
func (f *File) end() error {
	if f.counted {
		f.rt.leaveFile()
	}
	if f.stream != nil {
		f.stream.end()
		return nil
	}
	return f.closeBackend()
}

func (f *File) closeBackend() error {
	if err := errors.Join(f.b.close(), f.ways.ring.Load().close()); err != nil {
		return f.fail("close", 0, 0, err)
	}
	return nil
}

// ReadManagedAt returns the n bytes at off, as [window.ReaderAt] has it. A
// resident range is read at once; for any other the call waits, and returns
// when ctx ends.
func (f *File) ReadManagedAt(ctx context.Context, off int64, n int) (window.Window, error) {
	return f.readAt(ctx, f.memory, off, n)
}

// readAt is ReadManagedAt in the memory of a session.
func (f *File) readAt(ctx context.Context, sess *pool.Session, off int64, n int) (window.Window, error) {
	if m := f.at.Load(); m != nil {
		if w, ok := f.lentAt(ctx, m, sess, off, n); ok {
			return w, nil
		}
	}
	open := f.gate.enter()
	w, got, err := f.readInside(ctx, sess, off, n, open)
	f.leaveRead(got, err)
	return w, err
}

// readInside is readAt inside of the gate. got is the number of bytes in w.
func (f *File) readInside(ctx context.Context, sess *pool.Session, off int64, n int, open bool) (w window.Window, got int, err error) {
	if n, err = f.admit(off, n, open); err != nil {
		return w, 0, err
	}
	if f.lender != nil || n == 0 {
		w, err = f.lendAt(ctx, sess, off, n)
		return w, n, err
	}
	if m := f.at.Load(); m != nil {
		return f.readMapped(ctx, m, sess, off, n)
	}
	if f.ring != nil {
		return f.readRinged(ctx, sess, off, n)
	}
	if f.pays.Load() {
		f.heat(n)
	}
	buf, err := sess.Get(ctx, n) // which looks at ctx
	if err != nil {
		return w, 0, f.fail("read", off, n, err)
	}
	if f.pread != nil {
		got = f.pread.resident(buf.Bytes(), off)
	}
	f.follow(off, n, got < n)
	if got < n {
		return f.waitAt(ctx, request{f: f, sess: sess, off: off, want: n, piece: piece{buf: buf}, n: got})
	}
	w, err = f.window(&f.counters, sess, piece{buf: buf}, got, off)
	return w, got, err
}

// requestAt returns what a read of n bytes at off is to be.
func (f *File) requestAt(off int64, n int) request {
	q := request{f: f, sess: f.memory, off: off, want: n, from: f.at.Load(), use: f.use}
	if f.ring != nil {
		q.ring = f.ring
		f.ring.decide(&q, f.set.pattern == Once && n >= leastDirect)
	}
	return q
}

// admit returns how many of the n bytes at off can be read, once the gate has
// been entered.
func (f *File) admit(off int64, n int, open bool) (int, error) {
	if !open {
		return n, f.fail("read", off, n, window.ErrClosed)
	}
	m, err := f.clip(off, n)
	if err != nil {
		return n, f.fail("read", off, n, err)
	}
	return m, nil
}

// window makes a window of the first n bytes of p, which are those at off; none
// if n is 0. c counts what came through the ring.
func (f *File) window(c *counters, sess *pool.Session, p piece, n int, off int64) (window.Window, error) {
	switch {
	case n == 0:
		p.free()
		return window.Window{}, io.EOF
	case p.lent:
		return p.w, nil
	}
	source := f.source
	if p.ringed {
		source = Uring.String()
		c.ringed.Add(1)
	}
	p.buf.SetSource(source)
	return p.buf.Window(p.buf, sess, p.bytesAt(0, n), off), nil
}

// waitAt reads what is missing of a range, and may wait.
func (f *File) waitAt(ctx context.Context, q request) (w window.Window, got int, err error) {
	defer f.wait(ctx).end()
	q.choose()
	if ctx.Done() == nil || q.load == 0 && q.ring.serves() {
		err = q.fill(ctx)
	} else {
		t := start(ctx, q)
		if err := t.wait(ctx); err != nil {
			t.abandon()
			return w, 0, f.fail("read", q.off+int64(q.n), q.want-q.n, err)
		}
		q.piece, q.n, err = t.take()
	}
	if err != nil && err != io.EOF {
		q.free()
		return w, 0, f.fail("read", q.off+int64(q.n), q.want-q.n, err)
	}
	if q.lent {
		f.lent.Add(1)
	}
	w, err = f.window(&f.counters, q.sess, q.piece, q.n, q.off)
	return w, q.n, err
}

// readHere reads in the calling goroutine, and a file in one of the Runtime's
// places for reads that hold a thread. Streams take none: 64 silent pipes must
// not keep files from being read. Nor do Fetchers: one that reads Files of the
// same Runtime would wait for itself.
func (f *File) readHere(ctx context.Context, p []byte, off int64) (int, error) {
	if f.pread == nil {
		return f.b.read(ctx, p, off)
	}
	if err := f.rt.threads.Acquire(ctx); err != nil {
		return 0, err
	}
	defer f.rt.threads.Release()
	return f.pread.read(ctx, p, off)
}

// clip checks a range and returns how much of its n bytes lies in the file; no
// memory is taken for what does not. io.EOF says none, and n was not 0.
func (f *File) clip(off int64, n int) (int, error) {
	if f.err != nil {
		return n, f.err
	}
	if err := (window.Range{Off: off, Len: int64(n)}).Check(); err != nil {
		return n, err
	}
	if n == 0 || off+int64(n) <= f.length.Load() {
		return n, nil
	}
	size, err := f.look()
	switch {
	case err != nil:
		return n, err
	case size == 0 && f.mayHide():
		return f.clipUnsized(off, n)
	case off >= size:
		return 0, io.EOF
	}
	return int(min(int64(n), size-off)), nil
}

// clipUnsized is clip for a file that says to be empty, and may not be: its
// end is found by reading, so that the memory has to be got before it is known
// to be needed.
func (f *File) clipUnsized(off int64, n int) (int, error) {
	if limit := f.rt.maxWindow(); n > limit {
		if _, err := f.b.read(context.Background(), make([]byte, 1), off); err != nil {
			return n, err // io.EOF: it is empty
		}
		return n, fmt.Errorf("%w: %d bytes of a file of unknown size, of which at most %d are read at a time", window.ErrTooLong, n, limit)
	}
	return n, nil
}

// mayHide reports whether the source may say to be empty and not be, as files
// of /proc do.
func (f *File) mayHide() bool { return f.pread != nil }

// look looks at the size again.
func (f *File) look() (int64, error) {
	n, err := f.b.size()
	if err == nil {
		f.length.Store(n)
	}
	return n, err
}

// none returns the zero Window and the error that goes with it.
func (f *File) none(op string, off int64, n int, err error) (window.Window, error) {
	return window.Window{}, f.fail(op, off, n, err)
}

// fail returns err as the error of a read of n bytes at off.
func (f *File) fail(op string, off int64, n int, err error) error {
	if err == io.EOF {
		return err
	}
	if e, ok := err.(*window.Error); ok && e.Op == "acquire" {
		err = e.Err // the pool's, which does not know for what
	}
	return &window.Error{Op: op, Path: f.name, Off: off, Len: int64(n), Err: err}
}
