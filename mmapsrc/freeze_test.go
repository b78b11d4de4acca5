//go:build !orielnofreeze

package mmapsrc

import (
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/oriel-go/oriel/window"
)

func TestFreezeCopiesWhatIsLentAndNothingElse(t *testing.T) {
	k := pretended()
	var copied []int
	x := fixture{}
	k.freeze = func(p, _ []byte) error {
		for i := range 8 {
			if &p[0] == &x.f.cur.Load().data[i<<extentShift] {
				copied = append(copied, i)
			}
		}
		return nil
	}
	x = guarded(t, k, 8, 8, 8)
	a := x.get(t, 1<<extentShift, 10, Reuse)                // 1
	b := x.get(t, 4<<extentShift-1, 1<<extentShift+2, Once) // 3, 4 and 5
	x.get(t, 6<<extentShift, 10, Reuse)()                   // 6, given back
	m := x.f.cur.Load()
	if !breakGuard(m) {
		t.Fatal("the freeze failed")
	}
	slices.Sort(copied) // they lie in the slots in any order
	if want := []int{1, 3, 4, 5}; !slices.Equal(copied, want) {
		t.Errorf("extents %v were copied, want %v", copied, want)
	}
	if _, ok := x.f.Lend(nil, 1<<extentShift, 10, Reuse, true); ok {
		t.Error("a frozen mapping lends")
	}
	eventually(t, "what was not copied to be unlocked", func() bool { return x.account.Used() == 4<<extentShift })
	a()
	b()
	eventually(t, "the mapping to end with its last slice", func() bool { return m.phase.Load() == ended })
	if s := x.Stats(); s.Breaks != 1 || s.FrozenExtents != 4 {
		t.Errorf("%+v", s)
	}
}

// While there is no memory for a copy the lease is kept; it is tried again, and
// given up without a copy when the slice has been given back.
func TestFreezeThatFailsKeepsTheLease(t *testing.T) {
	for name, free := range map[string]bool{"until there is memory": false, "until the slice is given back": true} {
		t.Run(name, func(t *testing.T) {
			k := pretended()
			var refused, given atomic.Int64
			left := int64(3)
			if free {
				left = 1 << 40
			}
			k.freeze = func(p, _ []byte) error {
				if refused.Add(1) <= left {
					return errors.New("no memory")
				}
				return nil
			}
			k.unlease = func(int) { given.Add(1) }
			x := guarded(t, k, 4, 4, 4)
			slice := x.get(t, 0, 10, Reuse)
			m := x.f.cur.Load()
			if breakGuard(m) || given.Load() != 0 {
				t.Fatal("the lease was given up before there was a copy")
			}
			again := []*mapping{m}
			for i := 0; i < 2; i++ {
				if again = freezeAgain(again); len(again) != 1 || given.Load() != 0 {
					t.Fatal("the lease was given up before there was a copy")
				}
			}
			if free {
				slice()
			}
			if again = freezeAgain(again); len(again) != 0 || given.Load() != 1 {
				t.Errorf("%d mappings are still to be frozen, the lease was given up %d times", len(again), given.Load())
			}
			if !free {
				slice()
			}
			eventually(t, "the mapping to end", func() bool { return m.phase.Load() == ended })
		})
	}
}

// What cannot be locked after a freeze is private all the same, and says so.
func TestWindowAfterAFreezeSaysWhetherItIsLocked(t *testing.T) {
	for _, refuse := range []bool{false, true} {
		k := pretended()
		var frozen atomic.Bool
		k.freeze = func(p, _ []byte) error { frozen.Store(true); return nil }
		k.lock = func([]byte) error {
			if refuse && frozen.Load() {
				return errors.New("memlock is exhausted")
			}
			return nil
		}
		x := guarded(t, k, 4, 4, 4)
		w, err := x.f.Load(nil, 0, 3<<extentShift, Reuse)
		if err != nil {
			t.Fatal(err)
		}
		if i := w.Info(); i.Residency != window.Guarded || !i.Locked || i.PinnedBytes != 3<<extentShift {
			t.Errorf("before: %+v", i)
		}
		if !breakGuard(x.f.cur.Load()) {
			t.Fatal("the freeze failed")
		}
		eventually(t, "the copy to be locked, or not", func() bool { return w.Info().Locked == !refuse })
		if i := w.Info(); i.Residency != window.Private {
			t.Errorf("after: %+v", i)
		}
		if used := x.account.Used(); refuse && used != 0 {
			eventually(t, "the account to be empty", func() bool { return x.account.Used() == 0 })
		}
		w.Release()
	}
}

