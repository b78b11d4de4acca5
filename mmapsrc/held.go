package mmapsrc

import (
	"slices"
	"time"
)

// hold puts an extent that has been locked on the list of those that can be
// given up. The caller holds x.mu.
func (g *Guard) hold(m *mapping, x *extent) {
	hits, _ := m.used(x)
	g.mu.Lock()
	defer g.mu.Unlock()
	x.held = int32(len(g.list) + 1)
	x.seen, x.seenAt = hits, g.now()
	g.list = append(g.list, heldExtent{m, x})
}

// forget takes an extent that is locked no more off the list, and its memory
// out of the account. The caller holds x.mu.
func (g *Guard) forget(x *extent) {
	x.locked = false
	x.flags.And(^uint32(extentLocked))
	g.mu.Lock()
	defer g.mu.Unlock()
	last := len(g.list) - 1
	g.list[x.held-1] = g.list[last]
	g.list[x.held-1].x.held = x.held
	g.list[last] = heldExtent{}
	g.list = g.list[:last]
	x.held = 0
	g.account.Give(ExtentBytes)
}

const (
	// maxLooks bounds the search for an extent to give up.
	maxLooks = 4
	// idleBefore is how long an extent must have lain idle to make room for a
	// reader from front to back, which needs its own only once.
	idleBefore = 10 * time.Millisecond
	// idleAfter is how long an extent stays locked that nobody uses, while there
	// is a keeper.
	idleAfter = 30 * time.Second
)

// take takes memory for x from the account, if need be that of another extent,
// which nobody has a slice of and which is used much less than x.
func (g *Guard) take(x *extent, u Use) bool {
	if g.account.Take(ExtentBytes) {
		return true
	}
	// x has been asked for so many times in so long; half as often is much less.
	now := g.now()
	most, during := uint64(0), idleBefore
	if u != Once {
		most = uint64(x.misses.Load()%missesBeforeLoad+missesBeforeLoad) / 2
		during = now - time.Duration(x.since.Load())
	}
	for look := range maxLooks {
		v, ok := g.pick(look, now, most, during)
		if !ok {
			continue
		}
		if v.giveUp() && g.account.Take(ExtentBytes) {
			return true
		}
	}
	return false
}

// pick looks at the next extent of the list, and returns it with its mutex
// held if since the last look, and at least for so long, it has been used less
// than most times in that time. It is the look-th look of a search, which looks
// at none twice.
//
//	look ────────────── look                    of the one that is held
//	      ▲  ▲    ▲   ▲                         its hits
//	           during                           of the one that wants its place
//	        └─────────┘ most
func (g *Guard) pick(look int, now time.Duration, most uint64, during time.Duration) (v heldExtent, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if look >= len(g.list) {
		return v, false
	}
	g.hand = (g.hand + 1) % len(g.list)
	v = g.list[g.hand]
	passed := now - v.x.seenAt
	if passed < during {
		return v, false // too soon to tell; the last look stands
	}
	hits, pinned := v.m.used(v.x)
	rare := float64(int64(hits-v.x.seen))*float64(during) <= float64(most)*float64(passed)
	v.x.seen, v.x.seenAt = hits, now
	return v, rare && !pinned && v.x.mu.TryLock()
}

// Trim gives up locked extents that nobody has a slice of: as many as are beyond
// the account's limit, and those that have not been used since the clock stood
// at before. It looks at each once.
func (g *Guard) Trim(before time.Duration) {
	g.mu.Lock()
	list := slices.Clone(g.list)
	g.mu.Unlock()
	for _, v := range list {
		hits, pinned := v.m.used(v.x)
		g.mu.Lock()
		if hits != v.x.seen {
			v.x.seen, v.x.seenAt = hits, g.now()
		}
		idle := v.x.seenAt < before
		g.mu.Unlock()
		if pinned || !idle && g.account.Used() <= g.account.Limit() || !v.x.mu.TryLock() {
			continue
		}
		v.giveUp()
	}
}

// giveUp unlocks an extent whose mutex the caller holds, and releases that. It
// reports whether nobody had a slice of it.
func (v heldExtent) giveUp() bool {
	if !v.x.locked || !v.m.shut(v.x) {
		v.x.mu.Unlock()
		return false
	}
	v.m.unlockShut(int64(v.x.index), int64(v.x.index)+1)
	return true
}
