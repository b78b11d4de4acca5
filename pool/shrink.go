package pool

import "time"

// After a burst the pool shrinks. Every list of idle slots is last in, first
// out, and remembers the fewest slots it held since the last tick: that many at
// its cold end were used by nobody in the meantime, and only of those some are
// given back.
const (
	tickPeriod = 10 * time.Second

	idleMinSlots = 10 // given back per tick when nothing was handed out in it
	idlePercent  = 5  // or this part of the unused slots, if it is more
	busyMinSlots = 1  // the same when something was handed out
	busyPercent  = 1

	tickBatch = 64 // slots given back under one hold of the lock
)

// armLocked starts the timer of the next tick. It is called whenever memory is
// committed: more than LowBytes can be idle only while more than that is
// committed, and frees into the shards do not come by here.
func (p *Pool) armLocked() {
	if p.armed || p.closed || p.committed <= p.low {
		return
	}
	p.armed = true
	if p.timer == nil {
		p.timer = time.AfterFunc(tickPeriod, p.tick)
		return
	}
	p.timer.Reset(tickPeriod)
}

// tick gives some of the unused memory back.
func (p *Pool) tick() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.armed = false
	if p.closed {
		return
	}
	idleBytes := p.coolLocked()
	unused := 0
	for c := range p.idle {
		unused += p.idle[c].low
	}
	_, gets := p.countLocked()
	quota := max(idleMinSlots, unused*idlePercent/100)
	if gets != p.lastGets {
		quota = max(busyMinSlots, unused*busyPercent/100)
	}
	p.lastGets = gets
	for quota > 0 && !p.closed {
		n := p.shrinkLocked(min(quota, tickBatch), &idleBytes)
		if n == 0 {
			break
		}
		if quota -= n; quota > 0 {
			p.mu.Unlock() // let those pass who wait for the lock
			p.mu.Lock()
		}
	}
	for c := range p.idle {
		p.idle[c].low = p.idle[c].n
	}
	p.armLocked()
	p.balanceLocked() // a slot may have come from a cell while somebody waits
}

// coolLocked moves what nobody used from the shards to the cold ends of the
// central lists, and returns how much is idle altogether.
func (p *Pool) coolLocked() int64 {
	var idleBytes int64
	for i := range p.shards {
		sh := &p.shards[i]
		sh.mu.Lock()
		for c := range sh.mags {
			m := &sh.mags[c]
			sh.spill(c, m.n-m.low, &p.idle[c])
			// A slot in a cell is not known to be unused; it is, if it is
			// still where it is put now when the next tick comes.
			if b := sh.cells[c].Swap(nil); b != nil && (p.attention.Load() != 0 || !sh.push(b)) {
				p.idle[c].pushHot(b)
			}
			m.low = m.n
		}
		idleBytes += sh.idleBytes
		sh.mu.Unlock()
	}
	return idleBytes + p.centralIdleBytesLocked()
}

// shrinkLocked gives up to most unused slots back, but leaves LowBytes idle,
// and returns how many. idleBytes is what is idle, before and after.
func (p *Pool) shrinkLocked(most int, idleBytes *int64) int {
	done := 0
	for done < most {
		c := p.fullestLocked(allCold)
		if c < 0 || *idleBytes-int64(classBytes(c)) < p.low {
			break
		}
		p.uncommitLocked(p.idle[c].popCold())
		*idleBytes -= int64(classBytes(c))
		done++
	}
	p.giveBackLocked()
	return done
}
