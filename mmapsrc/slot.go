package mmapsrc

import "sync/atomic"

// A slot is a place for an extent that is open: it counts who has slices of it.
//
// How an extent is lent. Who wants a slice raises entered in one of the slot's
// shards and looks at the flags that the same instruction returned: with neither
// closed nor dead he has a pin, and while anybody has one the slot stays the
// extent's; raising left of the same shard gives it back, and also what he has not
// got. The difference of a shard's counts is its number of pins, and
// a few failing ones.
//
// How it is taken back. Whoever wants the slot for himself sets closed or dead
// in every shard, and then looks at the differences. After the flag no new pin
// can be got in a shard, so zero stays zero. closed is undone when there are
// pins; dead is for ever.
//
// A hand-out and its return are two locked instructions, in cache lines that
// goroutines on different processors mostly do not share.
type slot struct {
	x      atomic.Pointer[extent] // what is open here; it changes only while the slot is closed and nobody has a pin
	_      [120]byte              // a cache line, and the one that is fetched with it
	shards [1 << shardBits]shard
}

const shardBits = 4

// A shard counts the pins of some goroutines.
type shard struct {
	entered atomic.Uint64 // flags, pins ever tried
	left    atomic.Uint64 // pins given back, or not got (24 bits), bytes they were of (40 bits)
	spilled atomic.Int64  // bytes moved out of left before they reach its count
	own     loan          // of whoever has the only pin; see pin
	_       [64]byte
}

const (
	flagClosed = 1 << 63 // not to be lent now: empty, or being taken back
	flagDead   = 1 << 62 // not to be lent ever again: the mapping is over
	flagPassed = 1 << 61 // to be given up when nobody has a slice: a reader that does not come back is behind it
	countMask  = flagPassed - 1

	oneLeft    = 1 << 40
	leftBytes  = oneLeft - 1
	spillBytes = oneLeft / 2
	pinMask    = 1<<24 - 1
	mostPins   = 1 << 23 // in a shard: further slices are not lent, or the counts would look equal
)

// pin gets a pin, if the slot is open; what it has not got has to be given back
// likewise. It is alone if nobody else has one in the shard: then own is free for its
// holder, until the pin is given back. left is looked at first: everybody who entered
// before this pin had left by then, and whoever comes later finds it. Looked at
// afterwards, it may count one who came later and has left, instead of one who is
// still there.
func (c *shard) pin() (ok, alone bool) {
	l := c.left.Load()
	e := c.entered.Add(1)
	pins := (e - l>>40) & pinMask
	ok = e&(flagClosed|flagDead) == 0 && pins <= mostPins
	return ok, ok && pins == 1
}

// unpin gives back the pin of a slice of n bytes, n < spillBytes. It reports
// whether the flags ask for more than that.
func (c *shard) unpin(n int) (flagged bool) {
	l := c.left.Add(oneLeft + uint64(n))
	if l&leftBytes >= spillBytes && c.left.CompareAndSwap(l, l-spillBytes) {
		c.spilled.Add(spillBytes)
	}
	return c.entered.Load()&(flagDead|flagPassed) != 0
}

// pinned reports whether somebody has a slice. Without one of the flags closed
// and dead the answer may be old; with one, false is for ever.
func (s *slot) pinned() bool {
	for i := range s.shards {
		c := &s.shards[i]
		l := c.left.Load() // first: what leaves in between makes the difference too large, never too small
		if (c.entered.Load()-l>>40)&pinMask != 0 {
			return true
		}
	}
	return false
}

// close takes the slot back if nobody has a slice.
func (s *slot) close() bool {
	s.set(flagClosed)
	if s.pinned() {
		s.clear(flagClosed)
		return false
	}
	return true
}

func (s *slot) set(flags uint64) {
	for i := range s.shards {
		s.shards[i].entered.Or(flags)
	}
}

func (s *slot) clear(flags uint64) {
	for i := range s.shards {
		s.shards[i].entered.And(^flags)
	}
}

// has reports whether a flag is set.
func (s *slot) has(flag uint64) bool { return s.shards[0].entered.Load()&flag != 0 }

// counts returns how many pins were ever tried, and the bytes of those that
// were given back.
func (s *slot) counts() (n, bytes int64) {
	for i := range s.shards {
		c := &s.shards[i]
		n += int64(c.entered.Load() & countMask)
		bytes += c.spilled.Load() + int64(c.left.Load()&leftBytes)
	}
	return n, bytes
}
