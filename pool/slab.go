package pool

import (
	"fmt"
	"log/slog"
	"math/bits"
)

// A slab is a mapping cut into equal slots. A slot is raw while it is not
// committed; a slab of raw slots only is unmapped. Guarded by Pool.mu, except
// what is constant.
type slab struct {
	pool   *Pool    // constant
	class  int      // constant; largeClass for a mapping of one request
	slots  []Buffer // constant, but for what a Buffer says of itself
	region region

	all     uint64 // a bit for every slot; constant
	raw     uint64 // slots that are not committed
	leaving uint64 // slots that giveBackLocked is about to make raw

	next, prev *slab // in Pool.partial[class] while some slots are raw
}

// freesOf returns how often slots of the slab were freed.
func (sl *slab) freesOf() uint64 {
	var n uint64
	for i := range sl.slots {
		n += sl.slots[i].frees.Load()
	}
	return n
}

// mapSlabLocked maps count slots of slotBytes each, all of them raw.
func (p *Pool) mapSlabLocked(class, slotBytes, count int) (*slab, error) {
	r, err := p.mapMemory(slotBytes*count, slotBytes >= hugeBytes)
	if err != nil {
		return nil, fmt.Errorf("mapping memory: %w", err)
	}
	sl := &slab{pool: p, class: class, slots: make([]Buffer, count), region: r}
	sl.all = ^uint64(0) >> (64 - count)
	sl.raw = sl.all
	for i := range sl.slots {
		b := &sl.slots[i]
		b.turn = neverHeld
		b.index = uint8(i)
		b.class = int8(class)
		b.special = class == largeClass
		b.slab = sl
		b.mem = r.mem[i*slotBytes : (i+1)*slotBytes : (i+1)*slotBytes]
	}
	p.mapped += r.mappedBytes()
	p.slabs[sl] = struct{}{}
	p.partial[class].push(sl)
	return sl, nil
}

// commitLocked takes a raw slot into the account, mapping a slab if there is
// none. Whether the account allows it is the caller's affair.
func (p *Pool) commitLocked(class int, size int64) (*Buffer, error) {
	sl, count := p.partial[class].first, 1
	if class == largeClass {
		sl = nil // one that could not be unmapped has another size
	} else {
		count = slotsPerSlab(class)
	}
	if sl == nil {
		var err error
		if sl, err = p.mapSlabLocked(class, int(size), count); err != nil {
			return nil, err
		}
	}
	i := bits.TrailingZeros64(sl.raw)
	sl.raw &^= 1 << i
	if sl.raw == 0 {
		p.partial[class].remove(sl)
	}
	p.committed += size
	p.armLocked()
	return &sl.slots[i], nil
}

// uncommitLocked takes a slot out of the account. Its pages go back at the
// next giveBackLocked, which every caller calls before it unlocks: so that
// neighbours go in one system call, and a whole slab by unmapping.
func (p *Pool) uncommitLocked(b *Buffer) {
	sl := b.slab
	if sl.leaving == 0 {
		p.leaving = append(p.leaving, sl)
	}
	sl.leaving |= 1 << b.index
	b.n = 0 // its poison goes with its pages
	p.committed -= int64(len(b.mem))
}

// giveBackLocked returns the pages of the slots that were uncommitted.
//
// The system calls are made under the lock, so that the account is never ahead
// of the truth; hand-outs from the shards do not notice.
func (p *Pool) giveBackLocked() {
	for i, sl := range p.leaving {
		p.leaving[i] = nil
		leaving := sl.leaving
		sl.leaving = 0
		if sl.raw == 0 {
			p.partial[sl.class].push(sl)
		}
		sl.raw |= leaving
		p.returned += uint64(bits.OnesCount64(leaving)) * uint64(len(sl.slots[0].mem))
		if sl.raw == sl.all && p.unmapLocked(sl) {
			continue
		}
		p.discardLocked(sl, leaving)
	}
	p.leaving = p.leaving[:0]
}

// unmapLocked unmaps a slab of raw slots.
func (p *Pool) unmapLocked(sl *slab) bool {
	n := sl.region.mappedBytes()
	if err := sl.region.unmap(); err != nil {
		p.refusedLocked("unmap", err)
		return false // it stays, raw, and serves again
	}
	p.mapped -= n
	p.frees += sl.freesOf()
	p.partial[sl.class].remove(sl)
	delete(p.slabs, sl)
	return true
}

// unmapRawLocked unmaps the slabs that the system refused to unmap before.
func (p *Pool) unmapRawLocked() {
	for sl := range p.slabs {
		if sl.raw == sl.all {
			p.unmapLocked(sl)
		}
	}
}

// discardLocked gives the pages of some slots back, neighbours together.
func (p *Pool) discardLocked(sl *slab, leaving uint64) {
	size := len(sl.slots[0].mem)
	for leaving != 0 {
		lo := bits.TrailingZeros64(leaving)
		hi := lo + bits.TrailingZeros64(^(leaving >> lo))
		if err := sl.region.discard(sl.region.mem[lo*size : hi*size]); err != nil {
			p.refusedLocked("discard", err)
		}
		if hi >= 64 {
			return
		}
		leaving &= ^uint64(0) << hi
	}
}

// refusedLocked logs the first refusal of the system to take memory back.
func (p *Pool) refusedLocked(op string, err error) {
	if p.logger == nil || p.refused {
		return
	}
	p.refused = true
	p.logger.Warn("pool: the system does not take memory back", slog.String("op", op), slog.Any("err", err))
}

// A slabList is the slabs of a class that have raw slots.
type slabList struct{ first *slab }

func (l *slabList) push(sl *slab) {
	sl.next, sl.prev = l.first, nil
	if l.first != nil {
		l.first.prev = sl
	}
	l.first = sl
}

func (l *slabList) remove(sl *slab) {
	if sl.prev != nil {
		sl.prev.next = sl.next
	} else {
		l.first = sl.next
	}
	if sl.next != nil {
		sl.next.prev = sl.prev
	}
	sl.next, sl.prev = nil, nil
}
