package access

import "math/bits"

// Streams follows several sessions that are mixed on one file with nothing to
// tell them apart: reads at offsets. It takes a read for part of the stream that
// it continues best. Reads that continue none are kept for a while as lone ones,
// of which streams are made; they never push a stream out, so that random reads
// beside it do not end it.
//
//	reads      a0  b0  r   a1  b1  r   a2  r   b2
//	streams    ·   ·   ·   a   a,b a,b …            each of two reads and more
//	lone       a0  b0  r   …
//
// It belongs to one goroutine at a time. The zero value has to be given Limits
// by Set.
type Streams struct {
	limits Limits
	list   [maxStreams]stream
	lone   [maxLone]Range // the latest last
	lones  int
	clock  uint64
	last   int    // in list: where the last read that belonged to one is
	strays uint16 // a bit for each of the last reads: it belonged to none
	seen   int
}

type stream struct {
	det  detector
	hint hinter
	used uint64 // when it was read last; 0: never
}

const (
	// maxStreams is what ZFS follows in a file.
	maxStreams = 8
	maxLone    = 8
	// looseReads or more have to be seen before most of them can be Random, of
	// at most as many as strays has bits.
	strayBits = 16
)

// Set gives the limits. Of Depth and windows, which are for sessions of their
// own, only the slack follows.
func (s *Streams) Set(l Limits) {
	s.limits = l
	for i := range s.list {
		s.list[i].limit(l)
	}
}

func (st *stream) limit(l Limits) {
	st.det.limit(l, true)
	st.hint.limit(l, &st.det)
}

// Read says that the n bytes at off were read, and returns what should be
// brought into the page cache for the stream that they belong to.
func (s *Streams) Read(off, n int64, e Event) Hint {
	end, ok := clip(off, n)
	if !ok || s.limits.Declared == Sequential || s.limits.Declared == Random {
		return Hint{}
	}
	s.clock++
	s.seen = more(s.seen)
	s.strays <<= 1
	slack := s.list[0].det.slack(end - off) // every stream's is the same
	i := s.find(off, end, slack)
	if i < 0 {
		i = s.found(off, end, slack, e == Waited)
	}
	if i < 0 {
		s.strays |= 1
		s.keep(Range{off, end - off})
		return Hint{}
	}
	s.last = i
	st := &s.list[i]
	st.used = s.clock
	in := st.det.read(off, end)
	st.hint.read(off, end, st.det.order, st.det.stride, in, e)
	if st.det.order == Strided && st.det.run < armSteps {
		return Hint{} // three lone reads are evenly spaced by chance at times
	}
	return st.hint.next(st.det.run)
}

// find returns the stream whose last read is the nearest of those that the read
// continues, or -1.
func (s *Streams) find(off, end, slack int64) int {
	best, nearest := -1, int64(0)
	for i := range s.list {
		st := &s.list[i]
		if st.used == 0 {
			continue
		}
		gap, ok := st.det.gap(off, end, slack)
		if ok && (best < 0 || gap < nearest) {
			best, nearest = i, gap
		}
	}
	return best
}

// gap returns how far the read is from where it would be expected, and whether
// it can belong to the chain at all.
func (d *detector) gap(off, end, slack int64) (int64, bool) {
	s := d.main.step(off, end, slack)
	switch {
	case d.order == Strided:
		return 0, off-d.main.off == d.stride || s == same
	case s == forward:
		return max(off-d.main.end, d.main.end-off), d.order != Backward
	case s == back:
		ok := d.order != Sequential || d.goesOn(off, end, slack)
		return max(end-d.main.off, d.main.off-end), ok
	case s == same:
		return slack, true
	}
	return 0, false
}

// found makes a stream of a lone read that is near, or of two that are as far
// from each other as the second is from this one, and returns where it is, or -1.
// The two are looked for only if the read had to wait: there are many pairs to
// try, and what is resident needs no hints.
func (s *Streams) found(off, end, slack int64, waited bool) int {
	for j := s.lones - 1; j >= 0; j-- {
		b := s.lone[j]
		c := cursor{off: b.Off, end: b.Off + b.Len}
		if c.step(off, end, slack) != far {
			i := s.place()
			s.list[i].det.read(b.Off, b.Off+b.Len)
			s.drop(j)
			return i
		}
		if !waited {
			continue
		}
		for k := j - 1; k >= 0; k-- {
			a := s.lone[k]
			if off-b.Off == b.Off-a.Off {
				i := s.place()
				s.list[i].det.read(a.Off, a.Off+a.Len)
				s.list[i].det.read(b.Off, b.Off+b.Len)
				s.drop(j)
				s.drop(k)
				return i
			}
		}
	}
	return -1
}

// place returns an empty stream: one that was never used, else the one that was
// not for the longest time, and rather one that has not lasted.
func (s *Streams) place() int {
	best := 0
	for i := range s.list {
		st := &s.list[i]
		if st.used == 0 {
			best = i
			break
		}
		b := &s.list[best]
		if long, bestLong := st.lasted(), b.lasted(); long != bestLong {
			if bestLong {
				best = i
			}
		} else if st.used < b.used {
			best = i
		}
	}
	s.list[best] = stream{}
	s.list[best].limit(s.limits)
	return best
}

func (st *stream) lasted() bool { return st.det.run >= longRun }

// keep adds a lone read, in the place of the oldest if there are too many.
func (s *Streams) keep(r Range) {
	if s.lones == maxLone {
		s.drop(0)
	}
	s.lone[s.lones] = r
	s.lones++
}

func (s *Streams) drop(i int) {
	copy(s.lone[i:s.lones], s.lone[i+1:s.lones])
	s.lones--
}

// Order returns what is declared; else Random if most of the last reads belong
// to no stream; else the order of the stream that was read last.
func (s *Streams) Order() Order {
	if s.limits.Declared != Unknown {
		return s.limits.Declared
	}
	seen := min(s.seen, strayBits)
	if seen >= looseReads && 2*bits.OnesCount16(s.strays) > seen {
		return Random
	}
	return s.list[s.last].det.order
}
