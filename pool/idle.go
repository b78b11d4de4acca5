package pool

// An idleList is the central list of a class's idle slots, from the one used
// last (hot, the first) to the one that has been idle longest (cold, the last).
type idleList struct {
	bufferList
	n   int
	low int // the coldest low slots were not used since the last tick
}

func (l *idleList) pushHot(b *Buffer) {
	l.pushFirst(b)
	l.n++
}

// pushCold adds a slot that was not used since the last tick.
func (l *idleList) pushCold(b *Buffer) {
	l.pushLast(b)
	l.n++
	l.low++
}

func (l *idleList) popHot() *Buffer {
	b := l.first
	if b == nil {
		return nil
	}
	l.remove(b)
	l.n--
	l.low = min(l.low, l.n)
	return b
}

func (l *idleList) popCold() *Buffer {
	b := l.last
	if b == nil {
		return nil
	}
	l.remove(b)
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
