package source

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/oriel-go/oriel/source/internal/access"
	"github.com/oriel-go/oriel/source/internal/plan"
)

// How a Reader keeps its course
//
//	facts, pattern ──► plan ──► a way, its windows, how much ahead
//	     ▲                             │
//	     │ surprised                   ▼
//	     └────────── trial ◄── what a stretch of windows has taken, with what the
//	                   │       caller did with them
//	                   └──► another way, from the next window on
//
// What was begun in the way before is delivered first, in its order.

// A steering chooses the way in which a Reader reads.
type steering struct {
	mu       sync.Mutex // of what Explain looks at: all but the last paragraph
	facts    plan.Facts
	ask      plan.Ask
	plan     plan.Plan
	trial    plan.Trial
	before   int64 // bytes that had been read when the plan was made first
	switches []Switch
	earlier  int // switches before those

	learned bool // the facts that a Reader learns later are there
	bytes   int64
	until   int64 // of bytes, where the stretch ends that is being measured
	from    int64 // and where it began
	since   time.Time
	waited  bool  // some of it waited
	copied  int64 // and how much was copied out of the page cache, where it was to be read past that
	gaps    gaps
	untold  int // of switches, the last ones, those that the caller's log has not been told
}

// maxSwitches bounds the switches that are remembered: the last ones.
const maxSwitches = 16

// course sees to it that the windows to come are read as they should be.
func (r *Reader) course() {
	switch s := r.steer.Load(); {
	case r.stale.Load():
		r.stale.Store(false)
		r.setOff()
	case r.later && r.event == access.Waited:
		r.plan(false)
	case r.later && r.count.bytes.Load() >= r.plannedFrom():
		r.planLate()
	case s != nil && s.bytes >= s.until:
		r.measure()
	}
}

// plannedFrom returns how much a Reader has read, without having waited, when its
// file is planned for, and when it is learned what a mapping would cost: as much as a
// file has to have, or as many windows as take pread as long. The facts take as long
// as copying 200 KiB, and a caller that takes three windows and leaves has not paid
// for them (bench regret, limit and sequential/4KiB). Where a mapping serves others,
// only loading is still to be paid for.
func (r *Reader) plannedFrom() int64 {
	const windows, few, least = 64, 3, 256 << 10
	n := int64(r.copyBytes())
	from := min(plan.LeastBytes, max(windows*n, least))
	if r.f.lendsNow() {
		from = min(from, max(few*n, least))
	}
	return from
}

// auto reports whether there is a choice of ways.
func (f *File) auto() bool { return f.pread != nil && f.set.forced() == "" }

// way returns the way in which a File is read without a plan.
func (f *File) way() plan.Way {
	switch {
	case f.set.kind == Mmap:
		return plan.Mmap
	case f.ring.likesDirect(f.set.pattern):
		return plan.Direct
	case f.ring != nil:
		return plan.Ring
	}
	return plan.Pread
}

// ask returns what a Reader asks of a plan.
func (r *Reader) ask() plan.Ask {
	a := r.declares()
	if a.Order == access.Unknown {
		a.Order = r.ahead.Order()
	}
	return a
}

// declares returns what a Reader asks as far as its caller has said it. Any goroutine
// may call it.
func (r *Reader) declares() plan.Ask {
	a := r.f.ask(r.Pattern())
	if r.sized.Load() {
		a.WindowBytes = r.copyBytes()
	}
	return a
}

// ask returns what a File with a pattern asks of a plan.
func (f *File) ask(p Pattern) plan.Ask {
	a := plan.Ask{
		Order:       order(p),
		Once:        p == Once,
		Reuse:       p == Reuse,
		Immutable:   f.set.immutable,
		WindowBytes: f.set.window,
		Waiting:     int(f.rt.crowd.waiting.Load()) + 1,
		Direct:      plan.DirectUse(f.set.direct),
	}
	switch f.set.kind {
	case Pread:
		a.Only = plan.Of(plan.Pread)
	case Mmap:
		a.Only = plan.Of(plan.Mmap)
	case Uring:
		a.Only = plan.Of(plan.Ring, plan.Direct)
	}
	return a
}

// setOff chooses the way for the first windows, or after the caller has changed
// its mind.
func (r *Reader) setOff() {
	f := r.f
	r.returns = r.returns || r.Pattern() == Reuse
	if !f.auto() || f.Size() < plan.LeastBytes && r.steer.Load() == nil {
		r.keep(f.way(), r.WindowSize(), f.mostAhead(r.WindowSize()))
		return
	}
	// What is not going to be cached is better not begun through the cache.
	if r.later = r.steer.Load() == nil && r.Pattern() != Once && f.isHeld(); r.later {
		if r.began.IsZero() {
			r.began = time.Now()
		}
		r.keep(plan.Pread, r.copyBytes(), f.mostAhead(r.copyBytes()))
		return
	}
	r.plan(false)
}

