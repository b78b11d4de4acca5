package mmapsrc

import (
	"errors"
	"fmt"

	"github.com/oriel-go/oriel/internal/spread"
	"github.com/oriel-go/oriel/window"
)

// What loading is worth. Copying 4 KiB of the page cache takes about 0.6 µs
// more than lending it, populating and locking an extent of it 20 to 60 µs in
// large folios, and 300 µs in small ones: after 64 reads it has cost at most
// several times what it saves, and pays from there on.
const (
	missesBeforeLoad = 64
	runExtents       = 4 // of a reader from front to back at a time, if the budget allows
)

// Worth reports whether a range that Lend could not lend should be loaded:
// whether there may be memory to lock for it, and the use is worth it. It
// counts the miss and takes a few nanoseconds, but for the times when the file is
// mapped again after a writer has gone, which takes microseconds.
func (s *File) Worth(off int64, n int, u Use) bool {
	m, err := s.mapping()
	if err != nil || !m.within(off, n) {
		return false
	}
	x := m.makeExtent(off >> extentShift)
	misses := x.misses.Add(1)
	if misses%missesBeforeLoad == 1 {
		x.since.Store(int64(s.g.now()))
	}
	again := misses%missesBeforeLoad == 0 // what has failed is tried now and then, not with every read
	switch {
	case again:
		return true
	case misses > 1:
		return false
	case x.has(extentLocked): // it only needs a slot
		return true
	case s.g.account.Free() >= ExtentBytes:
		return u != Seldom || n >= ExtentBytes
	}
	// The budget is spent. What is locked already is looked at once for every
	// extent that is read through, or as often as another has been worth it:
	// never for every read, which would have extents throw each other out.
	return u == Once
}

// Cached reports whether the page cache holds the extents of a range, as far as
// that is known. They may still be being read, so that Load waits all the same.
func (s *File) Cached(off int64, n int) (yes, known bool) {
	m := s.cur.Load()
	if !m.within(off, n) {
		return false, false
	}
	first, last := off>>extentShift, (off+int64(n)-1)>>extentShift
	for i := first; i <= last; i++ {
		if x := m.extent(i); x == nil || !x.has(extentLocked) {
			return s.g.k.cached(s.f, i<<extentShift, min((last+1)<<extentShift, m.size)-i<<extentShift)
		}
	}
	return true, true
}

// Load is Lend after populating and locking the extents that need it. It waits
// for the device, in a system call, as long as the device takes. An error means
// that the range is to be copied; it is not one of the read. The window is not
// counted in Stats.
func (s *File) Load(mem window.Memory, off int64, n int, u Use) (w window.Window, err error) {
	m, err := s.mapping()
	if err != nil {
		return w, err
	}
	if s.g.copying.Load() != 0 {
		return w, errOver // of another file, perhaps; a copy needs no lock that its writer waits for
	}
	m.loads.Add(1)
	defer m.loaded()
	if m.over.Load() { // after the count, or isEnd might not have seen it
		return w, errOver
	}
	if !m.within(off, n) {
		return w, errOutside
	}
	first, last := off>>extentShift, (off+int64(n)-1)>>extentShift
	if last-first >= int64(len(m.slots)) {
		return w, errPinned
	}
	l, err := m.load(first, last, u)
	if err != nil {
		return w, err
	}
	l.note(off+int64(n), u)
	return l.Window(l, mem, m.data[off:off+int64(n):off+int64(n)], off), nil
}

// load loads and pins the extents from first to last, and with Once loads those
// ahead that belong to the same run and are cached.
func (m *mapping) load(first, last int64, u Use) (l *loan, err error) {
	end := last
	if u == Once {
		end = m.ahead(last)
	}
	// In ascending order, so that two who want each other's do not wait for
	// ever; those ahead only if nobody has them.
	for i := first; i <= last; i++ {
		m.makeExtent(i).mu.Lock()
	}
	for i := last + 1; i <= end; i++ {
		if !m.makeExtent(i).mu.TryLock() {
			end = i - 1
		}
	}
	defer func() {
		for i := first; i <= end; i++ {
			m.extent(i).mu.Unlock()
		}
	}()
	if m.over.Load() {
		// Once more: thaw may have been here, and an extent that is not locked
		// may be a copy that is lent.
		return nil, errOver
	}
	if err = m.lockAll(first, last, end, u); err != nil {
		return nil, err
	}
	for i := first; i <= last; i++ {
		x := m.extent(i)
		if l, err = m.openAndPin(l, x); err != nil {
			if l != nil {
				l.Free() // what asks for x.mu then goes without: it is ours
			}
			return nil, err
		}
		x.misses.Store(0)
	}
	return l, nil
}

