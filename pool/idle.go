package pool

// An idleList is the central list of a class's idle slots, from the one used
// last (hot) to the one that has been idle longest (cold). Guarded by Pool.mu.
type idleList struct {
	hot, cold *Buffer
	n         int
	low       int // the coldest low slots were not used since the last tick
}

func (l *idleList) pushHot(b *Buffer) {
	b.next, b.prev = l.hot, nil
	if l.hot != nil {
		l.hot.prev = b
	} else {
		l.cold = b
	}
	l.hot = b
	l.n++
}

// pushCold adds a slot that was not used since the last tick.
func (l *idleList) pushCold(b *Buffer) {
	b.next, b.prev = nil, l.cold
	if l.cold != nil {
		l.cold.next = b
	} else {
		l.hot = b
	}
	l.cold = b
	l.n++
	l.low++
}

func (l *idleList) popHot() *Buffer {
	b := l.hot
	if b == nil {
		return nil
	}
	l.hot = b.next
	if l.hot != nil {
		l.hot.prev = nil
	} else {
		l.cold = nil
	}
	b.next = nil
	l.n--
	l.low = min(l.low, l.n)
	return b
}

func (l *idleList) popCold() *Buffer {
	b := l.cold
	if b == nil {
		return nil
	}
	l.cold = b.prev
	if l.cold != nil {
		l.cold.next = nil
	} else {
		l.hot = nil
	}
	b.prev = nil
	l.n--
	l.low = max(0, l.low-1)
	return b
}

// centralIdleBytesLocked returns what is idle outside the shards.
func (p *Pool) centralIdleBytesLocked() int64 {
	var n int64
	for c := range p.idle {
		n += int64(p.idle[c].n) * int64(classBytes(c))
	}
	return n
}

// fullestLocked returns the class with the most idle bytes of those that
// count counts, -1 if there is none.
func (p *Pool) fullestLocked(count func(*idleList) int) int {
	best, most := -1, int64(0)
	for c := range p.idle {
		if n := int64(count(&p.idle[c])) * int64(classBytes(c)); n > most {
			best, most = c, n
		}
	}
	return best
}

func allIdle(l *idleList) int { return l.n }
func allCold(l *idleList) int { return l.low }

// reclaimLocked gives idle memory of at least need bytes back to the system,
// the coldest first of the class that has most of it, and returns how much.
// It is less when no more is idle in the central lists.
func (p *Pool) reclaimLocked(need int64) int64 {
	var done int64
	for done < need {
		c := p.fullestLocked(allIdle)
		if c < 0 {
			break
		}
		for done < need {
			b := p.idle[c].popCold()
			if b == nil {
				break
			}
			p.uncommitLocked(b)
			done += int64(classBytes(c))
		}
	}
	p.giveBackLocked()
	return done
}
