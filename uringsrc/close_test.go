package uringsrc_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/oriel-go/oriel/uringsrc"
	"github.com/oriel-go/oriel/uringsrc/uringtest"
)

// TestCloseCancels what can be cancelled, again where a cancel misses, and does
// not begin anew what it has cancelled.
func TestCloseCancels(t *testing.T) {
	bubble(t, func(t *testing.T, k uringtest.Kernel) {
		for _, ignored := range []int{0, 700} {
			e, sim := simulate(t, uringtest.Options{Kernel: k, Seats: 2, Faults: uringtest.Faults{Never: 1000, Ignored: ignored}})
			var all []*owned
			for i := range 20 { // 4 of them queue
				r := ask(1, int64(i), 10)
				all = append(all, r)
				e.Start(nil, &r.Read)
			}
			seated := ask(1, 0, 10)
			back := make(chan error, 1)
			go func() { back <- e.Read(context.Background(), &seated.Read) }()
			synctest.Wait()
			all[3].Abandon()
			closeAll(t, e, sim)
			if err := <-back; err != nil {
				t.Error(err)
			}
			for i, r := range append(all, seated) {
				if r.done.Load() != 1 || i != 3 && !errors.Is(r.Err, uringsrc.ErrClosed) {
					t.Errorf("read %d: %v", i, r.Err)
				}
			}
			if n := e.Stats().Continued; n != 0 {
				t.Errorf("%d were begun again", n)
			}
		}
	})
}

// TestCloseWithAContextThatHasEnded cancels nevertheless, and what it leaves comes
// back without another call. Now and then it comes while Close still looks.
func TestCloseWithAContextThatHasEnded(t *testing.T) {
	bubble(t, func(t *testing.T, k uringtest.Kernel) {
		for range 10 {
			if closesEarly(t, k) {
				return
			}
		}
		t.Error("Close never left anything")
	})
}

func closesEarly(t *testing.T, k uringtest.Kernel) bool {
	e, sim := simulate(t, uringtest.Options{Kernel: k, Seats: 1, Faults: uringtest.Faults{Never: 1000, Late: 1000}})
	r := ask(1, 0, 10)
	e.Start(nil, &r.Read)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var q *uringsrc.QuarantineError
	err := e.Close(ctx)
	if err != nil && (!errors.As(err, &q) || q.Reads != 1 || q.Bytes != 10) {
		t.Errorf("Close = %v", err)
	}
	<-r.told
	synctest.Wait()
	if err := sim.Check(); err != nil {
		t.Errorf("the rings were not given back: %v", err)
	}
	closeAll(t, e, sim)
	return err != nil
}

// TestQuarantine: what hangs is told, stays the engine's, and everything is given
// back when it comes.
func TestQuarantine(t *testing.T) {
	bubble(t, func(t *testing.T, k uringtest.Kernel) {
		e, sim := simulate(t, uringtest.Options{Kernel: k, Seats: 1, Faults: uringtest.Faults{Stuck: 1000}})
		wanted, given := ask(1, 0, 10), ask(1, 5, 20)
		e.Start(nil, &wanted.Read, &given.Read)
		given.Abandon()
		const wait = time.Second
		for range 2 {
			began := time.Now()
			var q *uringsrc.QuarantineError
			if err := e.Close(within(t, wait)); !errors.As(err, &q) || q.Reads != 2 || q.Bytes != 30 {
				t.Errorf("Close = %v", err)
			}
			if took := time.Since(began); took > wait+2*time.Millisecond {
				t.Errorf("Close took %v", took)
			}
		}
		if wanted.done.Load()+given.done.Load() != 0 {
			t.Error("a read that hangs has ended")
		}
		late := ask(1, 0, 10)
		if err := e.Read(context.Background(), &late.Read); err != nil || !errors.Is(late.Err, uringsrc.ErrClosed) {
			t.Errorf("Read after Close = %v, %v", err, late.Err)
		}
		sim.Release()
		<-given.told
		<-wanted.told
		synctest.Wait()
		if err := sim.Check(); err != nil {
			t.Errorf("the rings were not given back: %v", err)
		}
		if err := wanted.Wait(context.Background()); err != nil {
			t.Error(err)
		}
		wantBytes(t, &wanted.Read)
		closeAll(t, e, sim)
	})
}

// A slowOwner is told for as long as the test likes.
type slowOwner struct{ told, on chan struct{} }

func (o slowOwner) ReadDone(*uringsrc.Read, bool) {
	close(o.told)
	<-o.on
}

// TestCloseWaitsForOwners who are being told.
func TestCloseWaitsForOwners(t *testing.T) {
	bubble(t, func(t *testing.T, k uringtest.Kernel) {
		e, sim := simulate(t, uringtest.Options{Kernel: k})
		o := slowOwner{make(chan struct{}), make(chan struct{})}
		r := &uringsrc.Read{FD: 1, Buf: make([]byte, 10), Owner: o}
		q := e.NewQueue()
		e.Start(q, r)
		go q.Next(context.Background())
		<-o.told
		ended := make(chan error, 1)
		go func() { ended <- e.Close(context.Background()) }()
		time.Sleep(time.Second)
		select {
		case <-ended:
			t.Error("Close returned before ReadDone had")
		default:
		}
		close(o.on)
		if err := <-ended; err != nil {
			t.Errorf("Close = %v", err)
		}
		synctest.Wait()
		closeAll(t, e, sim)
	})
}

