package main

import (
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/oriel-go/oriel/window"
)

const (
	partBytes   = 16 << 10 // what one check hashes
	sampleBytes = 64       // of the beginning, the end and somewhere: looked at for what belongs elsewhere
	mostHeld    = 8        // windows of one goroutine at a time
	heldBytes   = 16 << 20 // and bytes in them, but for one window
	burstChecks = 4        // checks of each window in a burst
	fullOneIn   = 64       // bursts in which one window is hashed as a whole
	sharedOneIn = 4        // windows of which another goroutine gets an owner
)

// A held window is one that a goroutine owns, with what it was when it came.
type held struct {
	w     window.Window
	sums  []uint64 // hashes of its parts
	file  int
	was   window.Residency
	since time.Time
	until time.Time // when it is to be released
	spent bool      // it has changed or faulted, and is not looked at any more
}

// A hand is the windows that one goroutine holds. Its goroutine has to have
// called debug.SetPanicOnFault.
type hand struct {
	tally *tally
	log   *findings
	seed  maphash.Seed
	rng   *rand.Rand
	hold  time.Duration // the longest
	held  []held
	bytes int
}

// full reports whether the hand should take no more.
func (h *hand) full() bool { return len(h.held) >= mostHeld || h.bytes >= heldBytes }

// take takes over a window of a file that was handed out just now.
func (h *hand) take(w window.Window, file int) {
	i := w.Info()
	x := held{w: w, file: file, was: i.Residency, since: time.Now()}
	h.tally.add(windows, 1)
	switch x.was {
	case window.Guarded:
		h.tally.add(guarded, 1)
	case window.Private:
		h.tally.add(private, 1)
	case window.Trusted:
		h.tally.add(trusted, 1)
	}
	if x.was == 0 || x.was == window.Trusted || x.was == window.Guarded && !i.Locked {
		h.find(misdescribed, &x, fmt.Sprintf("its Info says %+v", i))
	}
	h.sum(&x)
	h.look(&x)
	h.keep(x)
}

// keep adds a window with its sums to the hand, and says how long.
func (h *hand) keep(x held) {
	x.until = time.Now().Add(time.Duration(h.rng.Int64N(int64(h.hold)) + 1))
	h.held = append(h.held, x)
	h.bytes += x.w.Len()
}

// sum hashes the parts of a window.
func (h *hand) sum(x *held) {
	p := x.w.Bytes()
	x.sums = make([]uint64, 0, (len(p)+partBytes-1)/partBytes)
	for lo := 0; lo < len(p); lo += partBytes {
		sum, fault := h.hash(p[lo:min(lo+partBytes, len(p))])
		if fault != nil {
			h.faulted(x, lo, fault)
			return
		}
		x.sums = append(x.sums, sum)
	}
}

// look looks whether the bytes of a window belong where it says it is.
func (h *hand) look(x *held) {
	if x.spent {
		return
	}
	p := x.w.Bytes()
	middle := h.rng.IntN(len(p))
	for _, lo := range []int{0, middle, max(len(p)-sampleBytes, 0)} {
		hi := min(lo+sampleBytes, len(p))
		bad := -1
		if fault := safely(func() { bad = misplaced(p, lo, hi, x.file, x.w.Off()) }); fault != nil {
			h.faulted(x, lo, fault)
			return
		}
		if bad >= 0 {
			h.find(misplacement, x, fmt.Sprintf("byte %d is %#x, of words %x", bad, p[bad], p[lo:hi]))
			x.spent = true
			return
		}
	}
}

// hash returns the hash of p, or the fault of touching it.
func (h *hand) hash(p []byte) (sum uint64, fault error) {
	fault = safely(func() { sum = maphash.Bytes(h.seed, p) })
	return sum, fault
}

// safely calls f and returns the fault it ended with: a panic of the runtime
// that has an address. Any other panic goes on.
func safely(f func()) (fault error) {
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		e, ok := r.(interface {
			runtime.Error
			Addr() uintptr
		})
		if !ok {
			panic(r)
		}
		fault = e
	}()
	f()
	return nil
}