// plan makes a plan of what is known. Late is one for a Reader that has read a little
// by pread.
func (r *Reader) plan(late bool) {
	r.later = false
	s := r.steer.Load()
	if s == nil {
		s = &steering{facts: r.f.facts(r.Pattern() == Once), before: r.count.bytes.Load()}
		s.gaps.find(s.facts.CachedShare) // only now: later it may be what the kernel has read ahead
		if s.learned = r.f.lendsNow(); s.learned {
			s.facts.LargeFolios = plan.Yes
		}
	}
	s.mu.Lock()
	s.ask = r.ask()
	s.plan = plan.Make(&s.facts, s.ask)
	if late {
		s.plan.LeadBytes = min(s.plan.LeadBytes, 1) // it has been read, and is measured next
	} else {
		s.plan.LeadBytes = max(0, s.plan.LeadBytes-s.before-s.bytes)
	}
	s.trial.Start(&s.plan)
	s.mu.Unlock()
	r.steer.Store(s)
	r.turn()
}

// planLate plans for a file of which pread has read a little without having waited.
// That is the first stretch that is measured, so that what is chosen has something to
// be compared with.
func (r *Reader) planLate() {
	r.plan(true)
	s := r.steer.Load()
	if plan.Way(r.way.Load()) != plan.Pread {
		return
	}
	s.mu.Lock()
	s.bytes, s.before = s.before, 0
	s.mu.Unlock()
	s.from, s.since = 0, r.began
	r.measure()
}

// mostAhead returns how many bytes a Reader without a plan may have ahead of it,
// in windows of n.
func (f *File) mostAhead(n int) int64 {
	switch {
	case f.stream != nil || f.lender != nil:
		return 0
	case f.pread == nil || f.ring != nil:
		return plan.MaxAheadBytes
	}
	return int64(n)
}

// keep has the windows to come read in a way, with at most ahead bytes ahead of
// the caller.
func (r *Reader) keep(w plan.Way, windowBytes int, ahead int64) {
	r.way.Store(uint32(w))
	r.unit = int64(windowBytes)
	if !r.sized.Load() && w != plan.Mmap && r.bytes.Swap(r.unit) != r.unit {
		r.sess.SetReserve(r.unit + r.joins.Load())
	}
	if l := (access.Limits{WindowBytes: r.unit, MaxBytes: ahead, Declared: order(r.Pattern())}); l != r.limits {
		r.limits = l
		r.ahead.Set(l)
	}
}

// turn has the windows to come read in the way that the trial says, and begins to
// measure a stretch.
func (r *Reader) turn() {
	s := r.steer.Load()
	was := plan.Way(r.way.Load())
	w := s.trial.Way()
	for w != was { // pread is never refused
		err := r.f.enterWay(w)
		if err == nil {
			break
		}
		s.mu.Lock()
		if sw, left := s.trial.Refuse(w, plainly(err)); left {
			r.note(sw)
		}
		w = s.trial.Way()
		s.mu.Unlock()
	}
	r.tell()
	p := s.plan
	if w != p.Way {
		a := s.ask
		a.Only = plan.Of(w)
		p = plan.Make(&s.facts, a)
	}
	if was != w {
		r.leaveMapping()
		r.f.leaveWay(was)
		r.origin = r.pos
	}
	r.keep(w, p.WindowBytes, p.AheadBytes)
	s.from, s.until = s.bytes, s.bytes+s.trial.StretchBytes()
	s.waited, s.copied = false, 0
	s.since = time.Now()
}

// enterWay sees to it that the File can be read in a way, by one more Reader.
func (f *File) enterWay(w plan.Way) error {
	switch w {
	case plan.Mmap:
		if _, err := f.mapping(); err != nil {
			return err
		}
		f.rt.mapped.Add(1)
	case plan.Ring, plan.Direct:
		g, err := f.ringed()
		if err == nil && w == plan.Direct && g.direct == nil {
			err = errNoDirect
		}
		if err != nil {
			return err
		}
		// What is cached is copied, and the kernel would read ahead of that, always
		// faster than the Reader comes to what is not.
		if w == plan.Direct && f.past.Add(1) == 1 {
			kernelAhead(f.pread.fd, false)
		}
	}
	return nil
}