// TestNextAfterClose, and while it waits: nothing comes any more.
func TestNextAfterClose(t *testing.T) {
	bubble(t, func(t *testing.T, k uringtest.Kernel) {
		e, sim := simulate(t, uringtest.Options{Kernel: k})
		q, other := e.NewQueue(), e.NewQueue()
		r := ask(1, 0, 10)
		e.Start(q, &r.Read)
		waits := make(chan error, 1)
		go func() {
			_, err := other.Next(context.Background())
			waits <- err
		}()
		time.Sleep(time.Second)
		closeAll(t, e, sim)
		if err := <-waits; !errors.Is(err, uringsrc.ErrClosed) {
			t.Errorf("Next = %v", err)
		}
		if got, err := q.Next(context.Background()); got != &r.Read || err != nil {
			t.Errorf("Next = %v, %v, want what has ended before", got, err)
		}
		if got, err := q.Next(context.Background()); got != nil || !errors.Is(err, uringsrc.ErrClosed) {
			t.Errorf("Next = %v, %v", got, err)
		}
		synctest.Wait()
	})
}

// TestWakeOfAQueue has Next return, the one that waits or the one that comes.
func TestWakeOfAQueue(t *testing.T) {
	bubble(t, func(t *testing.T, k uringtest.Kernel) {
		e, sim := simulate(t, uringtest.Options{Kernel: k, Faults: uringtest.Faults{Stuck: 1000}})
		q := e.NewQueue()
		r := ask(1, 0, 10)
		e.Start(q, &r.Read)
		for _, after := range []time.Duration{0, time.Millisecond / 2, time.Second} {
			time.AfterFunc(after, q.Wake)
			synctest.Wait()
			began := time.Now()
			if got, err := q.Next(context.Background()); got != nil || err != nil {
				t.Errorf("Next = %v, %v", got, err)
			}
			if took := time.Since(began); took > after+2*time.Millisecond {
				t.Errorf("after %v: it took %v", after, took)
			}
		}
		q.Wake()
		sim.Release()
		<-r.Ready()
		if got, err := q.Next(context.Background()); got != &r.Read || err != nil {
			t.Errorf("Next = %v, %v", got, err)
		}
		if got, err := q.Next(context.Background()); got != nil || err != nil {
			t.Errorf("Next = %v, %v, want that of Wake", got, err)
		}
		closeAll(t, e, sim)
	})
}

// TestTheOrderOfWhatQueues is that in which it was started, also for what would
// fit.
func TestTheOrderOfWhatQueues(t *testing.T) {
	bubble(t, func(t *testing.T, k uringtest.Kernel) {
		e, sim := simulate(t, uringtest.Options{Kernel: k, Engine: uringsrc.Options{InFlight: 4, InFlightBytes: 100}, Faults: uringtest.Faults{Stuck: 1000}})
		first, second, small := ask(1, 0, 60), ask(1, 0, 60), ask(1, 0, 10)
		e.Start(nil, &first.Read, &second.Read, &small.Read)
		if s := e.Stats(); s.InKernel != 1 || s.Queued != 2 || s.QueuedBytes != 70 || s.KernelBytes != 60 {
			t.Errorf("%+v", s)
		}
		if second.Abandon() || second.done.Load() != 1 || second.abandoned.Load() != 1 {
			t.Error("what queues and is abandoned is not its Owner's at once")
		}
		if s := e.Stats(); s.InKernel != 2 || s.Queued != 0 {
			t.Errorf("%+v", s)
		}
		sim.Release()
		for _, r := range []*owned{first, small} {
			if err := r.Wait(context.Background()); err != nil {
				t.Error(err)
			}
			wantBytes(t, &r.Read)
		}
		closeAll(t, e, sim)
	})
}

// TestLeadingIsTakenUpAgain after a device that was late: the bell, which the test
// rings, rings once.
func TestLeadingIsTakenUpAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, sim := simulate(t, uringtest.Options{Steps: true, Faults: uringtest.Faults{Stuck: 1000}})
		r := ask(1, 0, 10)
		back := make(chan error, 1)
		go func() { back <- e.Read(context.Background(), &r.Read) }()
		time.Sleep(time.Second) // it sleeps by now
		synctest.Wait()
		sim.Release()
		sim.Step()
		if err := <-back; err != nil {
			t.Error(err)
		}
		sim.SetFaults(uringtest.Faults{Late: 1000})
		for range 10 {
			r := ask(1, 0, 10)
			if err := e.Read(within(t, time.Second), &r.Read); err != nil {
				t.Fatal(err)
			}
			wantBytes(t, &r.Read)
		}
		closeAll(t, e, sim)
	})
}
