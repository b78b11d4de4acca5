package simdevice

import (
	"time"

	"github.com/oriel-go/oriel/source/internal/access"
)

// Consumer is who reads.
type Consumer struct {
	BytesPerSecond int64   // that it works through; 0: no time at all
	Visits         []Visit // where it reads, one after the other
}

// Visit is Windows windows from the offset Off on.
type Visit struct {
	Off     int64
	Windows int
}

// Step is one window that was handed out.
type Step struct {
	At    time.Duration // when
	Off   int64
	Event access.Event
	Depth int64 // that the Ahead said then, in bytes
}

// Report is what a run came to.
type Report struct {
	Steps   []Step
	Time    time.Duration // until the last byte was worked through
	Read    int64         // bytes that were handed out
	Fetched int64         // bytes that the device was asked for
	Wasted  int64         // of these, those that were thrown away
	Recent  float64       // the largest share of the bytes fetched last that was wasted, but for one window
	Waits   int
}

// Rate returns the bytes per second at which the windows from step lo to step hi
// were handed out.
func (r *Report) Rate(lo, hi int) float64 {
	d := r.Steps[hi].At - r.Steps[lo].At
	if d <= 0 {
		return 0
	}
	return float64(r.Steps[hi].Off-r.Steps[lo].Off) / d.Seconds()
}

// recentBytes are the least that Recent is taken over, or so many windows if they
// are more: from one time that something was thrown away to another.
const (
	recentBytes   = 8 << 20
	recentWindows = 8
)

// Limit returns the bytes per second that a reader of l can have from a device
// of speed v, if it keeps everything that it may in flight, for a consumer c.
func Limit(v Speed, queue int, c Consumer, l access.Limits) float64 {
	n := l.WindowBytes
	inFlight := max(1, l.MaxBytes/n)
	if queue > 0 {
		inFlight = min(inFlight, int64(queue))
	}
	turn := v.Latency + transfer(n, v.BytesPerSecond)
	rate := min(float64(v.BytesPerSecond), float64(inFlight*n)/turn.Seconds())
	if c.BytesPerSecond > 0 {
		rate = min(rate, float64(c.BytesPerSecond))
	}
	return rate
}

// A window that is in flight, or has arrived.
type window struct {
	off  int64
	done time.Duration
}

// A reader is one run.
type reader struct {
	service service
	ahead   *access.Ahead
	limits  access.Limits
	now     time.Duration
	pos     int64
	pending []window
	report  Report
	marks   []mark
}

// A mark is what had been fetched and wasted at some time.
type mark struct{ fetched, wasted int64 }

// Run reads what c wants from d, with what a says, which is given the limits l.
// Recent waste is looked at whenever something was thrown away.
func Run(d Device, c Consumer, a *access.Ahead, l access.Limits) Report {
	a.Set(l)
	r := reader{service: service{d: &d}, ahead: a, limits: l}
	for _, v := range c.Visits {
		r.seek(v.Off)
		for range v.Windows {
			r.next()
			r.now += transfer(l.WindowBytes, c.BytesPerSecond)
		}
	}
	r.drop()
	r.report.Time = r.now
	return r.report
}

// seek moves the reader, as SeekTo does.
func (r *reader) seek(off int64) {
	if off == r.pos {
		return
	}
	r.drop()
	r.ahead.Jump(off)
	r.pos = off
}

// drop throws away what is pending.
func (r *reader) drop() {
	n := int64(len(r.pending)) * r.limits.WindowBytes
	r.pending = r.pending[:0]
	if n == 0 {
		return
	}
	r.ahead.Waste(n)
	r.report.Wasted += n
	r.look()
}

// look sets Recent, for what was just wasted.
func (r *reader) look() {
	recent := max(recentBytes, recentWindows*r.limits.WindowBytes)
	p := &r.report
	r.marks = append(r.marks, mark{p.Fetched, p.Wasted})
	since := mark{}
	for _, m := range r.marks {
		if p.Fetched-m.fetched >= recent {
			since = m
		}
	}
	if fetched := p.Fetched - since.fetched; fetched >= recent {
		wasted := p.Wasted - since.wasted - r.limits.WindowBytes
		p.Recent = max(p.Recent, float64(wasted)/float64(fetched))
	}
}

// next hands out a window, and then begins others.
func (r *reader) next() {
	n := r.limits.WindowBytes
	e := r.take()
	r.ahead.Read(r.pos, n, e)
	r.pos += n
	depth := r.ahead.Depth()
	p := &r.report
	p.Read += n
	p.Steps = append(p.Steps, Step{At: r.now, Off: r.pos - n, Event: e, Depth: depth})
	for int64(len(r.pending)+1)*n <= depth {
		off := r.pos + int64(len(r.pending))*n
		if r.service.d.Cache.holds(off, n) {
			return // nothing to be gained, and Ahead hears of it when it is read
		}
		r.submit(off)
		r.ahead.Fetched(n)
	}
}

// take waits for the window at the position.
func (r *reader) take() access.Event {
	c := &r.service.d.Cache
	if len(r.pending) == 0 {
		if c.holds(r.pos, r.limits.WindowBytes) {
			r.now += transfer(r.limits.WindowBytes, c.BytesPerSecond)
			return access.Hit
		}
		r.submit(r.pos)
	}
	first := r.pending[0]
	r.pending = append(r.pending[:0], r.pending[1:]...)
	if first.done <= r.now {
		return access.Arrived
	}
	r.now = first.done
	r.report.Waits++
	return access.Waited
}

func (r *reader) submit(off int64) {
	n := r.limits.WindowBytes
	r.pending = append(r.pending, window{off, r.service.submit(r.now, off, n)})
	r.report.Fetched += n
}
