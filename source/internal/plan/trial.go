package plan

import "time"

// How the plan is corrected. Lengths of time are in stretches, so that nothing
// depends on a clock.
const (
	// A difference that is worth a switch. Below it the ways are the same to a
	// reader, and each switch has a price.
	worthwhile = 0.04
	// How many times the error of a difference it has to be, so that noise is taken
	// for one once in 40 decisions; and at the end of a long try.
	sureErrors   = 2.0
	enoughErrors = 1.0
	// A try ends after so many stretches, though most end after two.
	longestTry = 24
	// A way that is so much dearer is left after one stretch, its first, in which
	// it is set up: in that time a mapping of large folios costs half as much again.
	hopeless = 2.5
	// What all tries together may cost of the work.
	tryShare = 0.03
	// And how much of that may be spent when a way is tried again that was left.
	againShare = 0.5
	// Until a way is tried again; doubled each time that it is left.
	firstGap = 64
	lastGap  = 1024
	// And a mapping that the facts speak for: the beginning of a file lies in small
	// folios until the kernel's read-ahead has grown, a few MiB.
	trustedGap = 8
	// After a change of the present way's cost it is tried sooner.
	soonerFactor = 8
	// Between two tries, whatever happens.
	leastPause = 4
	// Before the first try the present way is measured for so long.
	measuredFirst = 2
	// By how much a cost has to rise or fall to be another: more than noise of a
	// fifth does.
	change = 1.5
	// For so long a change is a reason to try others.
	changeLasts = 16
	// A way is not tried where so many windows of it are more than what is left to
	// read.
	leastLeft = 4

	// When nothing has been tried for so many stretches they become longer: judging
	// one takes half a microsecond.
	steadyAfter  = 16
	steadyFactor = 4
	steadyBytes  = 2 << 20

	leastStretchBytes = 256 << 10 // 10 µs at the speed of copying: what a clock tells apart
)

// Trial corrects a plan by what reading costs. It belongs to one goroutine. The
// zero value reads by Pread.
//
// A session is in one of these states, and changes only at the end of a stretch:
//
//	lead ──► the plan's way, on probation ──► home ◄──► trying another
//	              │ measured to be dearer       ▲
//	              └──────► back to pread ───────┘
//
// What is tried comes home in two or three stretches, or stays: the difference is
// weighed against the noise of both, and a try that tells nothing goes on, which
// costs nothing as long as nothing can be told. A way that was left is not tried
// again for 64 stretches, then 128, and so on; after a change in the present
// way's cost for an eighth of that.
type Trial struct {
	plan    Plan
	started bool

	way   Way // of the next windows
	home  Way // what is returned to when way is given up
	ways  [Ways]measured
	fails Set // ways that turned out not to serve

	lead    bool // reading what the plan wants read by Pread first
	tried   bool // way is tried, or on probation; home is something else
	onTrust bool // it is on probation: the plan wants it
	warm    bool // the next stretch of way is its first, and not measured
	replan  bool // the plan is new, and its way is to be taken after this stretch
	owes    bool // Start had to change the way, and Note has not said so yet
	owed    Switch

	stretches int64
	bytes     int64
	took      time.Duration
	waits     uint8   // whether the latest stretches waited, one bit each
	lossNs    float64 // what tries have cost more than the present way
	idle      int64   // the stretch at which the last try ended
	base      float64 // what home has cost since the last change
	changed   int64   // the stretch of that change; 0: none
	rose      float64 // by what factor
	alarm     alarm
}

// Switch is a change from one way to another, or the end of a try in favour of
// the way that was tried: then To is the present way already, and From is given
// up.
type Switch struct {
	From, To Way
	Trying   bool  // for a stretch or two, to measure it
	Bytes    int64 // read so far in the session
	Reason   Reason
}

// Start begins with a plan. It is called again when the facts or the pattern
// have changed: measurements are kept, but expectations are the new plan's, whose
// way is taken at the end of the next stretch. If it is the same way as before,
// what was measured since stands. Only a way that the new plan refuses is left
// at once; Note then reports that.
func (t *Trial) Start(p *Plan) {
	before, again := t.plan.Way, t.started
	t.plan, t.started = *p, true
	if again {
		t.restart(before)
		return
	}
	t.home = p.Way
	t.lead = p.LeadBytes > 0 && p.Way != Pread && t.usable(Pread)
	if t.lead {
		t.home = Pread
	}
	if !t.usable(t.home) {
		t.home = t.fallback(t.home)
	}
	t.way = t.home
	t.warm = t.way != Pread
}

func (t *Trial) restart(before Way) {
	t.replan = t.plan.Way != before && t.usable(t.plan.Way)
	t.alarm.expect(t.replan)
	if t.replan { // what was measured before the facts changed says nothing of now
		for w := range Way(Ways) {
			k := 0
			if w == t.way {
				k = surprisingWaits
			}
			t.ways[w].forget(k)
		}
	}
	if t.lead {
		t.lead = t.plan.LeadBytes > t.bytes && t.plan.Way != Pread
		t.replan = t.replan || !t.lead && t.plan.Way != t.way
	}
	if !t.usable(t.home) {
		t.home = t.fallback(t.home)
	}
	if t.usable(t.way) {
		return
	}
	if to := t.fallback(t.way); to != t.way {
		t.leave(t.way)
		t.owed, t.owes = t.move(to, Reason{code: reasonNewPlan}), true
		t.settle(to)
	}
}

// Way is the way by which the next windows are to be read.
func (t *Trial) Way() Way { return t.way }

