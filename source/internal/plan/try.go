package plan

// trust goes over to the way that the plan wants: it is kept unless it is
// measured to be dearer than the way that is left.
func (t *Trial) trust(to Way, why Reason) Switch {
	home := t.way
	if t.tried && t.usable(t.home) && t.home != to {
		home = t.home
	}
	s := t.move(to, why)
	t.home, t.tried, t.onTrust = home, true, true
	t.ways[to].forget(0)
	return s
}

// attempt goes over to a way for a stretch or two: it is left unless it is
// measured to be cheaper.
func (t *Trial) attempt(to Way, why Reason) Switch {
	home := t.way
	s := t.move(to, why)
	s.Trying = true
	t.home, t.tried, t.onTrust = home, true, false
	t.ways[to].forget(0)
	return s
}

// probe judges a stretch of a way that is tried or on probation.
func (t *Trial) probe(cost float64, bytes int64, waited bool) (Switch, bool) {
	m, h := &t.ways[t.way], &t.ways[t.home]
	present, _ := h.typical()
	if h.n == 0 { // nothing to compare it with
		return t.keep(Reason{code: reasonCheapest})
	}
	if !t.onTrust {
		t.lossNs += max(0, (cost-present)*float64(bytes))
	}
	switch {
	case waited && (t.way == Mmap || t.way == Pread && t.home == Direct):
		return t.giveUp(Reason{code: reasonWaited})
	case t.warm:
		t.warm = false
		if cost > hopeless*present {
			m.last = cost
			return t.giveUp(Reason{code: reasonSlower, ratio: float32(cost / present)})
		}
		return Switch{}, false
	}
	m.push(cost)
	g := m.against(h)
	ratio := float32(1 - g.by)
	if t.onTrust {
		switch {
		case g.by <= -max(worthwhile, sureErrors*g.error):
			return t.giveUp(Reason{code: reasonSlower, ratio: ratio})
		case g.by-sureErrors*g.error > -worthwhile, g.n >= longestTry:
			return t.keep(Reason{})
		}
		return Switch{}, false
	}
	switch {
	case g.n < measuredFirst && cost <= hopeless*present:
	case g.by >= max(worthwhile, sureErrors*g.error), g.n >= longestTry && g.by >= worthwhile+enoughErrors*g.error:
		return t.keep(Reason{code: reasonFaster, ratio: ratio})
	case g.by <= -max(worthwhile, sureErrors*g.error):
		return t.giveUp(Reason{code: reasonSlower, ratio: ratio})
	case g.by+sureErrors*g.error < worthwhile, g.n >= longestTry:
		return t.giveUp(Reason{code: reasonNotFaster})
	case t.lossNs > t.mayLose():
		return t.giveUp(Reason{code: reasonTooDear})
	}
	return Switch{}, false
}

// keep ends a try in favour of the way that was tried. Of a way on probation
// nothing needs to be said: that it was taken has been said already.
func (t *Trial) keep(why Reason) (Switch, bool) {
	s := Switch{From: t.home, To: t.way, Bytes: t.bytes, Reason: why}
	quiet := t.onTrust
	t.leave(t.home)
	t.settle(t.way)
	return s, !quiet
}

// giveUp ends a try in favour of the way that was there before.
func (t *Trial) giveUp(why Reason) (Switch, bool) {
	changed := t.changed
	trusted := t.onTrust && t.way == Mmap
	t.leave(t.way)
	if m := &t.ways[t.way]; trusted && m.gap == firstGap {
		m.gap = trustedGap
	}
	s := t.move(t.home, why)
	t.settle(t.home)
	t.changed = changed // others may be tried for it yet
	return s, true
}

// steady judges a stretch of the present way while nothing is tried.
func (t *Trial) steady(cost float64) (Switch, bool) {
	h := &t.ways[t.home]
	h.push(cost)
	least, recent, most := h.recent()
	if h.n > recentStretches && (least > change*t.base || most*change < t.base) {
		t.turn(recent)
	}
	if h.n <= recentStretches || t.stretches%rebaseStretches == 0 {
		t.base, _ = h.typical()
	}
	t.look(cost)
	if h.n < measuredFirst || t.stretches < t.idle+leastPause && t.idle > 0 {
		return Switch{}, false
	}
	for w := range Way(Ways) {
		if why, ok := t.worthTrying(w); ok {
			return t.attempt(w, why), true
		}
	}
	return Switch{}, false
}

