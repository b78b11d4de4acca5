package ring

import (
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// noEvent is how long a test looks for an event that must not come. The kernel
// signals before the Enter that completes an entry returns.
const noEvent = 5 * time.Millisecond

func TestEventsAreSwitchedOffAndOn(t *testing.T) {
	r := needRing(t, Config{Entries: 8, Allow: []Op{OpNop}})
	if !r.Features().EventFDToggle {
		t.Skip("this kernel always signals")
	}
	event := eventFD(t)
	if err := r.RegisterEventFD(event); err != nil {
		t.Fatal(err)
	}
	if err := r.RegisterEventFD(event); !isErrno(err, syscall.EBUSY) {
		t.Errorf("a second one: %v, want EBUSY", err)
	}
	for round := range 3 {
		push(t, r, Nop(0), Nop(1), Nop(2))
		results(t, r, 3)
		if n := signalled(t, event, patience); n != 1 {
			t.Errorf("round %d, switched on: signalled %d times for one submission", round, n)
		}
		r.Notify(false)
		push(t, r, Nop(0), Nop(1))
		results(t, r, 2)
		if n := signalled(t, event, noEvent); n != 0 {
			t.Errorf("round %d, switched off: signalled %d times", round, n)
		}
		r.Notify(true)
		if n := signalled(t, event, noEvent); n != 0 {
			t.Errorf("round %d, switched on again: signalled %d times for what came before", round, n)
		}
	}
	if err := r.UnregisterEventFD(); err != nil {
		t.Fatal(err)
	}
	push(t, r, Nop(0))
	results(t, r, 1)
	if n := signalled(t, event, noEvent); n != 0 {
		t.Errorf("not registered: signalled %d times", n)
	}
	if err := r.UnregisterEventFD(); !isErrno(err, syscall.ENXIO) {
		t.Errorf("unregister nothing: %v, want ENXIO", err)
	}
}

// TestAnOverflowIsNotSignalled: the eventfd says nothing about completions that
// are kept back, and the ring's own descriptor does.
func TestAnOverflowIsNotSignalled(t *testing.T) {
	r := needRing(t, Config{Entries: 8, Completions: 8})
	event := eventFD(t)
	if err := r.RegisterEventFD(event); err != nil {
		t.Fatal(err)
	}
	for i := range uint64(9) {
		push(t, r, Nop(i))
		r.Enter(0, 0)
	}
	if signalled(t, event, patience) == 0 {
		t.Error("no event for a full queue")
	}
	if n := r.Reap(make([]Completion, 8)); n != 8 || !r.Overflowed() {
		t.Fatalf("%d reaped, overflowed %v", n, r.Overflowed())
	}
	push(t, r, Nop(9))
	r.Enter(0, 0) // brings over what had overflowed, because it is flagged
	if n := r.Ready(); n != 2 || r.Overflowed() {
		t.Errorf("%d ready after Enter, overflowed %v", n, r.Overflowed())
	}
	t.Logf("signalled %d times by the Enter that brings completions over", signalled(t, event, noEvent))
	r.Reap(make([]Completion, 8))

	for i := range uint64(9) {
		push(t, r, Nop(i))
		r.Enter(0, 0)
	}
	signalled(t, event, noEvent)
	in, out := pipe(t)
	p := make([]byte, 1)
	push(t, r, Read(in, p, -1, 0, 100))
	r.Enter(0, 0)
	signalled(t, event, noEvent)
	r.Reap(make([]Completion, 8))
	if !r.Overflowed() {
		t.Skip("this kernel has brought completions over by itself")
	}
	write(t, out, "x") // completes beside the overflow
	if n := signalled(t, event, noEvent); n != 0 {
		t.Logf("signalled %d times for a completion that is kept back", n)
	} else {
		t.Log("not signalled for a completion that is kept back")
	}
	polled := []unix.PollFd{{Fd: int32(r.FD()), Events: unix.POLLIN}}
	if n, err := unix.Poll(polled, 0); n != 1 || polled[0].Revents&unix.POLLIN == 0 {
		t.Errorf("poll of the ring = %d, %v", n, err)
	}
	got := 0
	for deadline := time.Now().Add(patience); got < 2; {
		r.Enter(0, 0)
		got += r.Reap(make([]Completion, 8))
		if time.Now().After(deadline) {
			t.Fatalf("%d of 2 completions", got)
		}
	}
}

// TestNoWakeUpIsLost lets a completion come at every moment around that at which
// somebody goes to sleep on the eventfd.
func TestNoWakeUpIsLost(t *testing.T) {
	rounds := 30_000
	if testing.Short() {
		rounds = 3000
	}
	r := needRing(t, Config{Entries: 8})
	if !r.Features().EventFDToggle {
		t.Skip("this kernel always signals")
	}
	event := eventFD(t)
	if err := r.RegisterEventFD(event); err != nil {
		t.Fatal(err)
	}
	var turn atomic.Int64 // the round that the other thread may complete
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for round := range int64(rounds) {
			for spins := 0; turn.Load() < round+1; spins++ {
				if turn.Load() < 0 {
					return
				}
				if spins > 1000 {
					runtime.Gosched()
				}
			}
			for range round % 97 {
				turn.Load()
			}
			e := Nop(uint64(round))
			r.Push(&e)
			r.Enter(0, 0)
		}
	}()
	defer func() { <-done }()
	defer turn.Store(-1)
	// Who goes to sleep too early comes later the next time, and the other way
	// round, so that both meet.
	slept, delay, round, began := 0, 1000, int64(0), time.Now()
	for ; round < int64(rounds) && time.Since(began) < 3*time.Second; round++ {
		turn.Store(round + 1)
		for range delay {
			turn.Load()
		}
		delay = max(delay-10, 0)
		for {
			var c [2]Completion
			if n := r.Reap(c[:]); n == 1 && c[0].UserData == uint64(round) {
				break
			} else if n != 0 {
				t.Fatalf("round %d: %v", round, c[:n])
			}
			r.Notify(true)
			if r.Ready() > 0 {
				r.Notify(false)
				continue
			}
			slept++
			delay += 20
			if signalled(t, event, patience) == 0 {
				t.Fatalf("round %d: no event, and %d ready", round, r.Ready())
			}
			r.Notify(false)
		}
	}
	turn.Store(-1)
	t.Logf("slept %d times in %d rounds", slept, round)
}
