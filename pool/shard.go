package pool

import (
	"sync"
	"sync/atomic"

	"github.com/oriel-go/oriel/internal/spread"
)

// Shards keep Get and Free of different goroutines apart. In the steady state
// a goroutine finds its slots in one shard and writes nothing that another
// goroutine writes; there is no counter that all of them keep. The price is
// that nobody knows how much is idle without asking every shard, and that a
// shard may hold what another goroutine misses: so shards are small, a miss
// looks into all of them before memory is taken from the system, and while
// memory is short they stay empty (Pool.attention).
//
//	Get ◄── cell ◄── Free       the slot freed last: one atomic swap each
//	         ▲ │
//	         │ ▼ what was in the cell
//	        magazine            up to 16 slots, the shard's lock
//	         ▲ │
//	         │ ▼ half of them
//	        central list        the central lock

// magazineSlots is how many idle slots of one class a shard's magazine holds.
const magazineSlots = 16

// A magazine is idle slots of one class in one shard, last in first out.
type magazine struct {
	n     int // slots[:n] are idle
	low   int // the smallest n since the last tick: slots[:low] were not used since
	slots [magazineSlots]*Buffer
}

// A shard is some idle slots. Lock order: Pool.mu, then shards in the order of
// their indices.
type shard struct {
	cells [numClasses]atomic.Pointer[Buffer] // the slot of a class freed last, or nil

	mu         sync.Mutex // guards what follows
	idleBytes  int64      // in all magazines
	limitBytes int64      // of idleBytes
	mags       [numClasses]magazine

	_ [128]byte // keeps the next shard off our last cache line and its neighbour
}

// shard returns the shard of the calling goroutine.
func (p *Pool) shard() *shard {
	return &p.shards[spread.Of(p.shardBits)]
}

// take returns an idle slot of class c, nil if there is none. The caller writes
// this out where it counts: the cell first, then fromMagazine.
func (sh *shard) take(c int) *Buffer {
	if sh.cells[c].Load() != nil {
		if b := sh.cells[c].Swap(nil); b != nil {
			return b
		}
	}
	return sh.fromMagazine(c)
}

// fromMagazine returns an idle slot of class c that is not in the cell, nil if
// there is none.
func (sh *shard) fromMagazine(c int) *Buffer {
	sh.mu.Lock()
	b := sh.pop(c)
	sh.mu.Unlock()
	return b
}

// put takes a free slot, for which there was no place in the cell, or sends it
// on to the central lock.
func (p *Pool) put(sh *shard, b *Buffer) {
	sh.mu.Lock()
	// Whoever sets attention locks every shard afterwards.
	kept := p.attention.Load() == 0 && sh.push(b)
	sh.mu.Unlock()
	if !kept {
		p.freeSlow(b, nil)
	}
}

// emptyCell takes back what a Free put into a cell while attention was set.
func (p *Pool) emptyCell(sh *shard, c int8) {
	if b := sh.cells[c].Swap(nil); b != nil {
		p.freeSlow(b, nil)
	}
}

// pop takes a slot from the magazine of class c, nil if there is none. mu is
// held.
func (sh *shard) pop(c int) *Buffer {
	m := &sh.mags[c]
	if m.n == 0 {
		return nil
	}
	m.n--
	if m.n < m.low {
		m.low = m.n
	}
	sh.idleBytes -= int64(classBytes(c))
	return m.slots[m.n&(magazineSlots-1)]
}

// push puts b on top of its magazine, unless the shard has enough. mu is held.
func (sh *shard) push(b *Buffer) bool {
	m := &sh.mags[b.class]
	idleBytes := sh.idleBytes + int64(len(b.mem))
	if m.n >= magazineSlots || idleBytes > sh.limitBytes {
		return false
	}
	m.slots[m.n&(magazineSlots-1)] = b
	m.n++
	sh.idleBytes = idleBytes
	return true
}

// spill moves the oldest slots of the magazine of class c to the central list
// until at most keep are left. Pool.mu and sh.mu are held.
func (sh *shard) spill(c, keep int, to *idleList) {
	m := &sh.mags[c]
	move := m.n - keep
	if move <= 0 {
		return
	}
	for i, b := range m.slots[:move] {
		// What nobody used goes to the cold end, still as such.
		if i < m.low {
			to.pushCold(b)
		} else {
			to.pushHot(b)
		}
	}
	copy(m.slots[:], m.slots[move:m.n])
	clear(m.slots[keep:m.n])
	m.n = keep
	m.low = max(0, m.low-move)
	sh.idleBytes -= int64(move) * int64(classBytes(c))
}

// idle returns how many slots are idle in the shard and their bytes. mu is
// held; what is in the cells may change meanwhile.
func (sh *shard) idle() (n int, size int64) {
	size = sh.idleBytes
	for c := range sh.cells {
		n += sh.mags[c].n
		if sh.cells[c].Load() != nil {
			n++
			size += int64(classBytes(c))
		}
	}
	return n, size
}

// limitShardsLocked gives every shard its part of the idle memory. A quarter of
// HighBytes is for the magazines of all shards. Twice that is for the cells: a
// slot in a cell is at most as large as the shard's part for magazines, and
// those of its class and all smaller ones are less than twice as much. The last
// quarter is for the central lists.
func (p *Pool) limitShardsLocked() {
	part := p.high / 4 / int64(len(p.shards))
	cellClass := int32(-1)
	for c := range numClasses {
		if int64(classBytes(c)) <= part {
			cellClass = int32(c)
		}
	}
	p.cellClass.Store(cellClass)
	for i := range p.shards {
		sh := &p.shards[i]
		sh.mu.Lock()
		sh.limitBytes = part
		sh.mu.Unlock()
	}
}

// gatherLocked moves all idle slots from the shards to the central lists.
func (p *Pool) gatherLocked() {
	for i := range p.shards {
		sh := &p.shards[i]
		sh.mu.Lock()
		if sh.idleBytes > 0 {
			for c := range sh.mags {
				sh.spill(c, 0, &p.idle[c])
			}
		}
		for c := range sh.cells {
			if cell := &sh.cells[c]; cell.Load() != nil {
				if b := cell.Swap(nil); b != nil {
					p.idle[c].pushHot(b)
				}
			}
		}
		sh.mu.Unlock()
	}
}

// stealLocked takes a slot of class c from any shard, nil if there is none.
func (p *Pool) stealLocked(c int) *Buffer {
	for i := range p.shards {
		if b := p.shards[i].take(c); b != nil {
			return b
		}
	}
	return nil
}

// refillLocked moves some idle slots of class c to the caller's shard, so that
// its next few hand-outs need no central lock.
func (p *Pool) refillLocked(c int) {
	if p.attention.Load() != 0 || p.idle[c].n == 0 {
		return
	}
	sh := p.shard()
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for range magazineSlots / 2 {
		b := p.idle[c].popHot()
		if b == nil {
			return
		}
		if !sh.push(b) {
			p.idle[c].pushHot(b)
			return
		}
	}
}

// makeWayLocked moves half of the caller's magazine of a class to the central
// list, if it is full, so that the next few frees need no central lock.
func (p *Pool) makeWayLocked(c int) {
	sh := p.shard()
	sh.mu.Lock()
	if sh.mags[c].n == magazineSlots {
		sh.spill(c, magazineSlots/2, &p.idle[c])
	}
	sh.mu.Unlock()
}
