package access

// Event says how a read was served.
type Event uint8

const (
	Hit     Event = iota // was resident: nothing had been read ahead for it, no wait
	Waited               // had to be waited for
	Arrived              // had been read ahead and was there in time
	Noted                // the caller's own cache had it: no I/O
)

// Limits bound what is read ahead.
type Limits struct {
	WindowBytes int64 // the unit of reading ahead, > 0
	MaxBytes    int64 // most that is ahead of the caller, in flight or waiting for it; 0: never read ahead
	Declared    Order // Unknown: detect
}

// A Hint is Count ranges of Len bytes at Off, Off+Stride, … that should be
// brought into the page cache. Stride is negative where the session goes down.
// No range begins below 0, but they may lie beyond the end of the file, which is
// not known here. Count 0 is no hint.
type Hint struct {
	Off, Len, Stride int64
	Count            int
}

// Ahead follows one session and says how much is to be read ahead of it. It is a
// value of one goroutine. Before Set it reads nothing ahead.
type Ahead struct {
	declared Order
	det      detector
	front    frontier
	hint     hinter
}

// Set gives the limits. It may be called again when the window size or the way
// of reading changes; what is known of the session stays.
func (a *Ahead) Set(l Limits) {
	a.declared = l.Declared
	a.det.limit(l, false)
	a.front.limit(l)
	a.hint.limit(l, &a.det)
}

// Read says that the n bytes at off were handed out. A range that does not exist
// is ignored.
func (a *Ahead) Read(off, n int64, e Event) {
	end, ok := clip(off, n)
	if !ok {
		return
	}
	in := a.det.read(off, end)
	a.front.read(off, end, a.det.slack(n), a.Order(), e)
	a.hint.read(off, end, a.det.order, a.det.stride, in, e)
}

// Jump says that the session was moved to off. Where that is a far jump, the
// session goes on at its depth only if it has wasted little so far. What is
// thrown away for it is reported by Waste, before or after.
func (a *Ahead) Jump(off int64) {
	if off >= 0 {
		a.front.move(off, a.det.slack(a.front.unit()))
	}
}

// Fetched says that n bytes were begun ahead of the caller. What a read waits
// for that begins with the read itself is not ahead.
func (a *Ahead) Fetched(n int64) { a.front.fetched(n) }

// Waste says that n bytes that were fetched ahead were thrown away.
func (a *Ahead) Waste(n int64) { a.front.wasted(n) }

// Depth returns how many bytes may be ahead of the caller now, those that are
// already there included: a multiple of WindowBytes, at most MaxBytes. At 0 it
// should read synchronously.
func (a *Ahead) Depth() int64 { return a.front.now(a.Order()) }

// Order returns what is declared, or detected so far.
func (a *Ahead) Order() Order {
	if a.declared != Unknown {
		return a.declared
	}
	return a.det.order
}

// Stride returns the distance between the beginnings of reads that are Strided,
// and 0 otherwise or as long as it is not known.
func (a *Ahead) Stride() int64 { return a.det.stride }

// Hint returns what is to be brought into the page cache now, for sessions that
// are Backward or Strided. Each range is returned once.
func (a *Ahead) Hint() Hint { return a.hint.next(a.det.run) }
