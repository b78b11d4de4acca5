package ring

import (
	"math/rand/v2"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// TestTheCountersWrapAround goes over 1<<32 at every distance of head and tail.
func TestTheCountersWrapAround(t *testing.T) {
	const size = 8
	for before := range uint32(2 * size) {
		f := newFake()
		r, err := newRing(Config{Entries: size, Completions: size}, f.startAt(-before))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		next, seen := uint64(0), uint64(0)
		rng := rand.New(rand.NewPCG(1, uint64(before)))
		for range 200 {
			held := int(next - seen) // pending and ready together
			for range rng.IntN(size - held + 1) {
				if r.Space() != size-r.Pending() {
					t.Fatalf("space %d, pending %d", r.Space(), r.Pending())
				}
				e := Nop(next)
				if !r.Push(&e) {
					t.Fatalf("Push = false with space for %d", r.Space())
				}
				next++
			}
			pending, ready := r.Pending(), r.Ready()
			if pending+ready != int(next-seen) {
				t.Fatalf("%d pending and %d ready, want %d together", pending, ready, next-seen)
			}
			if n, err := r.Enter(0, 0); n != pending || err != nil || r.Pending() != 0 || r.Ready() != pending+ready {
				t.Fatalf("Enter = %d, %v; pending %d, ready %d", n, err, r.Pending(), r.Ready())
			}
			var dst [size]Completion
			for _, c := range dst[:r.Reap(dst[:rng.IntN(size+1)])] {
				if c.UserData != seen {
					t.Fatalf("completion of %d, want %d", c.UserData, seen)
				}
				seen++
			}
		}
		if n := r.Lost(); n != 0 || next < 100 {
			t.Errorf("lost %d of %d", n, next)
		}
	}
}

func TestAFullQueueAtTheWrap(t *testing.T) {
	f := newFake()
	r, err := newRing(Config{Entries: 4}, f.startAt(1<<32-2))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for i := range 5 {
		e := Nop(uint64(i))
		if got := r.Push(&e); got != (i < 4) {
			t.Errorf("Push of entry %d = %v", i, got)
		}
	}
	if r.Space() != 0 || r.Pending() != 4 || atomic.LoadUint32(f.sq.tail) != 2 {
		t.Errorf("space %d, pending %d, tail %d", r.Space(), r.Pending(), atomic.LoadUint32(f.sq.tail))
	}
}

func TestChainsGoInWholeOrNotAtAll(t *testing.T) {
	f := newFake()
	r := f.ring(t, Config{Entries: 4, Chains: true})
	one := Nop(0)
	chain := []Entry{Nop(1).With(Link), Nop(2).With(Link), Nop(3)}
	push(t, r, one, one)
	if r.PushChain(chain) || r.Pending() != 2 {
		t.Fatalf("a chain of 3 with space for 2: pending %d", r.Pending())
	}
	if n, err := r.Enter(0, 0); n != 2 || err != nil {
		t.Fatalf("Enter = %d, %v", n, err)
	}
	if !r.PushChain(chain) || r.Pending() != 3 {
		t.Fatalf("a chain of 3 with space for 4: pending %d", r.Pending())
	}
	// The number that the kernel is told must not end within a chain, whenever
	// it was counted; and it waits in a call of its own.
	f.calls = nil
	if n, err := r.Enter(2, time.Second); n != 3 || err != nil {
		t.Fatalf("Enter = %d, %v", n, err)
	}
	want := []fakeCall{{everything, 0, enterGetEvents, time.Second}, {0, 2, enterGetEvents, time.Second}}
	if len(f.calls) != 2 || f.calls[0] != want[0] || f.calls[1] != want[1] {
		t.Errorf("calls %v, want %v", f.calls, want)
	}

	plain := newFake().ring(t, Config{Entries: 4})
	defer func() {
		if recover() == nil {
			t.Error("PushChain without Config.Chains does not panic")
		}
	}()
	plain.PushChain(chain)
}

// TestOthersBringEntriesIn is about the kernel that does not wait unless it took
// what it was told to.
func TestOthersBringEntriesIn(t *testing.T) {
	for _, s := range []struct {
		name  string
		takes []uint32 // what the kernel takes in each call
		want  []fakeCall
		n     int
	}{
		{"none", []uint32{4, 0}, []fakeCall{{4, 1, enterGetEvents, 0}}, 4},
		{"all", []uint32{0, 0}, []fakeCall{{4, 1, enterGetEvents, 0}, {0, 1, enterGetEvents, 0}}, 0},
		{"some", []uint32{3, 1}, []fakeCall{{4, 1, enterGetEvents, 0}, {1, 1, enterGetEvents, 0}}, 4},
	} {
		t.Run(s.name, func(t *testing.T) {
			f := newFake()
			r := f.ring(t, Config{Entries: 8})
			for i := range 4 {
				e := Nop(uint64(i))
				r.Push(&e)
			}
			f.take = func(uint32) (uint32, syscall.Errno) {
				n := s.takes[0]
				s.takes = s.takes[1:]
				return n, 0
			}
			n, err := r.Enter(1, 0)
			if n != s.n || err != nil || len(f.calls) != len(s.want) {
				t.Fatalf("Enter = %d, %v after calls %v, want %d and %v", n, err, f.calls, s.n, s.want)
			}
			for i := range s.want {
				if f.calls[i] != s.want[i] {
					t.Errorf("calls %v, want %v", f.calls, s.want)
				}
			}
		})
	}
}

func TestErrorsOfEnterKeepEntriesPending(t *testing.T) {
	f := newFake()
	r := f.ring(t, Config{Entries: 8})
	e := Nop(1)
	r.Push(&e)
	for _, want := range []syscall.Errno{syscall.EINTR, syscall.EAGAIN, syscall.EBUSY, syscall.EPERM} {
		f.take = func(uint32) (uint32, syscall.Errno) { return 0, want }
		if n, err := r.Enter(1, 0); n != 0 || err != want || r.Pending() != 1 {
			t.Errorf("Enter = %d, %v, want %v; pending %d", n, err, want, r.Pending())
		}
	}
	f.take = nil
	if n, err := r.Enter(0, 0); n != 1 || err != nil {
		t.Errorf("Enter = %d, %v", n, err)
	}
}

func TestEnterAsksOnlyForWhatThereIs(t *testing.T) {
	f := newFake()
	f.lacks = featExtArg
	r := f.ring(t, Config{Entries: 8, Completions: 16})
	if n, err := r.Enter(0, time.Second); n != 0 || err != nil || len(f.calls) != 0 {
		t.Errorf("nothing to do: %d, %v, calls %v", n, err, f.calls)
	}
	if _, err := r.Enter(1, time.Second); err == nil || len(f.calls) != 0 {
		t.Errorf("a bounded wait without ExtArg: %v", err)
	}
	for _, bad := range []struct {
		n    int
		wait time.Duration
	}{{-1, 0}, {1, -1}} {
		if _, err := r.Enter(bad.n, bad.wait); err != syscall.EINVAL {
			t.Errorf("Enter(%d, %d) = %v, want EINVAL", bad.n, bad.wait, err)
		}
	}
	// Completions that are kept back, or not yet made, are asked for.
	for _, flag := range []uint32{sqOverflow, sqTaskrun} {
		f.calls = nil
		atomic.StoreUint32(f.sq.flags, flag)
		if r.Overflowed() != (flag == sqOverflow) {
			t.Errorf("Overflowed = %v with flags %#x", r.Overflowed(), flag)
		}
		if _, err := r.Enter(0, 0); err != nil || len(f.calls) != 1 || f.calls[0].flags != enterGetEvents {
			t.Errorf("flags %#x: %v, calls %v", flag, err, f.calls)
		}
	}
	atomic.StoreUint32(f.sq.flags, 0)
	f.calls = nil
	if _, err := r.Enter(1000, 0); err != nil || len(f.calls) != 1 || f.calls[0].min != 16 {
		t.Errorf("more than the queue holds: %v, calls %v", err, f.calls)
	}
}

func TestCallsAfterClose(t *testing.T) {
	f := newFake()
	r, err := newRing(Config{Entries: 8, Chains: true}, f.kernel())
	if err != nil {
		t.Fatal(err)
	}
	e := Nop(1)
	r.Push(&e)
	for range 2 {
		if err := r.Close(); err != nil || f.open != 0 {
			t.Fatalf("Close = %v, %d not given back", err, f.open)
		}
	}
	if _, err := r.Enter(1, 0); err != syscall.ENXIO {
		t.Errorf("Enter = %v, want ENXIO", err)
	}
	if r.Push(&e) || r.PushChain([]Entry{e}) || r.Space()+r.Pending()+r.Ready()+r.Reap(make([]Completion, 4)) != 0 ||
		r.Overflowed() || r.Lost()+r.Dropped() != 0 {
		t.Error("a closed ring has something")
	}
	r.Notify(true)
	for name, err := range map[string]error{"RegisterEventFD": r.RegisterEventFD(0), "RegisterBuffers": r.RegisterBuffers(nil),
		"UnregisterBuffers": r.UnregisterBuffers(), "RegisterFiles": r.RegisterFiles(nil), "UpdateFiles": r.UpdateFiles(0, nil),
		"UnregisterFiles": r.UnregisterFiles(), "UnregisterEventFD": r.UnregisterEventFD()} {
		if e, ok := err.(*Error); !ok || e.Err != syscall.ENXIO {
			t.Errorf("%s = %v, want ENXIO", name, err)
		}
	}
}

// TestACloseDuringEnter gives the descriptor back only after the call that uses
// it, whose number could be another file's by then.
func TestACloseDuringEnter(t *testing.T) {
	f := newFake()
	r := f.ring(t, Config{Entries: 8})
	e := Nop(1)
	r.Push(&e)
	f.take = func(uint32) (uint32, syscall.Errno) {
		r.Close()
		if f.open != 3 {
			t.Errorf("%d descriptors and mappings in Enter, want 3", f.open)
		}
		return 1, 0
	}
	if n, err := r.Enter(1, 0); n != 1 || err != nil || f.open != 0 {
		t.Errorf("Enter = %d, %v, and %d not given back", n, err, f.open)
	}
}
