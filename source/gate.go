package source

import (
	"math"
	"sync/atomic"
)

// A gate counts those who use something that may be closed at any time, so
// that it is really closed by the last of them: a descriptor whose number was
// given to another file while a read was under way would return that file's
// bytes.
type gate struct {
	n    atomic.Int64 // users; plus shut after close
	done atomic.Bool  // the last has left after close
}

const shut = math.MinInt64 / 2

// enter reports whether the thing is open. leave must follow either way.
func (g *gate) enter() bool { return g.n.Add(1) > 0 }

// leave undoes enter. last reports whether the caller is to do the closing.
func (g *gate) leave() (last bool) {
	return g.n.Add(-1) == shut && g.done.CompareAndSwap(false, true)
}

// close shuts the gate. first is false if it was shut before; last reports
// whether nobody is inside, so that the caller is to do the closing.
func (g *gate) close() (first, last bool) {
	for {
		n := g.n.Load()
		if n < 0 {
			return false, false
		}
		if g.n.CompareAndSwap(n, n+shut) {
			return true, n == 0 && g.done.CompareAndSwap(false, true)
		}
	}
}

// open reports whether the gate is open now.
func (g *gate) open() bool { return g.n.Load() >= 0 }
