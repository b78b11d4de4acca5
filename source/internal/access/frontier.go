package access

// A frontier is how far ahead of a session that reads forward is fetched.
type frontier struct {
	windowBytes int64
	maxBytes    int64 // a multiple of windowBytes

	purse purse
	last  int64 // beginning of the last read
	pos   int64 // where the session is: the next read is expected here
	run   int64 // bytes read without a gap, up to pos

	active bool  // a read had to wait, and none was resident since
	depth  int64 // bytes that should be ahead
	ahead  int64 // bytes that are: fetched and not read yet
	settle int64 // of these, what was begun before the depth last doubled
	quiet  int64 // bytes that arrived in time since a read had to wait
}

const (
	// quietWindows that arrive in time show that the depth is more than enough;
	// the number makes a depth of 8 last for 200 windows.
	quietWindows = 32

	// trustWindows read without a gap pay for one that is wasted.
	trustWindows = wastePrice
)

// limit sets the bounds. What is known of the session stays.
func (f *frontier) limit(l Limits) {
	f.windowBytes, f.maxBytes = 0, 0
	if l.WindowBytes > 0 {
		f.windowBytes = l.WindowBytes
		f.maxBytes = counted(l.MaxBytes) / l.WindowBytes * l.WindowBytes
	}
	if f.depth > 0 {
		f.depth = max(f.windows(f.depth), f.unit())
	}
}

// unit returns the window's size as a number to count with.
func (f *frontier) unit() int64 { return counted(f.windowBytes) }

// windows rounds n down to whole windows.
func (f *frontier) windows(n int64) int64 {
	if f.windowBytes <= 0 {
		return 0
	}
	return n / f.windowBytes * f.windowBytes
}

// allowed returns how much may be ahead without wasting too much, however the
// session ends.
func (f *frontier) allowed() int64 {
	if f.purse.inDebt() && f.run < trustWindows*f.unit() {
		return 0
	}
	return min(max(f.unit(), f.windows(f.purse.pays())), f.maxBytes)
}

// now returns how much may be ahead now.
func (f *frontier) now(o Order) int64 {
	switch {
	case !f.active, f.maxBytes == 0:
		return 0
	case o == Unknown: // most sessions turn out to be sequential, but not all
		return min(f.unit(), f.allowed())
	case o == Sequential:
		return min(f.windows(f.depth), f.allowed())
	}
	return 0
}

// move puts the session at off. After a jump to somewhere else it goes on at its
// depth if the purse pays for that once more, beside what is still ahead, which
// is going to be thrown away. Otherwise it starts slowly, and with an empty purse:
// if small savings were kept, many short visits would make one deep in the end.
func (f *frontier) move(off, slack int64) {
	if off == f.pos {
		return
	}
	jump := off < f.last || off-f.pos > slack
	if jump && f.purse.pays()-f.ahead < f.depth {
		f.active, f.depth = false, f.unit()
		f.purse.empty(f.ahead)
	}
	if jump || off > f.pos {
		f.run = 0
	}
	f.pos, f.last = off, off
}

// read counts a read from off to end.
func (f *frontier) read(off, end, slack int64, o Order, e Event) {
	f.move(off, slack)
	n := counted(end - off)
	f.last, f.pos, f.run = off, end, counted(f.run+n)
	if e == Noted {
		return
	}
	took, settled := min(n, f.ahead), f.settle == 0
	f.ahead -= took
	f.settle = min(max(0, f.settle-took), f.ahead)
	switch e {
	case Hit:
		f.active, f.quiet = false, 0
		f.shrink()
	case Waited:
		f.quiet = 0
		f.purse.earn(n, f.unit(), f.depth)
		if !f.active {
			f.active, f.depth = true, max(f.depth, f.unit())
		} else if took > 0 && settled && o == Sequential {
			f.grow()
		}
	default:
		f.purse.earn(n, f.unit(), f.depth)
		if f.quiet += n; f.quiet >= quietWindows*f.unit() {
			f.quiet = 0
			f.shrink()
		}
	}
}

// grow doubles the depth, if it was the depth that made the session wait and not
// what it is allowed.
func (f *frontier) grow() {
	if f.depth <= f.allowed() && f.depth < f.maxBytes {
		f.depth = min(2*f.depth, f.maxBytes)
		f.settle = f.ahead
	}
}

// shrink takes a window off.
func (f *frontier) shrink() {
	if f.depth > f.unit() {
		f.depth = max(f.windows(f.depth-f.unit()), f.unit())
	}
}

// fetched counts n bytes that were begun ahead.
func (f *frontier) fetched(n int64) { f.ahead = counted(f.ahead + counted(n)) }

// wasted counts n bytes that were begun ahead and thrown away.
func (f *frontier) wasted(n int64) {
	n = min(counted(n), f.ahead)
	f.ahead -= n
	f.settle = min(f.settle, f.ahead)
	f.purse.lose(n, f.unit())
	if pays := f.purse.pays(); pays < f.depth && f.depth > 0 {
		f.depth = max(f.windows(pays), f.unit())
	}
}
