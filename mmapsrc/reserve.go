package mmapsrc

import (
	"sync"
	"sync/atomic"
)

// reserveExtents bounds the memory that is kept ready for copies. Fresh memory
// takes a writer's time: 0.6 ms for an extent on a machine that has it at hand,
// 6 ms in a virtual machine that must get it from its host first. It may also
// not be to be had.
const reserveExtents = 8

// A ballast is mappings that are kept to be thrown away. Moving a copy into the
// middle of a mapping makes up to two mappings more, and takes place for as many;
// when the process has as many as it may (vm.max_map_count), the keeper drops
// the ballast and has room for what may be lent of a file.
const ballastPerSlot, ballastMore = 2, 16

// A reserve is memory that is kept ready for the keeper: as many extents as
// have been open at a time, but no more than reserveExtents, until the keeper
// has nothing to keep any more.
//
// The keeper takes spares without a lock. A goroutine that ends when it has
// done fills and empties it, and nobody waits for that.
type reserve struct {
	spares  [reserveExtents]atomic.Pointer[[]byte]
	ballast atomic.Pointer[[]byte]

	mu   sync.Mutex
	want int  // extents
	look bool // there may be something to fill or to empty
	busy bool // somebody is at it
}

// stock makes the reserve at least n extents; with n of 0, nothing.
func (g *Guard) stock(n int) {
	r := &g.reserve
	r.mu.Lock()
	defer r.mu.Unlock()
	if n = min(n, reserveExtents); n > r.want || n == 0 && r.want > 0 {
		r.want = n
		g.fillLocked()
	}
}

// restock replaces what the keeper has taken.
func (g *Guard) restock() {
	g.reserve.mu.Lock()
	defer g.reserve.mu.Unlock()
	g.fillLocked()
}

func (g *Guard) fillLocked() {
	r := &g.reserve
	r.look = true
	if !r.busy {
		r.busy = true
		go g.fill()
	}
}

func (g *Guard) fill() {
	r := &g.reserve
	for {
		r.mu.Lock()
		want := r.want
		if !r.look {
			r.busy = false
			r.mu.Unlock()
			return
		}
		r.look = false
		r.mu.Unlock()
		for i := range r.spares {
			g.fillOne(&r.spares[i], i < want, func() ([]byte, error) { return g.k.spare(ExtentBytes, true) })
		}
		g.fillOne(&r.ballast, want > 0, func() ([]byte, error) { return g.k.ballast(ballastPerSlot*g.Slots() + ballastMore) })
	}
}

// fillOne fills or empties one place. Where memory is not to be had the keeper
// does without.
func (g *Guard) fillOne(place *atomic.Pointer[[]byte], want bool, make func() ([]byte, error)) {
	p := place.Load()
	switch {
	case want && p == nil:
		if q, err := make(); err == nil {
			place.Store(&q)
		}
	case !want && p != nil && place.CompareAndSwap(p, nil):
		g.k.unspare(*p)
	}
}

// ready takes a spare of the reserve, nil if it is empty.
func (g *Guard) ready() []byte {
	for i := range g.reserve.spares {
		if p := g.reserve.spares[i].Swap(nil); p != nil {
			return *p
		}
	}
	return nil
}

// dropBallast makes room for mappings. It reports whether there was ballast.
func (g *Guard) dropBallast() bool {
	p := g.reserve.ballast.Swap(nil)
	if p != nil {
		g.k.unspare(*p)
	}
	return p != nil
}
