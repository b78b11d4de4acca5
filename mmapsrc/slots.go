package mmapsrc

// The slots of a mapping hold the extents that are open, and so all that can be
// pinned. Two sides use them.
//
//	who opens an extent                  the keeper, when a writer comes
//	───────────────────                  ───────────────────────────────
//	1  put it into a slot                1  set over
//	2  look at over: stop if it is set   2  look at every slot: set dead,
//	3  clear closed                         copy what is pinned
//	4  pin, which fails if it is dead    3  give up the lease
//
// Both store first and look afterwards (all of it sequentially consistent, as
// Go's atomics are), so that at least one sees the other: an extent that the
// keeper misses in its slot is never opened, and one that it sees is dead
// before it is pinned, or is copied. The keeper takes no lock for it: slotMu
// orders only those who open and close extents among each other.

// open gives x a slot and clears closed. The caller holds x.mu, and x is
// locked.
func (m *mapping) open(x *extent) error {
	if !x.locked {
		panic("mmapsrc: an extent that is not locked is to be lent")
	}
	m.slotMu.Lock()
	defer m.slotMu.Unlock()
	s := x.slot.Load()
	if s == nil {
		if s = m.freeSlotLocked(); s == nil {
			return errPinned
		}
		s.clear(flagPassed)
		n, _ := s.counts()
		x.hits = uint64(n) - x.hits
		s.x.Store(x)
		x.slot.Store(s)
		if m.kind == leased {
			m.g.stock(m.taken)
		}
	}
	if m.over.Load() {
		return errOver
	}
	s.clear(flagClosed)
	return nil
}

// freeSlotLocked returns an empty slot: one that there is, or a new one, or one
// whose extent nobody has a slice of, and nil if there is none of these. That
// extent stays locked, and can be opened again without a system call.
func (m *mapping) freeSlotLocked() *slot {
	made := 0
	for ; made < len(m.slots); made++ { // they are made in order
		s := m.slots[made].Load()
		if s == nil {
			break
		}
		if s.x.Load() == nil {
			m.taken++
			return s
		}
	}
	if made < len(m.slots) {
		s := new(slot)
		s.set(flagClosed)
		m.slots[made].Store(s)
		m.taken++
		return s
	}
	for range m.slots {
		m.hand = (m.hand + 1) % len(m.slots)
		s := m.slots[m.hand].Load()
		if s.close() {
			s.x.Load().leaveSlot(s)
			return s
		}
	}
	return nil
}

// shut closes x, takes its slot and reports whether that could be: not while
// there are slices of it.
func (m *mapping) shut(x *extent) bool {
	m.slotMu.Lock()
	defer m.slotMu.Unlock()
	if m.over.Load() {
		return false // what it has is given up by thaw, and in the end
	}
	s := x.slot.Load()
	if s == nil {
		return true // never opened, or closed for another
	}
	if !s.close() {
		return false
	}
	x.leaveSlot(s)
	s.x.Store(nil)
	m.taken--
	return true
}

// leaveSlot takes x, of which there are no slices, out of s.
func (x *extent) leaveSlot(s *slot) {
	n, _ := s.counts()
	x.hits = uint64(n) - x.hits
	x.slot.Store(nil)
}

// used returns how many slices of x have been lent, and whether there are any
// now.
func (m *mapping) used(x *extent) (hits uint64, pinned bool) {
	m.slotMu.Lock()
	defer m.slotMu.Unlock()
	s := x.slot.Load()
	if s == nil {
		return x.hits, false
	}
	n, _ := s.counts()
	return uint64(n) - x.hits, s.pinned()
}

// kill ends the lending of every extent.
func (m *mapping) kill() {
	m.over.Store(true)
	m.filledSlots(func(s *slot, _ *extent) { s.set(flagDead) })
}

// pinnedExtents returns how many extents there are slices of.
func (m *mapping) pinnedExtents() (n int) {
	m.filledSlots(func(s *slot, _ *extent) {
		if s.pinned() {
			n++
		}
	})
	return n
}

// filledSlots calls f with every slot that holds an extent.
func (m *mapping) filledSlots(f func(*slot, *extent)) {
	for i := range m.slots {
		if s := m.slots[i].Load(); s != nil {
			if x := s.x.Load(); x != nil {
				f(s, x)
			}
		}
	}
}
