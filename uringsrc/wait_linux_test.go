package uringsrc_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/uringsrc"
)

// TestManyWaitForPipes that are answered one after the other, in an order of no
// meaning: whoever waits in the kernel leaves, and the others go on.
func TestManyWaitForPipes(t *testing.T) {
	const readers = 12
	e := needEngine(t, uringsrc.Options{})
	for round := range scale(200) {
		var outs [readers]int
		var wg sync.WaitGroup
		var ends []func()
		for i := range readers {
			var fds [2]int
			if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
				t.Fatal(err)
			}
			ends = append(ends, func() { unix.Close(fds[0]); unix.Close(fds[1]) })
			outs[i] = fds[1]
			wg.Go(func() {
				r := ask(fds[0], -1, 2)
				if err := e.Read(within(t, patience), &r.Read); err != nil || string(r.Buf) != "ok" {
					t.Errorf("round %d, reader %d: %v, %v, %q", round, i, err, r.Err, r.Buf)
				}
			})
		}
		for _, i := range shuffled(readers) {
			write(t, outs[(i+round)%readers], "ok")
		}
		wg.Wait()
		for _, end := range ends {
			end()
		}
	}
}

// TestReadersWhoLeave have the others answered nevertheless.
func TestReadersWhoLeave(t *testing.T) {
	e := needEngine(t, uringsrc.Options{})
	in, out := pipe(t)
	other, _ := pipe(t)
	for range scale(300) {
		leaver, stays := ask(other, -1, 1), ask(in, -1, 2)
		ctx, cancel := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		e.Start(nil, &leaver.Read, &stays.Read)
		wg.Go(func() {
			if err := leaver.Wait(ctx); err == nil {
				t.Error("a pipe without bytes has been read")
			}
			leaver.Abandon()
		})
		wg.Go(func() {
			if err := stays.Wait(within(t, patience)); err != nil || string(stays.Buf) != "ok" {
				t.Errorf("%v, %q", err, stays.Buf)
			}
		})
		cancel()
		write(t, out, "ok")
		wg.Wait()
		select {
		case <-leaver.told:
		case <-time.After(patience):
			t.Fatal("a read that was cancelled does not come back")
		}
	}
}

// TestAPipeThatAnswersLate, when all who wait sleep: by then the kernel tells by
// an eventfd.
func TestAPipeThatAnswersLate(t *testing.T) {
	e := needEngine(t, uringsrc.Options{})
	in, out := pipe(t)
	r, orphan, ready := ask(in, -1, 4), ask(in, -1, 4), ask(in, -1, 4)
	back := make(chan error, 1)
	go func() { back <- e.Read(context.Background(), &r.Read) }()
	var enters int64
	for same := 0; same < 50; { // until nobody enters any more
		select {
		case err := <-back:
			t.Fatal("before it was written: ", err)
		case <-time.After(5 * time.Millisecond):
		}
		if n := e.Stats().Enters; n != enters {
			enters, same = n, 0
		} else {
			same++
		}
	}
	write(t, out, "late")
	if err := <-back; err != nil || string(r.Buf) != "late" {
		t.Errorf("%v, %q", err, r.Buf)
	}
	t.Logf("%d calls of Enter", e.Stats().Enters)

	e.Start(nil, &ready.Read)
	c := ready.Ready()
	e.Start(nil, &orphan.Read)
	write(t, out, "more")
	write(t, out, "more")
	<-c
	if orphan.Abandon() {
		return
	}
	<-orphan.told
}

// TestSeats: a few readers wait for themselves, and the shared ring is left to
// others.
func TestSeats(t *testing.T) {
	e := needEngine(t, uringsrc.Options{InFlight: 1})
	if e.Info().Rings < 2 {
		t.Skip("this engine has no seats")
	}
	in, out := pipe(t)
	seated, shared := ask(in, -1, 1), ask(in, -1, 1)
	e.Start(nil, &shared.Read) // which fills the shared ring
	back := make(chan error, 1)
	go func() { back <- e.Read(within(t, patience), &seated.Read) }()
	for deadline := time.Now().Add(patience); e.Stats().InKernel < 2; {
		if time.Now().After(deadline) {
			t.Fatal("the reader has no seat")
		}
	}
	if s := e.Stats(); s.Queued != 0 {
		t.Errorf("%+v", s)
	}
	write(t, out, "ab")
	if err := <-back; err != nil {
		t.Error(err)
	}
	if err := shared.Wait(within(t, patience)); err != nil {
		t.Error(err)
	}
}

// TestFD is readable when something is to be taken in, for event loops.
func TestFD(t *testing.T) {
	e := needEngine(t, uringsrc.Options{})
	in, out := pipe(t)
	r := ask(in, -1, 4)
	e.Start(nil, &r.Read)
	poll := func(wait int) bool {
		for {
			n, err := unix.Poll([]unix.PollFd{{Fd: int32(e.FD()), Events: unix.POLLIN}}, wait)
			if err != unix.EINTR {
				return n == 1
			}
		}
	}
	if poll(0) {
		t.Error("readable before the pipe was written")
	}
	write(t, out, "late")
	if !poll(int(patience / time.Millisecond)) {
		t.Error("not readable")
	}
	e.Poll()
	if r.done.Load() != 1 || poll(0) {
		t.Errorf("ended %d times after Poll", r.done.Load())
	}
	if !r.Done() {
		t.Error("not done")
	}
}