// Measured returns what was read by a way, and how long that took.
func (t *Trial) Measured(w Way) (bytes int64, took time.Duration) {
	if w >= Ways {
		return 0, 0
	}
	return t.ways[w].bytes, t.ways[w].took
}

// StretchBytes is how long a stretch of the present way has to be to be measured:
// one window or two, and more when nothing has happened for long.
func (t *Trial) StretchBytes() int64 {
	n := t.stretchOf(t.way)
	if !t.lead && !t.tried && !t.replan && t.stretches-t.idle > steadyAfter {
		n = max(n, min(steadyFactor*n, steadyBytes))
	}
	return n
}

func (t *Trial) stretchOf(w Way) int64 {
	n := int64(t.plan.Windows[w])
	switch w {
	case Mmap: // is loaded in whole extents, and a part of one is free or dear
		return max(n, extentBytes)
	case Direct: // comes in the order in which the device likes it
		return max(2*n, 2*leastStretchBytes)
	}
	return max(2*n, leastStretchBytes)
}

// Note takes in what a stretch of the present way has cost: so many bytes took so
// long, with the time that the consumer took. waited says that some of it waited
// for a device. It returns the switch that follows, if one does.
func (t *Trial) Note(bytes int64, took time.Duration, waited bool) (s Switch, switched bool) {
	if t.owes { // by which way this was read is not certain
		t.owes = false
		return t.owed, true
	}
	if bytes <= 0 || took < 0 || !t.started {
		return s, false
	}
	took = max(took, 1) // a clock that did not move
	t.stretches++
	t.bytes += min(bytes, maxBytes-t.bytes)
	t.took += min(took, maxTook-t.took)
	t.waits <<= 1
	if waited {
		t.waits |= 1
	}
	t.ways[t.way].total(bytes, took)
	cost := float64(took) / float64(bytes)
	switch {
	case t.replan:
		return t.follow(cost)
	case t.lead:
		return t.leadOn(cost)
	case t.tried:
		return t.probe(cost, bytes, waited)
	}
	if t.warm {
		t.warm = false
		return s, false
	}
	return t.steady(cost)
}

const (
	maxBytes = 1<<63 - 1
	maxTook  = time.Duration(1<<63 - 1)
)

// follow goes over to the way of a new plan.
func (t *Trial) follow(cost float64) (Switch, bool) {
	t.replan, t.lead = false, false
	if !t.warm {
		t.ways[t.way].push(cost)
	}
	to := t.plan.Way
	if !t.usable(to) || to == t.way {
		if to == t.way {
			t.settle(to)
		}
		return Switch{}, false
	}
	return t.trust(to, Reason{code: reasonNewPlan}), true
}

// leadOn reads by Pread until the caller has stayed for long enough.
func (t *Trial) leadOn(cost float64) (Switch, bool) {
	t.ways[t.way].push(cost)
	t.look(cost)
	if t.bytes < t.plan.LeadBytes {
		return Switch{}, false
	}
	t.lead = false
	to := t.plan.Way
	if !t.usable(to) || to == t.way || to == Mmap && t.waitedLately() {
		t.settle(t.way)
		return Switch{}, false
	}
	return t.trust(to, Reason{code: reasonLeadOver, a: t.bytes}), true
}

// Refuse takes in that a way does not serve: it is never taken again in this
// session. If it was the present way another takes over, unless none is left.
func (t *Trial) Refuse(w Way, why string) (Switch, bool) {
	if w >= Ways {
		return Switch{}, false
	}
	t.fails |= Of(w)
	if t.home == w && t.way != w && t.usable(t.way) {
		t.settle(t.way)
	}
	if t.way != w {
		return Switch{}, false
	}
	to := t.fallback(w)
	if t.tried && t.usable(t.home) {
		to = t.home
	}
	if to == w {
		return Switch{}, false
	}
	s := t.move(to, Reason{code: reasonFailed, text: why})
	t.settle(to)
	t.lead = t.lead && to == Pread
	t.owes = false
	return s, true
}

// usable reports whether a way serves, as far as is known.
func (t *Trial) usable(w Way) bool { return !t.plan.Candidates[w].Refused && !t.fails.Has(w) }

// fallback returns the way to take instead of one that does not serve: pread, or
// what costs least as far as is known where that is forced out. It is the same
// way if there is no other.
func (t *Trial) fallback(from Way) Way {
	if from != Pread && t.usable(Pread) {
		return Pread
	}
	best, least := from, 0.0
	for w := range Way(Ways) {
		if w == from || !t.usable(w) {
			continue
		}
		if c := t.predict(w); best == from || c < least {
			best, least = w, c
		}
	}
	return best
}

// move changes the way.
func (t *Trial) move(to Way, why Reason) Switch {
	s := Switch{From: t.way, To: to, Bytes: t.bytes, Reason: why}
	t.way = to
	t.warm = to != Pread
	return s
}

// leave remembers what a way cost and begins the time in which it is not tried
// again.
func (t *Trial) leave(w Way) {
	m := &t.ways[w]
	if m.n > 0 {
		m.last, _ = m.typical()
	}
	m.left = t.stretches
	m.gap = min(max(2*m.gap, firstGap), lastGap)
}

// settle makes the way the one that is returned to.
func (t *Trial) settle(w Way) {
	t.home, t.way = w, w
	t.tried, t.onTrust = false, false
	t.idle = t.stretches
	t.base, _ = t.ways[w].typical()
	t.changed = 0
}

// waitedLately reports whether the latest stretches waited for a device.
func (t *Trial) waitedLately() bool {
	const lately = 1<<leastPause - 1
	return t.waits&lately != 0
}