// leaveWay undoes enterWay.
func (f *File) leaveWay(w plan.Way) {
	switch w {
	case plan.Mmap:
		f.rt.mapped.Add(-1)
	case plan.Direct:
		if f.past.Add(-1) == 0 {
			kernelAhead(f.pread.fd, true)
		}
	}
}

// leaveCourse ends what the Reader's plan has entered, when it is closed.
func (r *Reader) leaveCourse() {
	defer r.f.leave()
	open := r.f.gate.enter()
	if way := plan.Way(r.way.Load()); r.steer.Load() != nil && (open && !r.owns || way != plan.Direct) { // a closed descriptor is not told
		r.f.leaveWay(way)
		r.way.Store(uint32(plan.Pread))
	}
}

// measure ends a stretch: it says what that has taken, and may turn.
func (r *Reader) measure() {
	s := r.steer.Load()
	bytes, took := s.bytes-s.from, time.Since(s.since)
	s.mu.Lock()
	learns := r.learns()
	if learns {
		r.replan(true)
	}
	if sw, switched := s.trial.Note(bytes, took, s.waited); switched {
		if learns {
			sw.Reason = s.plan.Candidates[sw.To].Reason
		}
		r.note(sw)
	}
	// Most of what was to come from the device was cached.
	cached := 2*s.copied > bytes && s.plan.Waits == plan.Yes
	if s.trial.Surprised() || cached || inOrder(r.ask().Order) != inOrder(s.ask.Order) {
		r.replan(false)
	}
	s.mu.Unlock()
	r.turn()
}

// learns reports whether it is time to learn what a mapping would cost, because
// one might serve better.
func (r *Reader) learns() bool {
	s := r.steer.Load()
	c := &s.plan.Candidates[plan.Mmap]
	return !s.learned && !s.waited && s.before+s.bytes >= r.plannedFrom() && plan.Way(r.way.Load()) != plan.Mmap &&
		!c.Refused && (c.Close || s.plan.Way == plan.Mmap)
}

// inOrder reports whether windows are read from front to back, as far as is known.
func inOrder(o access.Order) bool { return o == access.Unknown || o == access.Sequential }

// replan plans again, with facts that are gathered again, from what is still to
// be read.
func (r *Reader) replan(learn bool) {
	s := r.steer.Load()
	failed := s.facts.Failed
	s.facts = r.f.factsFrom(r.pos, r.Pattern() == Once)
	if len(s.facts.Failed) == 0 {
		s.facts.Failed = failed
	}
	if s.learned = s.learned || learn; s.learned {
		r.f.learn(&s.facts, r.pos)
	}
	s.ask = r.ask()
	s.plan = plan.Make(&s.facts, s.ask)
	s.plan.LeadBytes = 0 // it has been read
	s.trial.Start(&s.plan)
	if sw, left := s.trial.Note(0, 0, false); left { // a way that cannot serve any more
		sw.Reason = s.plan.Candidates[sw.From].Reason
		r.note(sw)
	}
}

// fillGaps asks the page cache for what it does not have ahead of the Reader.
func (r *Reader) fillGaps() {
	s := r.steer.Load()
	if s == nil || plan.Way(r.way.Load()) != plan.Pread || !inOrder(s.ask.Order) {
		return
	}
	if h := s.gaps.pass(r.pos, r.pos-r.origin, r.event == access.Hit); h.Count > 0 {
		r.f.hint(h)
	}
}

// note records a switch.
func (r *Reader) note(sw plan.Switch) {
	s := r.steer.Load()
	if len(s.switches) == maxSwitches {
		s.switches = append(s.switches[:0], s.switches[1:]...)
		s.earlier++
	}
	n := Switch{
		From: sw.From.String(), To: sw.To.String(), Trying: sw.Trying,
		Off: r.pos, AfterBytes: s.before + sw.Bytes, Reason: sw.Reason.String(),
	}
	s.switches = append(s.switches, n)
	s.untold++
}

// tell tells the caller's log of switches, without a lock, because a log may ask for
// an explanation.
func (r *Reader) tell() {
	s, log := r.steer.Load(), r.f.set.log
	n := min(s.untold, len(s.switches))
	s.untold = 0
	if log == nil {
		return
	}
	for _, n := range s.switches[len(s.switches)-n:] { // only this goroutine adds to it
		log.LogAttrs(context.Background(), slog.LevelInfo, "oriel: the source of a reader changes",
			slog.String("name", r.f.name), slog.String("from", n.From), slog.String("to", n.To), slog.Bool("trying", n.Trying),
			slog.Int64("offset", n.Off), slog.String("reason", n.Reason))
	}
}
