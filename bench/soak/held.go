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
	partBytes    = 16 << 10 // what one check hashes
	sampleBytes  = 64       // of the beginning, the end and somewhere: looked at for what belongs elsewhere
	mostHeld     = 8        // windows of one goroutine at a time, beside those held for long
	heldBytes    = 16 << 20 // and bytes in them, but for one window
	burstChecks  = 4        // checks of each window in a burst
	fullOneIn    = 64       // bursts in which one window is hashed as a whole
	sharedOneIn  = 4        // windows of which another goroutine gets an owner
	longOneIn    = 50       // windows that are held through remaps and further breaks: from leastLong to mostLong
	leastLong    = 500 * time.Millisecond
	mostLong     = 5 * time.Second
	mostLongHeld = 3 // of one goroutine at a time
)

// A held window is one that a goroutine owns, with what it was when it came.
type held struct {
	w     window.Window
	sums  []uint64 // hashes of its parts
	file  int
	was   window.Residency
	since time.Time
	until time.Time // when it is to be released
	long  bool      // it is held for long
	spent bool      // it has changed or faulted, and is not looked at any more
}

// A hand is the windows that one goroutine holds. Its goroutine has to have
// called debug.SetPanicOnFault.
type hand struct {
	tally *tally
	log   *findings
	seed  maphash.Seed
	rng   *rand.Rand
	hold  time.Duration // the longest, of most windows
	held  []held
	long  int // of held, those that are held for long
	bytes int
}

// full reports whether the hand should take no more.
func (h *hand) full() bool { return len(h.held)-h.long >= mostHeld || h.bytes >= heldBytes }

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
	hold := time.Duration(h.rng.Int64N(int64(h.hold)) + 1)
	if x.long = h.long < mostLongHeld && h.rng.IntN(longOneIn) == 0; x.long {
		hold = leastLong + time.Duration(h.rng.Int64N(int64(mostLong-leastLong)))
		h.long++
		h.tally.add(longHeld, 1)
	}
	x.until = time.Now().Add(hold)
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
	var text string
	if fault := safely(func() { text = h.misfit(x.w.Bytes(), x.file, x.w.Off()) }); fault != nil {
		h.faulted(x, 0, fault)
	} else if text != "" {
		h.find(misplacement, x, text)
		x.spent = true
	}
}

// misfit looks at samples of p, which begins at off in a file, and returns what
// does not belong there, "" if all do.
func (h *hand) misfit(p []byte, file int, off int64) string {
	for _, lo := range []int{0, h.rng.IntN(len(p)), max(len(p)-sampleBytes, 0)} {
		hi := min(lo+sampleBytes, len(p))
		if bad := misplaced(p, lo, hi, file, off); bad >= 0 {
			return fmt.Sprintf("byte %d is %#x, of words %x", bad, p[bad], p[lo:hi])
		}
	}
	return ""
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
	for i := range h.held {
		x := &h.held[i]
		var n, bytes int64
		frozen := x.isFrozen()
		for n < burstChecks && !x.spent {
			bytes += int64(h.check(x, h.rng.IntN(len(x.sums))))
			n++
		}
		h.compared(x, frozen, n, bytes)
	}
	if len(h.held) > 0 && h.rng.IntN(fullOneIn) == 0 {
		h.checkWhole(&h.held[h.rng.IntN(len(h.held))])
	}
}

// isFrozen reports whether a window has been frozen in place.
func (x *held) isFrozen() bool {
	return x.was == window.Guarded && x.w.Info().Residency == window.Private
}

// compared counts n checks of a window, of so many bytes, which was frozen
// before them or not.
func (h *hand) compared(x *held, frozen bool, n, bytes int64) {
	h.tally.add(checkedBytes, bytes)
	if x.was != window.Guarded {
		h.tally.add(privateChecks, n)
		return
	}
	h.tally.add(guardedChecks, n)
	if frozen {
		h.tally.add(frozenChecks, n)
	}
}

// checkWhole hashes all of a window again, which counts as one check.
func (h *hand) checkWhole(x *held) {
	if !x.spent {
		frozen := x.isFrozen()
		h.compared(x, frozen, 1, h.checkAll(x))
	}
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
	if x.was == window.Guarded {
		h.tally.add(guardedChanged, 1)
	}
	x.spent = true
}

func (h *hand) faulted(x *held, lo int, fault error) {
	h.find(faults, x, fmt.Sprintf("the part at %d: %v", lo, fault))
	if x.was == window.Guarded {
		h.tally.add(guardedFaults, 1)
	}
	x.spent = true
}

// find counts a broken promise and says what it is about.
func (h *hand) find(c count, x *held, text string) {
	h.tally.add(c, 1)
	h.log.add("%v: %v of file %d, %v when it was handed out and %v now, held for %v: %s",
		c, x.w, x.file, x.was, x.w.Info().Residency, time.Since(x.since).Round(time.Microsecond), text)
}

// findAt counts a broken promise about a place in a file.
func (h *hand) findAt(c count, file int, off int64, text string) {
	h.tally.add(c, 1)
	h.log.add("%v: file %d at %d: %s", c, file, off, text)
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
	h.checkWhole(&x)
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
	if x.long {
		h.long--
	}
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
		h.checkWhole(&h.held[i])
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
