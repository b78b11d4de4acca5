package access

// A step says where a read is, seen from the one before.
type step uint8

const (
	same    step = iota // begins at the same place
	forward             // begins behind it, and not far from its end
	back                // ends not far from where it began
	far
)

// A cursor is the last read of a chain, and how the reads followed each other.
type cursor struct {
	off, end int64
	diff     int64 // of the beginnings of the last two reads

	// Steps in a row. equal counts those that repeat the diff before.
	forward, back, equal int
	set                  bool
}

// begin returns the chain that consists of one read.
func begin(off, end int64) cursor { return cursor{off: off, end: end, set: true} }

// step says where the read is. slack is how far from each other two reads may
// be that belong together.
//
//	            c.off          c.end       slack
//	──────────────┼──────────────┼───────────┤
//	   back: ends │   forward: begins here   │  far
//	   near here  │
func (c *cursor) step(off, end, slack int64) step {
	switch {
	case off == c.off:
		return same
	case off > c.off && off-c.end <= slack:
		return forward
	case off < c.off && end <= c.end && c.off-end <= slack:
		return back
	}
	return far
}

// follow adds the read to the chain.
func (c *cursor) follow(off, end, slack int64) {
	s := c.step(off, end, slack)
	if s == same { // read again: says nothing
		c.end = max(c.end, end)
		return
	}
	if d := off - c.off; d == c.diff {
		c.equal = more(c.equal)
	} else {
		c.diff, c.equal = d, 0
	}
	switch s {
	case forward:
		c.forward, c.back = more(c.forward), 0
		end = max(end, c.end) // it may lie within the one before
	case back:
		c.forward, c.back = 0, more(c.back)
	default:
		c.forward, c.back = 0, 0
	}
	c.off, c.end = off, end
}
