package mmapsrc

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oriel-go/oriel/window"
)

// A Use says how a range is read, and so what loading its extents is worth.
type Use uint8

const (
	// Seldom is read here and there: its extents are loaded when as much has
	// been copied out of them as loading costs.
	Seldom Use = iota
	// Once is read from front to back: extents are loaded ahead of the reader,
	// and given up behind it.
	Once
	// Reuse is read again and again: extents are loaded when they are touched
	// first, as long as there is memory to lock.
	Reuse
)

// A File is a file that is mapped while it can be guarded. Its methods may be
// called by any number of goroutines.
type File struct {
	g    *Guard
	f    *os.File // the caller's
	opts Options
	cur  atomic.Pointer[mapping] // what is lent of, never nil; over when nothing is lent

	next   atomic.Int64 // when to map it again, in nanoseconds of the Guard's clock
	breaks atomic.Int64

	mu      sync.Mutex
	closed  bool
	trying  bool                         // somebody is mapping it again
	pause   time.Duration                // from the next try to the one after that
	all     []*mapping                   // that have not ended
	refusal error                        // why it could not be mapped, the last time
	past    struct{ reads, bytes int64 } // of mappings that have ended
}

// Options says how a File is opened.
type Options struct {
	// Immutable promises that nobody changes or truncates the file. It is
	// mapped without a guard then, on any system; when the promise is broken,
	// windows change, and touching them may raise SIGBUS.
	Immutable bool
}

// The pause before a file whose guard has broken is mapped again: while a
// writer has it, every try is in vain and costs microseconds.
const (
	firstPause = 10 * time.Millisecond
	lastPause  = time.Second
)

var (
	errOver    = errors.New("the guard has broken: a writer came")
	errPinned  = errors.New("as many extents are pinned as may be")
	errBudget  = errors.New("the budget of locked memory is spent")
	errOutside = errors.New("the range is not in the mapping")
	errBad     = errors.New("the range cannot be populated")
)

// Open maps f, a regular file that is open for reading and stays so until
// Close. f's own descriptor is not used for the guard. Where none is to be had
// the error wraps window.ErrRefused and says why; nothing is held then.
func (g *Guard) Open(f *os.File, o Options) (*File, error) {
	s := &File{g: g, f: f, opts: o}
	m, err := s.mapNow(g.Slots())
	if err != nil {
		return nil, err
	}
	s.cur.Store(m)
	g.mu.Lock()
	g.files[s] = struct{}{}
	g.mu.Unlock()
	return s, nil
}

// pinned returns of how many extents there are slices, copies included.
func (s *File) pinned() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.all {
		n += m.pinnedExtents()
	}
	return n
}

// Lend returns a window of n bytes at off if that needs neither waiting nor a
// system call: all of them lie in the file, in extents that are loaded. m is the
// kind of memory that joins and copies of it are to live in. With Once the
// extents that end in the range, or before its end, are given up when nobody has
// a slice of them any more. With count it is counted in Stats: that costs
// nothing, and not to be counted a shared instruction.
func (s *File) Lend(m window.Memory, off int64, n int, u Use, count bool) (w window.Window, ok bool) {
	l := s.cur.Load().lend(off, n, u, count)
	if l == nil {
		return w, false
	}
	return l.Window(l, m, l.m.data[off:off+int64(n):off+int64(n)], off), true
}

// Copy copies what Lend would lend into p, and is not counted.
func (s *File) Copy(p []byte, off int64) bool {
	l := s.cur.Load().lend(off, len(p), Seldom, false)
	if l == nil {
		return false
	}
	copy(p, l.m.data[off:])
	l.Free()
	return true
}

// Guarded reports whether the File lends now.
func (s *File) Guarded() bool {
	return !s.cur.Load().over.Load()
}

// Close ends the lending. Slices that are out stay valid, and guarded, until
// they are given back.
func (s *File) Close() {
	s.mu.Lock()
	s.closed = true
	m := s.cur.Load() // after closed: what is mapped now, nobody replaces any more
	s.mu.Unlock()
	s.g.mu.Lock()
	delete(s.g.files, s)
	s.g.mu.Unlock()
	m.close()
}

// mapping returns what can be lent of, after mapping the file again if that is
// due.
func (s *File) mapping() (*mapping, error) {
	if m := s.cur.Load(); !m.over.Load() {
		return m, nil
	}
	slots, err := s.begin()
	if err != nil {
		return nil, err
	}
	m, err := s.mapNow(slots)
	return m, s.finish(m, err)
}

// due returns when the file is to be mapped again, on the Guard's clock.
func (s *File) due() time.Duration { return time.Duration(s.next.Load()) }

// begin decides whether to map the file again now, and with how many slots:
// windows of earlier mappings, which are copies now, count as well.
func (s *File) begin() (slots int, err error) {
	now := s.g.now()
	if now < s.due() {
		return 0, errOver // as most readers of a file that is being written find
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.due()
	if s.closed || s.trying || now < next {
		return 0, errOver
	}
	if s.pause == 0 || now-next > lastPause {
		s.pause = firstPause
	}
	s.next.Store(int64(now + s.pause))
	s.pause = min(2*s.pause, lastPause)
	slots = s.g.Slots()
	for _, m := range s.all {
		slots -= m.pinnedExtents()
	}
	if slots < (s.g.Slots()+1)/2 {
		return 0, errPinned
	}
	s.trying = true
	return slots, nil
}

// finish ends what begin began.
func (s *File) finish(m *mapping, err error) error {
	s.mu.Lock()
	s.trying = false
	s.refusal = err
	if err == nil && s.closed {
		err = errOver
	}
	if err == nil {
		s.cur.Store(m)
	}
	s.mu.Unlock()
	if err != nil && m != nil {
		m.close()
	}
	return err
}

// broke tidies up after a guard has broken.
func (s *File) broke(m *mapping) {
	<-m.filled
	m.thaw()
	s.g.restock()
}

// ended forgets a mapping.
func (s *File) ended(m *mapping) {
	reads, bytes := m.counts()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.past.reads += reads
	s.past.bytes += bytes
	for i := range s.all {
		if s.all[i] == m {
			s.all = append(s.all[:i], s.all[i+1:]...)
			break
		}
	}
}

// FileStats says what a File has lent.
type FileStats struct {
	Reads  int64  // slices lent
	Bytes  int64  // of those that were given back
	Breaks int64  // guards that a writer broke
	Guard  string // what guards it now, "" for nothing
	Why    string // why nothing does, as far as that was asked
}

// Stats returns what the File has lent so far.
func (s *File) Stats() FileStats {
	s.mu.Lock()
	t := FileStats{Reads: s.past.reads, Bytes: s.past.bytes, Breaks: s.breaks.Load()}
	all := append([]*mapping(nil), s.all...)
	if s.refusal != nil {
		t.Why = s.refusal.Error()
	}
	s.mu.Unlock()
	for _, m := range all {
		select {
		case <-m.filled:
			n, b := m.counts()
			t.Reads += n
			t.Bytes += b
		default: // it is being mapped, and has lent nothing
		}
	}
	if m := s.cur.Load(); !m.over.Load() {
		t.Guard, t.Why = m.kind.String(), ""
	} else if t.Why == "" {
		t.Why = errOver.Error()
	}
	return t
}
