package source

import "sync/atomic"

// A gate counts those who use something that may be closed at any time, so
// that it is really closed by the last of them: a descriptor whose number was
// given to another file while a read was under way would return that file's
// bytes. It counts what they read as well, because a locked instruction that
// follows the copy of a window waits for all of its stores: two of them do for
// everything.
//
//	entered  [ shut | entries                     ]
//	left     [ entries that left | bytes they read ]
//	           24 bits             40 bits
//
// Who is inside is the difference of the two numbers of entries, modulo 1<<24;
// so there may be 16 million at a time. The bytes are moved to spilled long
// before they reach the entries.
type gate struct {
	entered atomic.Uint64
	left    atomic.Uint64
	spilled atomic.Int64
	silent  atomic.Int64 // entries that were not one read
	done    atomic.Bool  // the last has left after close
}

const (
	shut       = 1 << 63
	oneLeft    = 1 << 40
	leftBytes  = oneLeft - 1
	spillBytes = oneLeft / 2
)

// enter reports whether the thing is open. One leave must follow either way.
func (g *gate) enter() bool { return g.entered.Add(1) < shut }

// leaveRead ends what was one read of n bytes, n < spillBytes. last reports
// whether the caller is to do the closing.
func (g *gate) leaveRead(n int) (last bool) {
	left := g.left.Add(oneLeft + uint64(n))
	if left&leftBytes >= spillBytes && g.left.CompareAndSwap(left, left-spillBytes) {
		g.spilled.Add(spillBytes)
	}
	e := g.entered.Load()
	return e >= shut && inside(e, left) == 0 && g.done.CompareAndSwap(false, true)
}

// leave ends what was not one read.
func (g *gate) leave() (last bool) {
	g.silent.Add(1)
	return g.leaveRead(0)
}

// inside returns how many had entered, by e, and not left, by l.
func inside(e, l uint64) uint64 { return (e - l/oneLeft) % (1 << 24) }

// close shuts the gate. first is false if it was shut before; last reports
// whether nobody is inside, so that the caller is to do the closing.
func (g *gate) close() (first, last bool) {
	if g.entered.Or(shut) >= shut {
		return false, false
	}
	left := g.left.Load() // before entered: who comes and goes in between must not hide who is inside
	return true, inside(g.entered.Load(), left) == 0 && g.done.CompareAndSwap(false, true)
}

// open reports whether the gate is open now.
func (g *gate) open() bool { return g.entered.Load() < shut }

// reads returns how many reads have left, and their bytes.
func (g *gate) reads() (n, bytes int64) {
	// Each is loaded before what is raised before it: what is counted as left
	// has been counted as entered, and as silent if it was. So the number is
	// exact while nobody comes or goes, and otherwise behind, never ahead.
	l := g.left.Load()
	e := g.entered.Load()
	silent := g.silent.Load()
	n = int64(e&^shut-inside(e, l)) - silent
	return max(n, 0), g.spilled.Load() + int64(l&leftBytes)
}