// turn takes in that the present way's cost is another now. What was measured
// before says nothing of what comes.
func (t *Trial) turn(recent float64) {
	t.rose = recent / t.base
	t.changed = t.stretches
	for w := range Way(Ways) {
		k := 0
		if w == t.home {
			k = recentStretches
		}
		t.ways[w].forget(k)
	}
	t.base, _ = t.ways[t.home].typical()
}

// worthTrying reports whether a way is to be tried now, and why.
func (t *Trial) worthTrying(w Way) (why Reason, ok bool) {
	if w == t.home || w == Ring && !t.plan.Candidates[w].Close || !t.usable(w) {
		return why, false
	}
	m := &t.ways[w]
	since := t.stretches - m.left
	lately := t.changed > 0 && t.stretches-t.changed < changeLasts && since >= m.gap/soonerFactor &&
		(t.rose > 1 || t.home != Mmap) // copying does not become cheaper than a mapping that does
	contends := t.plan.Candidates[w].Close || m.last > 0 || w == t.plan.Way
	switch {
	case m.gap == 0 && contends:
		why = Reason{code: reasonTry}
	case m.gap > 0 && contends && since >= m.gap:
		why = Reason{code: reasonTryAgain, a: since}
	case lately && (contends || t.rose > 1 && t.predict(w) < t.base*(1-worthwhile)):
		why = Reason{code: reasonTryChanged, ratio: float32(t.rose)}
	case w == Pread && since >= m.gap && t.base >= surprisinglyDear*t.runnerUp():
		why = Reason{code: reasonTry}
	default:
		return why, false
	}
	predicted := t.predict(w)
	switch {
	case why.code == reasonTryChanged && t.rose > 1 && predicted >= t.base*(1-worthwhile):
		return why, false
	case w == Mmap && t.waitedLately():
		return why, false
	case w == Direct && (!t.waitedLately() || predicted*directFactor > t.base):
		return why, false
	}
	return why, t.affordable(w, predicted)
}

// affordable reports whether trying a way for two stretches and its first leaves
// the tries within their share, and enough to read afterwards.
func (t *Trial) affordable(w Way, predicted float64) bool {
	stretch := float64(t.stretchOf(w))
	left := t.plan.WorkBytes - t.bytes
	if left > 0 && float64(left) < leastLeft*stretch {
		return false
	}
	n, setup := measuredFirst, 0.0
	switch w {
	case Mmap:
		n, setup = n+1, mapSetupNs
	case Direct:
		n, setup = n+1, directSetupNs
	case Ring:
		n++
	}
	may := t.mayLose()
	if t.ways[w].gap > 0 {
		may *= againShare
	}
	return t.lossNs+setup+float64(n)*stretch*max(0, predicted-t.base) <= may
}

// mayLose returns what all tries together may cost, in nanoseconds.
func (t *Trial) mayLose() float64 {
	left := max(t.plan.WorkBytes-t.bytes, 0)
	return tryShare * (float64(t.took) + float64(left)*t.base)
}

// predict returns what a byte by a way would cost now, the consumer's time
// included: what was measured since the last change; otherwise what is expected,
// or was measured before if that is less.
func (t *Trial) predict(w Way) float64 {
	m := &t.ways[w]
	if m.n > 0 {
		cost, _ := m.typical()
		return cost
	}
	expected := t.expected(w)
	if t.home != w { // what the present way costs more than expected is the consumer's
		expected += max(0, t.base-t.expected(t.home))
	}
	// What a mapping that the facts speak for has cost at its beginning may have been
	// memory that the machine had to find first.
	if m.last > 0 && t.changed <= m.left && m.gap != trustedGap {
		return m.last
	}
	if m.last > 0 {
		return min(m.last, expected)
	}
	return expected
}

// expected returns what the plan expects a byte by a way to cost. Where the plan
// does not know what is cached, whether pread or a mapping waits tells.
func (t *Trial) expected(w Way) float64 {
	cost := t.plan.Candidates[w].CostNs
	if t.plan.Waits == Unsure && (t.way == Pread || t.way == Mmap) {
		cost = t.plan.cached[w]
		if t.waitedLately() {
			cost = t.plan.cold[w]
		}
	}
	return cost / float64(max(t.plan.WorkBytes, 1))
}
