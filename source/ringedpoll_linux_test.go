package source

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/uringsrc/uringtest"
	"github.com/oriel-go/oriel/window"
)

// An eventLoop polls a Runtime as an event loop of another language would: one
// thread, in epoll_wait.
type eventLoop struct {
	t     testing.TB
	rt    *Runtime
	epoll int
}

func newEventLoop(t testing.TB, rt *Runtime) *eventLoop {
	t.Helper()
	fd, err := rt.PollFD()
	if err != nil {
		t.Fatal(err)
	}
	l := &eventLoop{t: t, rt: rt}
	if l.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(l.epoll) })
	if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN}); err != nil {
		t.Fatal(err)
	}
	return l
}

// turn waits until something has finished, and takes it in.
func (l *eventLoop) turn() {
	l.t.Helper()
	var events [1]unix.EpollEvent
	for {
		n, err := unix.EpollWait(l.epoll, events[:], 10_000)
		if err == unix.EINTR {
			continue
		}
		if n != 1 || err != nil {
			l.t.Fatalf("epoll_wait = %d, %v: a wake-up was lost; %+v", n, err, l.rt.Stats())
		}
		break
	}
	l.rt.Poll()
}

// readAll gets ranges of f by TryReadManagedAt alone, and returns how often it
// had to wait.
func (l *eventLoop) readAll(f *File, text []byte, ranges []window.Range) (turns int) {
	l.t.Helper()
	for {
		var left []window.Range
		for _, r := range ranges {
			w, err := f.TryReadManagedAt(l.t.Context(), r.Off, int(r.Len))
			switch {
			case errors.Is(err, window.ErrNotReady) || errors.Is(err, window.ErrLimit):
				left = append(left, r)
			case err != nil || !bytes.Equal(w.Bytes(), text[r.Off:][:r.Len]):
				l.t.Fatalf("%v: %v, %v", r, w, err)
			}
			w.Release()
		}
		if len(left) == 0 {
			return turns
		}
		ranges = left
		l.turn()
		turns++
	}
}

// pollWays are the ways in which fetches are made: by the ring, and as tasks.
var pollWays = map[string]Options{
	"ring":           {Source: Uring, Direct: DirectNever},
	"ring, direct":   {Source: Uring, Direct: DirectAlways},
	"pread by tasks": {Source: Pread},
}

func someRanges(rnd *rand.Rand, n int, size int64) (ranges []window.Range) {
	for range n {
		r := window.Range{Off: rnd.Int64N(size - 8<<10), Len: 1 + rnd.Int64N(8<<10)}
		ranges = append(ranges, r)
	}
	return ranges
}

func TestPollDrivesAHundredReads(t *testing.T) {
	text := random(4 << 20)
	name := write(t, text)
	for way, o := range pollWays {
		for _, first := range []bool{true, false} { // whether the descriptor is asked for before there is a ring
			t.Run(way, func(t *testing.T) {
				rt := newRuntime(t, Limits{})
				o.Runtime = rt
				var l *eventLoop
				if first {
					l = newEventLoop(t, rt)
				}
				ringing(t, &Options{Runtime: rt, Source: o.Source, Direct: o.Direct})
				f := waits(openAt(t, name, &o))
				if !first {
					l = newEventLoop(t, rt)
				}
				goroutines := runtime.NumGoroutine()
				turns := l.readAll(f, text, someRanges(rand.New(rand.NewPCG(1, 4)), 100, int64(len(text))))
				if turns == 0 && way != "ring" {
					t.Error("all was there at once")
				}
				if o.Source == Uring { // one that has done its work may be there for a moment
					waitFor(t, "goroutines that are not needed to end", func() bool { return runtime.NumGoroutine() <= goroutines })
				}
				if again, err := rt.PollFD(); err != nil || again < 0 {
					t.Errorf("PollFD = %d, %v", again, err)
				}
			})
		}
	}
}

func TestPollDrivesAReader(t *testing.T) {
	text := random(2 << 20)
	name := write(t, text)
	for way, o := range pollWays {
		t.Run(way, func(t *testing.T) {
			rt := newRuntime(t, Limits{})
			o.Runtime, o.WindowBytes = rt, 32<<10
			ringing(t, &Options{Runtime: rt, Source: o.Source, Direct: o.Direct})
			l := newEventLoop(t, rt)
			r := waits(openAt(t, name, &o)).NewReader(nil)
			defer r.Close()
			for at := 0; ; {
				w, err := r.TryReadManaged(t.Context())
				switch {
				case errors.Is(err, window.ErrNotReady):
					l.turn()
					continue
				case err == io.EOF && at == len(text):
					return
				case err != nil || !bytes.Equal(w.Bytes(), text[at:at+w.Len()]):
					t.Fatalf("at %d: %v, %v", at, w, err)
				}
				at += w.Len()
				w.Release()
			}
		})
	}
}

// A slowEnd is a backend that takes its time to close.
type slowEnd struct {
	backend
	letGo chan struct{}
}

func (b slowEnd) close() error {
	<-b.letGo
	return b.backend.close()
}

