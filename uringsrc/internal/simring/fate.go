package simring

import (
	"math/rand/v2"
	"syscall"
	"time"

	"github.com/oriel-go/oriel/uringsrc/internal/ring"
)

// Faults say what happens to how many of 1000.
type Faults struct {
	// Of 1000 reads, those that do not complete while they are submitted, and
	// how much later they complete at most; 0 is a millisecond.
	Late   int
	Latest time.Duration

	// Of 1000 completions of reads, those with fewer bytes than were asked for
	// and could be had, which is a multiple of ShortUnit; 0 is 1.
	Short     int
	ShortUnit int

	// Of 1000 completions of reads, those with an error that passes.
	Interrupted int // EINTR
	Again       int // EAGAIN
	Canceled    int // ECANCELED, as when a thread ends
	Fault       int // EFAULT, likewise

	// Of 1000 reads, those that do not complete until World.Release: Never until
	// they are cancelled, as of a pipe that nobody writes, and Stuck not even
	// then, as of a device that does not answer.
	Never int
	Stuck int

	// Of 1000 cancels of a read in flight, those that do not find it (Ignored), and
	// of the others those after which it comes with its bytes all the same, soon or
	// at its own time (Missed); the rest ends with ECANCELED. CancelLate of 1000
	// cancels complete late.
	Ignored    int
	Missed     int
	CancelLate int

	// Of 1000 completions, those that come once more.
	Repeated int

	// Of 1000 Enters, those with an error that passes.
	EnterInterrupted int // EINTR
	EnterAgain       int // EAGAIN, with some entries submitted or none
	EnterBusy        int // EBUSY while completions have overflowed

	// From this Enter on, all fail with EnterError; 0 is none.
	EnterFails int
	EnterError syscall.Errno
}

// chance reports true for so many of 1000.
func (w *World) chance(of1000 int) bool { return of1000 > 0 && w.rng.IntN(1000) < of1000 }

// An op is an entry that was submitted and has not completed.
type op struct {
	e     ring.Entry
	p     []byte
	due   time.Duration // when it completes
	touch time.Duration // when its buffer is written before
	until until         // what due means
	errno syscall.Errno // how it ends, if it is not by its content
	short bool
}

// An until is what an op waits for.
type until uint8

const (
	timed    until = iota // for its due
	canceled              // for a cancel, or Release
	released              // for Release
)

// begin decides what becomes of a read.
func (w *World) begin(o *op) {
	f := &w.f
	o.due = w.now
	if w.chance(f.Late) {
		o.due += w.lateness()
	}
	o.touch = w.now
	if late := o.due - w.now; late > 0 {
		o.touch += rand.N(late) // not of the seed: it decides nothing
	}
	switch {
	case w.chance(f.Stuck):
		o.until = released
	case w.chance(f.Never):
		o.until = canceled
	}
	switch {
	case w.chance(f.Interrupted):
		o.errno = syscall.EINTR
	case w.chance(f.Again):
		o.errno = syscall.EAGAIN
	case w.chance(f.Canceled):
		o.errno = syscall.ECANCELED
	case w.chance(f.Fault):
		o.errno = syscall.EFAULT
	default:
		o.short = w.chance(f.Short)
	}
}

func (w *World) lateness() time.Duration {
	latest := w.f.Latest
	if latest <= 0 {
		latest = time.Millisecond
	}
	return 1 + time.Duration(w.rng.Int64N(int64(latest)))
}

// cancel decides what becomes of a read that a cancel has found, and returns the
// cancel's result.
func (w *World) cancel(o *op) syscall.Errno {
	switch {
	case w.chance(w.f.Ignored):
		return syscall.ENOENT
	case o.until == released:
		return syscall.EALREADY
	case w.chance(w.f.Missed):
		if o.until == canceled { // its bytes have just come
			o.until, o.errno = timed, 0
			o.due = w.now + w.lateness()
		}
		return [...]syscall.Errno{0, syscall.EALREADY, syscall.ENOENT}[w.rng.IntN(3)]
	}
	o.until, o.errno = timed, syscall.ECANCELED
	o.due = w.now
	if w.chance(w.f.Late) {
		o.due += w.lateness()
	}
	if w.chance(300) {
		return syscall.EALREADY
	}
	return 0
}

// scribble writes to the buffer of a read in flight.
func (o *op) scribble() {
	o.touch = -1
	for i := range o.p {
		o.p[i] = ^byte(i)
	}
}

// result writes what the read returns to its buffer.
func (w *World) result(o *op) int32 {
	if o.errno != 0 {
		if w.chance(500) {
			o.scribble()
		}
		return -int32(o.errno)
	}
	p := o.p
	if len(p) > ring.MaxLen {
		p = p[:ring.MaxLen]
	}
	if o.short && len(p) > 1 {
		o.scribble() // what follows the bytes that were read is anything
		p = p[:w.shorten(len(p))]
	}
	n, err := w.content(o.e.FD(), p, o.e.Off())
	if n > 0 || err == nil {
		return int32(n)
	}
	if errno, ok := err.(syscall.Errno); ok {
		return -int32(errno)
	}
	return -int32(syscall.EIO)
}

// shorten returns a length below n, and above 0.
func (w *World) shorten(n int) int {
	unit := max(w.f.ShortUnit, 1)
	if n <= unit {
		return n
	}
	return unit * (1 + w.rng.IntN((n-1)/unit))
}

// Bytes is the content of every file of a World without another: bytes that
// differ by file and offset, without an end.
func Bytes(fd int, p []byte, off int64) (n int, err error) {
	for i := range p {
		x := uint64(off+int64(i)) ^ uint64(fd)<<40
		x = (x>>3 ^ x) * 0x9e3779b97f4a7c15
		p[i] = byte(x >> 56)
	}
	return len(p), nil
}
