package access

// A detector finds the order of one chain of reads.
//
//	         2 forward             3 forward
//	Unknown ───────────▶ Sequential ◀─────────┐
//	  │ │    2 back                3 back     │
//	  │ ├──────────────▶ Backward ◀───────────┤
//	  │ │    2 equal diffs         3 equal    │
//	  │ └──────────────▶ Strided ◀────────────┤
//	  │      8 of none                        │
//	  └──────────────────────────────────▶ Random
//
// An order that has lasted is not given up for one read: the read is set aside,
// and the next one decides. If that goes on where the order was, nothing has
// happened; if it goes on where the stray read was, the session has moved and
// reads there in the same order.
//
//	main  ▄▄▄▄▄▄▄▄▄▄▄        ▄▄▄▄    an index was looked up
//	alt                 ▄
//
//	main  ▄▄▄▄▄▄▄▄▄▄▄
//	alt                 ▄▄▄▄▄▄▄▄     a seek
type detector struct {
	slackBytes int64 // two windows
	tight      bool  // reads of several sessions are mixed: less slack
	declared   Order // the only one to be looked for

	main   cursor
	alt    cursor // begins with the read that was set aside
	order  Order
	stride int64

	run   int // steps in the order, without a break
	loose int // reads in a row that were in none
	late  int // reads in a row just behind the furthest
}

const (
	// armSteps make an order, as in RocksDB and Pebble, which both read ahead
	// at the third read. rearmSteps make one of Random: by chance, two steps of
	// a kind are common among random reads of a small file.
	armSteps   = 2
	rearmSteps = 3

	// looseReads in none of the orders are Random.
	looseReads = 8

	// longRun is the number of steps after which one stray read is forgiven.
	longRun = 8

	// lateReads may lie behind the furthest one: parallel clients (a file
	// server's threads) hand in sequential reads slightly out of order.
	lateReads = 2

	// minSlackBytes is what reads may be apart in any case: less than what a
	// device delivers in the time that one more request takes.
	minSlackBytes = 128 << 10
	slackWindows  = 2
	// Small reads need less: slackLengths times their length, or tightLengths
	// where another session's reads may be near.
	slackLengths = 16
	tightLengths = 4

	// sparse is how many lengths a constant step back has to be for fetching
	// only what will be read to be better than fetching all of it.
	sparse = 2
)

// limit sets what is looked for.
func (d *detector) limit(l Limits, tight bool) {
	d.slackBytes = slackWindows * counted(l.WindowBytes)
	d.declared, d.tight = l.Declared, tight
	if !d.may(d.order) {
		d.lose(1)
	}
}

// slack returns how far from another a read of n bytes may be and belong to it.
func (d *detector) slack(n int64) int64 {
	n = counted(n)
	s := max(minSlackBytes, min(d.slackBytes, slackLengths*n))
	if d.tight {
		s = min(s, tightLengths*n)
	}
	return s
}

// read adds a read and says whether it belongs to the order.
func (d *detector) read(off, end int64) bool {
	slack := d.slack(end - off)
	switch {
	case !d.main.set:
		d.main = begin(off, end)
		return false
	case d.main.step(off, end, slack) == same:
		d.main.follow(off, end, slack)
		return false
	case d.order == Unknown || d.order == Random:
		d.main.follow(off, end, slack)
		return d.arm()
	case d.goesOn(off, end, slack):
		d.alt.set = false
		if off < d.main.off && d.order == Sequential {
			d.late++
			return true
		}
		d.main.follow(off, end, slack)
		d.late, d.loose = 0, 0
		d.run = more(d.run)
		return true
	case d.alt.set:
		return d.move(off, end, slack)
	case d.run >= longRun:
		d.alt = begin(off, end)
		return false
	}
	d.main.follow(off, end, slack)
	d.lose(1)
	return d.arm()
}

// goesOn says whether the read continues the order.
func (d *detector) goesOn(off, end, slack int64) bool {
	s := d.main.step(off, end, slack)
	switch d.order {
	case Sequential:
		return s == forward ||
			d.late < lateReads && off < d.main.off && d.main.end-off <= slack
	case Backward:
		return s == back
	case Strided:
		return off-d.main.off == d.stride
	}
	return false
}

// move ends the chain where it was, after two reads that do not belong to it,
// and goes on with these. They keep the order if they have it themselves.
func (d *detector) move(off, end, slack int64) bool {
	d.main, d.alt = d.alt, cursor{}
	d.main.follow(off, end, slack)
	if d.order == Sequential && d.main.forward > 0 ||
		d.order == Backward && d.main.back > 0 ||
		d.order == Strided && d.main.diff == d.stride {
		d.run, d.late = 1, 0
		return true
	}
	d.lose(2)
	return d.arm()
}

// lose gives up the order, after so many reads in none.
func (d *detector) lose(reads int) {
	d.order, d.stride = Unknown, 0
	d.run, d.late, d.loose = 0, 0, reads-1 // arm counts one
}

// arm looks for an order in what was read, and counts the read as loose if
// there is none.
func (d *detector) arm() bool {
	c := &d.main
	steps := armSteps
	if d.order == Random {
		steps = rearmSteps
	}
	switch {
	case d.may(Sequential) && c.forward >= d.steps(Sequential, steps):
		d.order = Sequential
	// n reads have n-1 differences, of which n-2 repeat the one before.
	case d.may(Strided) && c.equal >= d.steps(Strided, steps)-1 && d.leaps():
		d.order, d.stride = Strided, c.diff
	case d.may(Backward) && c.back >= d.steps(Backward, steps):
		d.order = Backward
	default:
		d.loose = more(d.loose)
		if d.loose >= looseReads {
			d.order = Random
		}
		return false
	}
	d.run, d.loose, d.late = 1, 0, 0
	return true
}

// may says whether o can be found: what is declared excludes the others.
func (d *detector) may(o Order) bool { return d.declared == Unknown || d.declared == o }

// steps returns how many make the order o: one if it is declared.
func (d *detector) steps(o Order, steps int) int {
	if d.declared == o {
		return 1
	}
	return steps
}

// leaps says that the last step is better fetched by its distance than with
// everything in between.
func (d *detector) leaps() bool {
	c := &d.main
	switch {
	case c.diff == 0:
		return false
	case d.declared == Strided:
		return true
	case c.forward > 0:
		return false
	case c.back > 0:
		return -c.diff > sparse*counted(c.end-c.off)
	}
	return true
}
