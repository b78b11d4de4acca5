package window

import (
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func rounds(t *testing.T, n int) int {
	if testing.Short() || raceEnabled {
		n /= 10
	}
	t.Logf("%d rounds", n)
	return n
}

// Of any number of Releases of one owner at the same time, one succeeds and
// the others panic; the other owner of the memory does not feel it.
func TestOneReleaseOfManySucceeds(t *testing.T) {
	const releasers = 4
	for round := range rounds(t, 10_000) {
		c := newCounted("abc")
		w := c.window(0)
		other := w.Retain()
		if round%2 == 0 { // the first ticket, or one from the pool
			w, other = other, w
		}
		var succeeded atomic.Int64
		var start, done sync.WaitGroup
		start.Add(1)
		for range releasers {
			done.Go(func() {
				start.Wait()
				p := panicOf(w.Release)
				if p == nil {
					succeeded.Add(1)
				} else if p != "window: Release of a released window" {
					t.Errorf("panicked with %v", p)
				}
			})
		}
		start.Done()
		done.Wait()
		if n := succeeded.Load(); n != 1 {
			t.Fatalf("%d of %d Releases succeeded", n, releasers)
		}
		mustHold(t, other, 0, "abc")
		c.mustBeFreed(t, 0)
		other.Release()
		c.mustBeFreed(t, 1)
		if t.Failed() {
			return
		}
	}
}

// A duel has two goroutines meet as closely as two can. prepare, first and
// check run in one, second in the other, at the same time as first. check says
// whether second came first, and the next round's delays go by that, so that
// they stay close. It takes half a second at most, because goroutines that
// spin are slow where processors are few.
func duel(t *testing.T, prepare, first, second func(), check func() bool) {
	t.Helper()
	const rounds = 200_000
	var called, ready, begun, ended atomic.Int64
	wait := func(x *atomic.Int64, round int64) {
		for i := 0; x.Load() < round; i++ {
			if i > 1000 {
				runtime.Gosched()
			}
		}
	}
	delay := func(n int64) {
		for range n {
			spun.Load()
		}
	}
	var other sync.WaitGroup
	other.Go(func() {
		for r := int64(1); ; r++ {
			wait(&called, r)
			if called.Load() == math.MaxInt64 {
				return
			}
			ready.Store(r) // it runs now, and both go on within nanoseconds
			wait(&begun, r)
			delay(r * 7 % 61)
			second()
			ended.Store(r)
		}
	})
	r, lead := int64(1), int64(0)
	limit := time.Second / 2
	if testing.Short() {
		limit /= 10
	}
	for end := time.Now().Add(limit); r < rounds && !t.Failed() && (r%64 != 0 || time.Now().Before(end)); r++ {
		prepare()
		called.Store(r)
		wait(&ready, r)
		begun.Store(r)
		delay(lead + r*13%89)
		first()
		wait(&ended, r)
		if check() {
			lead = max(lead-2, 0)
		} else {
			lead = min(lead+2, 2000)
		}
	}
	called.Store(math.MaxInt64)
	other.Wait()
	t.Logf("%d rounds", r)
}

var spun atomic.Int64

// Two Releases of one handle.
func TestReleaseAgainstRelease(t *testing.T) {
	var c *counted
	var w, other Window
	var p [2]any
	odd := false
	duel(t, func() {
		c = newCounted("abc")
		w = c.window(0)
		if other = w.Retain(); odd { // the first ticket, or one from the pool
			w, other = other, w
		}
		odd = !odd
	}, func() {
		p[0] = panicOf(w.Release)
	}, func() {
		p[1] = panicOf(w.Release)
	}, func() bool {
		if (p[0] == nil) == (p[1] == nil) {
			t.Errorf("two Releases panicked with %v and %v", p[0], p[1])
		}
		mustHold(t, other, 0, "abc")
		c.mustBeFreed(t, 0)
		other.Release()
		c.mustBeFreed(t, 1)
		return p[1] == nil
	})
}

// A Retain at the same time as the Release of the same handle, which is a
// mistake, gives an owner of memory that is not freed, or panics. It is the
// last owner, so that a Retain that lost must not revive the memory.
func TestRetainAgainstReleaseOfTheSameHandle(t *testing.T) {
	var c *counted
	var w, got Window
	var p any
	won, lost, odd := 0, 0, false
	duel(t, func() {
		c = newCounted("0123456789")
		w = c.window(100)
		if odd {
			x := w.Slice(0, 10)
			w.Release()
			w = x
		}
		odd = !odd
	}, func() {
		w.Release()
	}, func() {
		p = panicOf(func() { got = w.Slice(3, 5) })
	}, func() bool {
		switch {
		case p == nil:
			won++
			mustHold(t, got, 103, "34")
			c.mustBeFreed(t, 0)
			got.Release()
		case p == "window: Slice of a released window":
			lost++
		default:
			t.Errorf("panicked with %v", p)
		}
		c.mustBeFreed(t, 1)
		mustPanic(t, "Bytes", func() { w.Bytes() })
		return p == nil
	})
	t.Logf("Slice won %d times and lost %d times", won, lost)
}

// The same when the ticket and the share have new owners at once, whom the
// racing Retain must not harm. It may read a ticket that its next owner
// writes, which the race detector rightly reports.
func TestRetainAgainstReleaseAndTheNextOwner(t *testing.T) {
	if raceEnabled {
		t.Skip("a misuse that the race detector is right to report")
	}
	var c, next *counted
	var w, x, y, got Window
	var p any
	won, lost, odd := 0, 0, false
	duel(t, func() {
		c, next = newCounted("0123456789"), newCounted("next")
		w = c.window(100)
		if odd {
			x := w.Retain()
			w.Release()
			w = x
		}
		odd = !odd
	}, func() {
		w.Release()
		x = next.window(1 << 50)
		y = x.Slice(1, 3)
		x.Release()
	}, func() {
		p = panicOf(func() { got = w.Retain() })
	}, func() bool {
		if p == nil {
			won++
			mustHold(t, got, 100, "0123456789")
			got.Release()
		} else {
			lost++
		}
		c.mustBeFreed(t, 1)
		mustHold(t, y, 1<<50+1, "ex")
		next.mustBeFreed(t, 0)
		y.Release()
		next.mustBeFreed(t, 1)
		return p == nil
	})
	t.Logf("Retain won %d times and lost %d times", won, lost)
}

// Two owners of one memory, released by two goroutines: it is freed once, by
// the later one.
func TestReleaseOfTwoOwners(t *testing.T) {
	var c *counted
	var w, x Window
	var last [2]bool
	duel(t, func() {
		c = newCounted("abc")
		w = c.window(0)
		x = w.Slice(1, 2)
	}, func() {
		w.Release()
		last[0] = c.frees.Load() == 1
	}, func() {
		x.Release()
		last[1] = c.frees.Load() == 1
	}, func() bool {
		c.mustBeFreed(t, 1)
		return !last[1]
	})
}

// Different owners of one memory are used by different goroutines.
func TestOwnersInManyGoroutines(t *testing.T) {
	for range rounds(t, 2000) {
		c := newCounted("0123456789")
		w := c.window(0)
		var done sync.WaitGroup
		for i := range 8 {
			x := w.Slice(i, i+2)
			done.Go(func() {
				y := x.Retain()
				mustHold(t, y, int64(i), "0123456789"[i:i+2])
				x.Release()
				z := y.Slice(1, 2)
				y.Release()
				mustHold(t, z, int64(i)+1, "0123456789"[i+1:i+2])
				z.Release()
			})
		}
		w.Release()
		done.Wait()
		c.mustBeFreed(t, 1)
	}
}

// Garbage collections empty the pools of tickets and shares; handles do not
// care.
func TestGarbageCollection(t *testing.T) {
	c := newCounted("abc")
	w := c.window(0)
	x := w.Retain()
	w.Release()
	for range 3 {
		runtime.GC()
	}
	mustBeDead(t, w)
	mustHold(t, x, 0, "abc")
	x.Release()
	runtime.GC()
	runtime.GC()
	mustBeDead(t, x)
	c.mustBeFreed(t, 1)
}

// Free may make windows, as a pool's does not but a wrapper's could.
type freeing struct {
	counted
	f func()
}

func (f *freeing) Free() {
	f.counted.Free()
	f.f()
}

func TestFreeMayUseWindows(t *testing.T) {
	inner := newCounted("inner")
	held := inner.window(0)
	outer := &freeing{f: held.Release}
	w := New(outer, nil, held.Bytes(), 0)
	mustHold(t, w, 0, "inner")
	w.Release()
	outer.mustBeFreed(t, 1)
	inner.mustBeFreed(t, 1)
}

func TestNewReleaseNoAlloc(t *testing.T) {
	noAlloc(t, func(c *counted) { c.window(0).Release() })
}

func TestRetainNoAlloc(t *testing.T) {
	noAlloc(t, func(c *counted) {
		w := c.window(0)
		x, y := w.Retain(), w.Slice(1, 2)
		w.Release()
		sinkByte = x.Bytes()[0] + y.Bytes()[0] + byte(x.Off()) + byte(y.Len())
		x.Release()
		y.Release()
	})
}

func TestWriteNoAlloc(t *testing.T) {
	noAlloc(t, func(c *counted) {
		w := NewWrite(c, nil)
		w.Bytes()[0] = 1
		w.Commit(2, 5).Release()
		w.Abort()
	})
}

func TestInfoNoAlloc(t *testing.T) {
	noAlloc(t, func(c *counted) {
		w := c.window(0)
		sinkByte = byte(w.Info().Residency)
		if w.Memory() != Heap {
			panic("another memory")
		}
		w.Release()
	})
}

var sinkByte byte

func noAlloc(t *testing.T, f func(c *counted)) {
	t.Helper()
	if raceEnabled {
		t.Skip("the race detector makes sync.Pool forget at random")
	}
	c := newCounted("abc")
	if n := testing.AllocsPerRun(1000, func() { f(c) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