// ahead returns the last extent that is to be loaded together with one: the end
// of its run, if the page cache has that. Otherwise the device begins to read it,
// and nobody waits for that.
func (m *mapping) ahead(last int64) int64 {
	end := min(last|(m.g.run()-1), (m.size-1)>>extentShift)
	if end == last {
		return last
	}
	lo, n := (last+1)<<extentShift, min((end+1)<<extentShift, m.size)-(last+1)<<extentShift
	if yes, _ := m.g.k.cached(m.file, lo, n); yes {
		return end
	}
	m.g.k.need(m.file, lo, n)
	return last
}

// openAndPin opens x, unless it is open, and pins it: for l, or for a new loan if
// that is nil. Another who needs its slot may be faster than the pin, but hardly
// every time.
func (m *mapping) openAndPin(l *loan, x *extent) (*loan, error) {
	for range 8 {
		if err := m.open(x); err != nil {
			return l, err
		}
		if l == nil {
			if l = m.pin(x, spread.Of(shardBits), false); l != nil {
				return l, nil
			}
		} else if l.pinNext(x) {
			return l, nil
		}
	}
	if m.over.Load() {
		return l, errOver
	}
	return l, errPinned
}

// lockAll locks and populates what is not locked yet of the extents from first
// to end, whose mutexes the caller holds; those behind last as far as that is
// to be had.
func (m *mapping) lockAll(first, last, end int64, u Use) error {
	for i := first; i <= end; {
		x := m.extent(i)
		switch {
		case x.locked:
			i++
			continue
		case i > last && (x.bad || !m.g.account.Take(ExtentBytes)):
			return nil // it was only ahead
		case i <= last && x.bad:
			return errBad
		case i <= last && !m.g.take(x, u):
			return errBudget
		}
		stop := i + 1 // a run is populated and locked by one call each
		for stop <= end && !m.extent(stop).locked && !m.extent(stop).bad && m.g.account.Take(ExtentBytes) {
			stop++
		}
		done, err := m.lockRun(i, stop, u)
		if err != nil {
			if i > last {
				return nil
			}
			return err
		}
		i = done
	}
	return nil
}

// lockRun locks and populates the extents [first, stop), which have been taken
// from the account: in this order, because what is populated and not locked can
// be gone again before it is. If not all of them can be had it tries the first
// alone. It returns where those end that it has locked.
func (m *mapping) lockRun(first, stop int64, u Use) (done int64, err error) {
	p := m.memory(first, stop)
	if m.fills && !m.g.k.dense(m.file, first<<extentShift, int64(len(p))) {
		err = fmt.Errorf("%w: reading its holes would take memory", errBad)
	} else if err = m.g.k.lock(p); err != nil {
		err = fmt.Errorf("%w: %w", errBudget, err)
		m.g.lockRefused.Add(1)
	} else if err = m.populate(p); err == nil {
		m.locked(first, stop, u)
		return stop, nil
	}
	m.giveBack(first, stop)
	if stop > first+1 && m.g.account.Take(ExtentBytes) {
		return m.lockRun(first, first+1, u) // one of several is the matter: the first counts
	}
	if errors.Is(err, errBad) {
		m.extent(first).bad = !m.over.Load() // not if a writer has truncated it meanwhile
	}
	return first, err
}