// The heart of it: whenever a slice is out after the lease has been given up,
// it is a copy. Readers, loaders and the keeper run against each other, and
// each mapping is broken or closed once, at any time.
func TestNoSliceOutlivesTheGuardUncopied(t *testing.T) {
	rounds := 1500
	if testing.Short() {
		rounds = 200
	}
	const readers, tries = 3, 40
	var copies int64
	for round := range rounds {
		k := pretended()
		var gone atomic.Bool // the lease has been given up
		k.unlease = func(int) { gone.Store(true) }
		k.populate = func([]byte) error { runtime.Gosched(); return nil } // the writer may come meanwhile
		x := guarded(t, k, 6, 4, 3)                                       // fewer locks and slots than extents
		m := x.f.cur.Load()
		x.f.next.Store(1 << 62) // the file is not mapped again
		var wg sync.WaitGroup
		var tried atomic.Int64
		for i := range readers {
			wg.Go(func() {
				rnd := rand.New(rand.NewPCG(uint64(round), uint64(i)))
				for range tries {
					tried.Add(1)
					off, n := rnd.Int64N(5<<extentShift), 1+rnd.IntN(1<<extentShift)
					u := Use(rnd.IntN(3))
					b, ok := x.f.Lend(nil, off, n, u, true)
					if !ok {
						var err error
						if b, err = x.f.Load(nil, off, n, u); err != nil {
							continue
						}
					}
					if gone.Load() {
						for i := off >> extentShift; i <= (off+int64(n)-1)>>extentShift; i++ {
							if !m.extent(i).has(extentMoved) {
								t.Error("a slice is out that was not copied before the lease was given up")
							}
						}
					}
					runtime.Gosched() // others come while it is out
					b.Release()
				}
			})
		}
		for when := rand.Int64N(readers * tries); tried.Load() < when; {
			runtime.Gosched()
		}
		if round%4 == 0 {
			x.f.Close()
		} else if !breakGuard(m) {
			t.Error("the mapping could not be frozen")
		}
		wg.Wait()
		x.f.Close()
		eventually(t, "the mapping to end", func() bool { return m.phase.Load() == ended })
		eventually(t, "everything to be unlocked", func() bool { return x.account.Used() == 0 })
		copies += x.extents.Load()
	}
	if copies == 0 {
		t.Error("nothing was ever copied: nothing was tested")
	}
	t.Logf("%d extents copied in %d rounds", copies, rounds)
}

// A Load that has looked whether the mapping is over, and is slow, comes to an
// extent that was frozen and could not be locked: what is lent of it stays.
func TestLoadThatIsLateLeavesTheCopyAlone(t *testing.T) {
	k := pretended()
	var gone, dropped atomic.Bool
	k.lock = func([]byte) error {
		if gone.Load() {
			return errors.New("memlock is exhausted")
		}
		return nil
	}
	k.unlease = func(int) { gone.Store(true) }
	k.drop = func([]byte) { dropped.Store(true) }
	x := guarded(t, k, 4, 4, 4)
	slice := x.get(t, 0, 10, Reuse)
	m := x.f.cur.Load()
	m.loads.Add(1) // as Load does, which then looks at over
	if !breakGuard(m) {
		t.Fatal("the freeze failed")
	}
	eventually(t, "the copy to be unlocked", func() bool { return x.account.Used() == 0 })
	if _, err := m.load(0, 0, Reuse); !errors.Is(err, errOver) || dropped.Load() {
		t.Errorf("a late load ended with %v, and dropped pages: %v", err, dropped.Load())
	}
	slice()
	m.loaded()
	eventually(t, "the mapping to end", func() bool { return m.phase.Load() == ended })
}

// While Close is half way, and somebody finds nothing lent, nothing can be lent
// any more.
func TestNothingIsLentOnceTheEndHasBegun(t *testing.T) {
	x := guarded(t, pretended(), 4, 4, 4)
	x.get(t, 0, 10, Reuse)()
	m := x.f.cur.Load()
	m.loads.Add(1)
	m.over.Store(true) // the first half of Close
	m.loaded()
	for shard := range uint32(1 << shardBits) {
		if m.pin(m.extent(0), shard, true) != nil {
			t.Errorf("shard %d was lent after the end", shard)
		}
	}
}