// burst checks each window a few times.
func (h *hand) burst() {
	var n, bytes int64
	for i := range h.held {
		x := &h.held[i]
		for k := 0; k < burstChecks && !x.spent; k++ {
			part := h.rng.IntN(len(x.sums))
			bytes += int64(h.check(x, part))
			n++
		}
	}
	if len(h.held) > 0 && h.rng.IntN(fullOneIn) == 0 {
		x := &h.held[h.rng.IntN(len(h.held))]
		bytes += h.checkAll(x)
		n++
	}
	h.tally.add(checks, n)
	h.tally.add(checkedBytes, bytes)
}

// check hashes a part of a window again and returns its length.
func (h *hand) check(x *held, part int) int {
	lo := part * partBytes
	p := x.w.Bytes()
	p = p[lo:min(lo+partBytes, len(p))]
	sum, fault := h.hash(p)
	switch {
	case fault != nil:
		h.faulted(x, lo, fault)
	case sum != x.sums[part]:
		h.change(x, lo, p)
	}
	return len(p)
}

// checkAll hashes all of a window again and returns how much that was.
func (h *hand) checkAll(x *held) (bytes int64) {
	for part := 0; part < len(x.sums) && !x.spent; part++ {
		bytes += int64(h.check(x, part))
	}
	return bytes
}

// change reports that part of a window is not what it was.
func (h *hand) change(x *held, lo int, p []byte) {
	var who []string
	fault := safely(func() { who = stamps(p, x.w.Off()+int64(lo)) })
	text := fmt.Sprintf("the part at %d changed, and now is of %s", lo, strings.Join(who, "; "))
	if fault != nil {
		text += fmt.Sprintf("; touching it again: %v", fault)
	}
	h.find(changed, x, text)
	x.spent = true
}

func (h *hand) faulted(x *held, lo int, fault error) {
	h.find(faults, x, fmt.Sprintf("the part at %d: %v", lo, fault))
	x.spent = true
}

// find counts a broken promise and says what it is about.
func (h *hand) find(c count, x *held, text string) {
	h.tally.add(c, 1)
	h.log.add("%v: %v of file %d, %v when it was handed out and %v now, held for %v: %s",
		c, x.w, x.file, x.was, x.w.Info().Residency, time.Since(x.since).Round(time.Microsecond), text)
}

// releaseDue releases the windows whose time has come.
func (h *hand) releaseDue(now time.Time) {
	for i := len(h.held) - 1; i >= 0; i-- {
		if now.After(h.held[i].until) {
			h.release(i)
		}
	}
}

func (h *hand) releaseAll() {
	for len(h.held) > 0 {
		h.release(len(h.held) - 1)
	}
}

// release checks a window for the last time and releases it.
func (h *hand) release(i int) {
	x := h.give(i)
	if !x.spent {
		h.tally.add(checkedBytes, h.checkAll(&x))
		h.tally.add(checks, 1)
	}
	is := x.w.Info().Residency
	switch {
	case x.was == window.Guarded && is == window.Private:
		h.tally.add(frozen, 1)
	case x.was != is:
		h.find(misdescribed, &x, "it went from one to the other")
	}
	x.w.Release()
}

// give takes a window out of the hand.
func (h *hand) give(i int) held {
	x := h.held[i]
	last := len(h.held) - 1
	h.held[i] = h.held[last]
	h.held[last] = held{}
	h.held = h.held[:last]
	h.bytes -= x.w.Len()
	return x
}

// second returns a second owner of a window in the hand, or of a part of it,
// or the window itself, for another goroutine. There is none of a window that
// is not still any more.
func (h *hand) second(i int) (_ held, ok bool) {
	x := h.held[i]
	if x.spent {
		return held{}, false
	}
	switch h.rng.IntN(3) {
	case 0:
		x = h.give(i)
	case 1:
		x.w, x.sums = x.w.Retain(), slices.Clone(x.sums)
	case 2:
		lo := h.rng.IntN(x.w.Len())
		x.w = x.w.Slice(lo, lo+1+h.rng.IntN(x.w.Len()-lo))
		h.sum(&x)
		// The slice was hashed late: the window has to be what it was, still.
		h.tally.add(checkedBytes, h.checkAll(&h.held[i]))
		h.tally.add(checks, 1)
	}
	h.tally.add(shared, 1)
	return x, true
}

// rest lets others run.
func (h *hand) rest() {
	if h.rng.IntN(8) != 0 {
		time.Sleep(time.Duration(h.rng.ExpFloat64() * float64(meanPause)))
	}
}