// populate populates p, an extent at a time, so that a writer's keeper, which
// needs mmap_lock as well, does not wait for all of it.
func (m *mapping) populate(p []byte) error {
	for len(p) > 0 {
		n := min(len(p), ExtentBytes)
		if err := m.g.k.populate(p[:n]); err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

// giveBack undoes what has been done to extents that are not locked, and so not
// lent: an extent that is lent may be a copy by now, and dropping it would zero it.
func (m *mapping) giveBack(first, stop int64) {
	p := m.memory(first, stop)
	if m.g.k.unlock(p) == nil {
		m.g.k.drop(p)
	}
	m.g.account.Give((stop - first) << extentShift)
}

// locked notes that the extents [first, stop) are populated and locked.
func (m *mapping) locked(first, stop int64, u Use) {
	for i := first; i < stop; i++ {
		x := m.extent(i)
		x.locked = true
		if x.index != uint32(i) { // only the first time: others read it without the mutex from then on
			x.index = uint32(i)
		}
		x.flags.And(^uint32(extentOnce))
		x.flags.Or(extentLocked)
		if u == Once {
			x.flags.Or(extentOnce)
		}
		m.g.hold(m, x)
	}
}

// dropPassed gives up the run of an extent that a reader has passed, if it has
// passed all that is loaded of it and nobody has a slice: in as few system calls
// as loading it took. What is left, because a reader ended or went elsewhere, is
// the first that others throw out.
func (m *mapping) dropPassed(x *extent) {
	run := m.g.run()
	first := int64(x.index) &^ (run - 1)
	stop := min(first+run, (m.size+ExtentBytes-1)>>extentShift)
	for i := first; i < stop; i++ {
		if y := m.extent(i); y != nil && y.has(extentOnce) && y.has(extentLocked) && !y.isPassed() {
			return
		}
	}
	begin := first // of those that have been shut and not yet unlocked
	for i := first; i < stop; i++ {
		y := m.extent(i)
		if y != nil && y.mu.TryLock() {
			if y.locked && y.isPassed() && m.shut(y) {
				continue // its mutex is held until it is unlocked
			}
			y.mu.Unlock()
		}
		m.unlockShut(begin, i)
		begin = i + 1
	}
	m.unlockShut(begin, stop)
}

// Leave says that a reader from front to back, which has come to off and asked for
// nothing from end on, ends or goes elsewhere. What was loaded for it with Once and it
// has not passed is given up, or is when nobody has a slice of it: else the budget
// would be spent on it until it has lain idle for long enough, and all that is read
// meanwhile would be copied. After Close it does nothing.
func (s *File) Leave(off, end int64) {
	m := s.cur.Load()
	if off < 0 || off >= m.size {
		return
	}
	run := m.g.run()
	first := off >> extentShift &^ (run - 1)
	last := min((max(end, off+1)-1)>>extentShift|(run-1), (m.size-1)>>extentShift)
	for i := first; i <= last; i++ {
		x := m.extent(i)
		if x == nil || !x.has(extentOnce) || !x.mu.TryLock() {
			continue // or whoever has it loads it for himself
		}
		if v := (heldExtent{m, x}); !v.giveUp() {
			m.passBy(x)
		}
	}
}

// passBy marks an extent that somebody has a slice of as passed.
func (m *mapping) passBy(x *extent) {
	m.slotMu.Lock()
	s := x.slot.Load()
	if s != nil {
		s.set(flagPassed) // it is x's as long as slotMu is held
	}
	m.slotMu.Unlock()
	if s != nil && !s.pinned() { // not any more, and who gave the slice back may not have seen the mark
		m.dropPassed(x)
	}
}

// isPassed reports whether a reader has passed x and nobody has a slice of it.
func (x *extent) isPassed() bool {
	s := x.slot.Load()
	return s != nil && s.has(flagPassed) && !s.pinned()
}

// unlockShut gives up the extents [first, stop), which are locked and shut and
// whose mutexes the caller holds, and releases those. Where the system cannot
// unlock them, for want of a mapping, they stay locked.
func (m *mapping) unlockShut(first, stop int64) {
	if first >= stop {
		return
	}
	p := m.memory(first, stop)
	unlocked := m.g.k.unlock(p) == nil
	if unlocked {
		m.g.k.drop(p)
	}
	for i := first; i < stop; i++ {
		x := m.extent(i)
		if unlocked {
			x.misses.Store(0)
			m.g.forget(x)
		}
		x.mu.Unlock()
	}
}