// What the loop was told of is there. It was not, where another goroutine took
// the completion in: that told the loop, was kept from saying that the read is
// done by another file's end, and the loop, which had tried in vain, slept for
// ever.
func TestPollTellsOfWhatIsThere(t *testing.T) {
	text := random(10_000)
	name := write(t, text)
	waited := 0
	for seed := range uint64(20) { // whether the loop's read is the first to be told of is chance
		rt, sim := simulated(t, Limits{}, seed, uringtest.Options{})
		f, g := ringed(t, rt, name, Options{Direct: DirectNever}), ringed(t, rt, name, Options{Direct: DirectNever})
		q, err := rt.NewQueue(2)
		if err != nil {
			t.Fatal(err)
		}
		l := newEventLoop(t, rt)
		sim.SetFaults(stuck)
		if seed%2 == 0 {
			_, err = f.TryReadManagedAt(t.Context(), 77, 1000)
		} else {
			_, err = q.Submit(t.Context(), QueueRead{File: f, Off: 77, Len: 1000})
		}
		if err != nil && !errors.Is(err, window.ErrNotReady) {
			t.Fatal(err)
		}
		other, err := rt.NewQueue(1)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := other.Submit(t.Context(), QueueRead{File: g, Off: 5, Len: 10}); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		end := slowEnd{g.b, make(chan struct{})}
		g.b = end
		g.Close()                                                 // ends with its last read
		sim.SetFaults(uringtest.Faults{Latest: time.Microsecond}) // so that both are taken in at once
		sim.Release()
		taken := make(chan struct{})
		go func() { // takes in what completes, and is kept by the end of g
			defer close(taken)
			for rt.Stats().Ring.InKernel > 0 {
				rt.engine.Poll()
			}
		}()
		try := func() (err error) {
			var w window.Window
			if seed%2 == 0 {
				w, err = f.TryReadManagedAt(t.Context(), 77, 1000)
			} else {
				var res QueueResult
				res, err = q.TryNext()
				w = res.Window
			}
			w.Release()
			return err
		}
		l.turn()
		got := make(chan error, 1)
		go func() { got <- try() }() // which may wait for what keeps the other goroutine
		select {
		case err = <-got:
			close(end.letGo)
		case <-time.After(5 * time.Millisecond):
			waited++
			close(end.letGo)
			err = <-got
		}
		<-taken
		for errors.Is(err, window.ErrNotReady) { // it was told of the other's, so that there is more to come
			l.turn()
			err = try()
		}
		if err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
		if err := errors.Join(q.Close(), other.Close()); err != nil {
			t.Error(err)
		}
	}
	if waited == 0 {
		t.Error("what the loop was told of was there at once, in all of 20 cases")
	}
}

// A wake-up is lost when something finishes between a Try and the wait, and
// nobody says so. Others try for reads of their own at the same time, and then
// all is quiet.
func TestPollLosesNoWakeUp(t *testing.T) {
	rounds := 2000
	if testing.Short() || raceEnabled {
		rounds = 300
	}
	text := random(1 << 20)
	name := write(t, text)
	for way, o := range pollWays {
		t.Run(way, func(t *testing.T) {
			rt := newRuntime(t, Limits{})
			o.Runtime = rt
			ringing(t, &Options{Runtime: rt, Source: o.Source, Direct: o.Direct})
			f, g := waits(openAt(t, name, &o)), waits(openAt(t, name, &o))
			q, err := rt.NewQueue(4)
			if err != nil {
				t.Fatal(err)
			}
			defer q.Close()
			l := newEventLoop(t, rt)
			rnd := rand.New(rand.NewPCG(7, 6))
			for i := range rounds {
				var others sync.WaitGroup
				for range 2 {
					off := rnd.Int64N(500_000)
					others.Go(func() {
						for errors.Is(tryOnce(t, g, text, off), window.ErrNotReady) {
						}
					})
				}
				ranges := someRanges(rnd, 1+rnd.IntN(3), int64(len(text)))
				if i%2 == 0 {
					l.readAll(f, text, ranges)
				} else {
					l.queueAll(q, f, text, ranges)
				}
				others.Wait()
			}
		})
	}
}

// tryOnce tries to read 4 KiB.
func tryOnce(t *testing.T, f *File, text []byte, off int64) error {
	w, err := f.TryReadManagedAt(t.Context(), off, 4<<10)
	if err != nil && !errors.Is(err, window.ErrNotReady) || err == nil && !bytes.Equal(w.Bytes(), text[off:off+4<<10]) {
		t.Errorf("%v, %v", w, err)
	}
	w.Release()
	return err
}

// queueAll gets ranges of f by a Queue, as readAll does.
func (l *eventLoop) queueAll(q *Queue, f *File, text []byte, ranges []window.Range) {
	l.t.Helper()
	var reads []QueueRead
	for i, r := range ranges {
		reads = append(reads, QueueRead{File: f, Off: r.Off, Len: int(r.Len), Tag: uint64(i)})
	}
	if n, err := q.Submit(l.t.Context(), reads...); n != len(reads) || err != nil {
		l.t.Fatalf("Submit = %d, %v", n, err)
	}
	for {
		res, err := q.TryNext()
		switch {
		case err == io.EOF:
			return
		case errors.Is(err, window.ErrNotReady):
			l.turn()
			continue
		case err != nil || res.Err != nil:
			l.t.Fatal(err, res.Err)
		}
		if r := ranges[res.Tag]; res.Window.Off() != r.Off || !bytes.Equal(res.Window.Bytes(), text[r.Off:][:r.Len]) {
			l.t.Errorf("%v: %v", r, res.Window)
		}
		res.Window.Release()
	}
}

// Poll and PollFD of a Runtime that was closed are harmless.
func TestPollAfterClose(t *testing.T) {
	rt, err := NewRuntime(Limits{})
	if err != nil {
		t.Fatal(err)
	}
	rt.Poll()
	if _, err := rt.PollFD(); err != nil {
		t.Fatal(err)
	}
	if err := rt.Close(); err != nil {
		t.Fatal(err)
	}
	rt.Poll()
	rt.announce()
}
