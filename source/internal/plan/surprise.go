package plan

// When what was measured is so far from what was expected that the facts are to
// be gathered again. None of the rules takes a slow consumer for a slow way,
// since the consumer's cost is not known.
const (
	// The consumer can only add to the cost: what is so much cheaper than expected
	// is so because the plan was wrong.
	surprisinglyCheap = 0.6
	// Compared with what the next best way is expected to cost beside the same
	// consumer.
	surprisinglyDear = 2.0
	// Stretches in a row that waited where none should have. One may be a hole in
	// what is cached.
	surprisingWaits = 2
	// Stretches between two surprises, doubled with each.
	firstQuiet = 8
	lastQuiet  = 256
)

// alarm tells of surprises, each once.
type alarm struct {
	rings bool
	next  int64 // the stretch before which there is no other
	quiet int64
	told  float64 // the cost that was last told of, while the plan is the same
	way   Way     // and of which way
}

// Surprised reports, once after each surprise, that what was measured is so far
// from what was expected that the facts should be gathered again.
func (t *Trial) Surprised() bool {
	rings := t.alarm.rings
	t.alarm.rings = false
	return rings
}

// expect takes in that the plan is made anew, and whether it is another.
func (a *alarm) expect(another bool) {
	a.rings = false
	if another {
		a.told = 0
	}
}

// look compares the present way's cost with what is expected of it.
func (t *Trial) look(cost float64) {
	if t.stretches < t.alarm.next {
		return
	}
	m := &t.ways[t.way]
	if m.n < surprisingWaits {
		return
	}
	_, recent, _ := m.recent()
	const inARow = 1<<surprisingWaits - 1
	expected := t.expected(t.way)
	switch {
	case t.plan.Waits == No && t.waits&inARow == inARow:
	case expected > 0 && recent < surprisinglyCheap*expected && cost < surprisinglyCheap*expected:
	case t.way != Pread && recent >= surprisinglyDear*t.runnerUp():
	default:
		return
	}
	a := &t.alarm
	if a.told > 0 && a.way == t.way && recent < change*a.told && recent*change > a.told {
		return // it has been told, and gathering the facts again has not changed the plan
	}
	a.rings, a.told, a.way = true, recent, t.way
	a.quiet = min(max(2*a.quiet, firstQuiet), lastQuiet)
	a.next = t.stretches + a.quiet
}

// runnerUp returns what the next best way would cost beside the same consumer,
// as far as pread has told what the consumer costs.
func (t *Trial) runnerUp() float64 {
	consumer := 0.0
	if p := &t.ways[Pread]; p.n > 0 {
		cost, _ := p.typical()
		consumer = max(0, cost-t.expected(Pread))
	}
	least := 0.0
	for w := range Way(Ways) {
		if w != t.way && t.usable(w) && (least == 0 || t.expected(w) < least) {
			least = t.expected(w)
		}
	}
	if least == 0 {
		return maxBytes
	}
	return least + consumer
}
