package mmapsrc

import "time"

// freeze makes every slice that is out a private copy, in place, and gives up
// the lease. The keeper calls it, with phase freezing. It reports whether that
// could be done: while memory for a copy is not to be had, the lease is kept,
// the writer waits, and the keeper tries again, until the slices have been given
// back or the kernel's patience (lease-break-time) is over.
func (m *mapping) freeze() bool {
	m.g.copying.Add(1)
	defer m.g.copying.Add(-1)
	if m.broken.IsZero() {
		m.broken = time.Now()
	}
	m.kill()
	if freezes && !m.copyPinned() && !(m.g.dropBallast() && m.copyPinned()) {
		return false
	}
	m.g.breaks.Add(1) // before the writer goes on, who may ask
	m.of.breaks.Add(1)
	if m.copied {
		m.g.frozenBreaks.Add(1)
	}
	m.g.k.unlease(m.fd)
	m.phase.Store(frozen)
	m.g.longest.Store(max(m.g.longest.Load(), int64(time.Since(m.broken)))) // only the keeper stores it
	go m.of.broke(m)
	return true
}

// freezeAgain tries those once more whose freeze has failed, and returns those
// that it has failed again of.
func freezeAgain(late []*mapping) []*mapping {
	left := late[:0]
	for _, m := range late {
		if !m.freeze() {
			left = append(left, m)
		}
	}
	return left
}

// copyPinned copies the extents that there are slices of, into the reserve and
// for the rest into one piece of fresh memory: each system call may cost the
// keeper its processor where others compute, and up to 10 ms until it has one
// again.
func (m *mapping) copyPinned() bool {
	var fresh []byte
	defer func() {
		if len(fresh) > 0 {
			m.g.k.unspare(fresh)
		}
	}()
	for {
		x, left := m.uncopied()
		if x == nil {
			return true
		}
		spare := m.g.ready()
		if spare == nil {
			if len(fresh) == 0 {
				var err error
				if fresh, err = m.g.k.spare(left<<extentShift, false); err != nil {
					return false
				}
			}
			spare, fresh = fresh[:ExtentBytes], fresh[ExtentBytes:]
		}
		if m.g.k.freeze(m.bytes(x), spare) != nil {
			m.g.k.unspare(spare)
			return false
		}
		x.flags.Or(extentMoved)
		m.g.extents.Add(1)
		m.copied = true
	}
}

// uncopied returns an extent that there are slices of and that has not been
// copied, nil if there is none, and how many there are.
func (m *mapping) uncopied() (x *extent, n int) {
	m.filledSlots(func(s *slot, y *extent) {
		if !y.has(extentMoved) && s.pinned() {
			x = y
			n++
		}
	})
	return x, n
}
