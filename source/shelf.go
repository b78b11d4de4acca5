package source

import (
	"sync"

	"github.com/oriel-go/oriel/source/internal/access"
	"github.com/oriel-go/oriel/source/internal/plan"
	"github.com/oriel-go/oriel/window"
)

// A shelf keeps windows that a Reader has passed and may come back to, where
// reading them again would cost as much as the first time: what was fetched by a
// Fetcher, or past the page cache. Nothing is kept until the Reader has once gone
// back, or was said to (Reuse). What is kept is given back when memory is wanted.
//
// It is used by the Reader's goroutine, and by whoever needs memory.
type shelf struct {
	mu   sync.Mutex
	kept []kept
	tick uint64
	stop func() // takes its function out of the pool's, nil before anything is kept
}

// A kept window is one on a shelf.
type kept struct {
	w    window.Window
	uses int
	last uint64 // when it was used last
}

// shelfWindows is how many windows are kept: the few behind the Reader, and those
// that it has come back to before.
const shelfWindows = 4

// goesBack notes that the Reader comes back to what it has read.
func (r *Reader) goesBack() {
	if r.f.stream == nil && r.f.lender == nil {
		r.returns = true
	}
}

// shelve keeps w, if the Reader comes back and w would be dear to read again.
func (r *Reader) shelve(w window.Window, p *piece) {
	dear := r.f.pread == nil || p.ringed && plan.Way(r.way.Load()) == plan.Direct
	if !r.returns || !dear {
		return
	}
	s := &r.shelf
	if s.stop == nil {
		s.stop = r.f.rt.memory.OnPressure(func(int) { s.clear() })
	}
	own := w.Retain()
	s.mu.Lock()
	var out window.Window
	if len(s.kept) == shelfWindows {
		i := s.leastLocked()
		out = s.kept[i].w
		s.kept[i] = s.kept[len(s.kept)-1]
		s.kept = s.kept[:len(s.kept)-1]
	}
	s.tick++
	s.kept = append(s.kept, kept{w: own, last: s.tick})
	s.mu.Unlock()
	out.Release()
}

// shelved hands the next window out if it is on the shelf.
func (r *Reader) shelved() (w window.Window, ok bool) {
	if !r.returns {
		return w, false
	}
	if w, ok = r.shelf.find(r.pos); ok {
		r.event = access.Hit
		r.moved(w.Len())
	}
	return w, ok
}

// leastLocked returns which window is to make room: of those used least often the
// one that has not been used for the longest time.
func (s *shelf) leastLocked() (least int) {
	for i, k := range s.kept {
		l := s.kept[least]
		if k.uses < l.uses || k.uses == l.uses && k.last < l.last {
			least = i
		}
	}
	return least
}

// find returns what there is from off on of a window that is kept.
func (s *shelf) find(off int64) (w window.Window, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.kept {
		k := &s.kept[i]
		if lo := off - k.w.Off(); lo >= 0 && lo < int64(k.w.Len()) {
			s.tick++
			k.uses++
			k.last = s.tick
			return k.w.Slice(int(lo), k.w.Len()), true
		}
	}
	return w, false
}

// clear gives everything back.
func (s *shelf) clear() {
	s.mu.Lock()
	list := s.kept
	s.kept = nil
	s.mu.Unlock()
	for _, k := range list {
		k.w.Release()
	}
}

// close gives everything back for good.
func (s *shelf) close() {
	if s.stop != nil {
		s.stop()
	}
	s.clear()
}
