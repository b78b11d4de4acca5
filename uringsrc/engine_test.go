package uringsrc_test

import (
	"context"
	"errors"
	"io"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/oriel-go/oriel/uringsrc"
	"github.com/oriel-go/oriel/uringsrc/uringtest"
	"github.com/oriel-go/oriel/window"
)

func TestAKernelWithoutReadsIsRefused(t *testing.T) {
	e, sim, err := uringtest.New(1, uringtest.Options{Kernel: uringtest.Linux51})
	if e != nil || sim != nil || !errors.Is(err, window.ErrRefused) {
		t.Errorf("New = %v, %v, %v", e, sim, err)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for _, o := range []uringsrc.Options{{InFlight: -1}, {InFlight: uringsrc.MaxInFlight + 1}, {InFlightBytes: -1}} {
		if _, err := uringsrc.New(o); !errors.Is(err, window.ErrOption) {
			t.Errorf("New(%+v) = %v", o, err)
		}
	}
}

// TestOrphansComeBackByThemselves: nobody calls the engine any more when a read
// that was abandoned ends.
func TestOrphansComeBackByThemselves(t *testing.T) {
	bubble(t, func(t *testing.T, k uringtest.Kernel) {
		e, sim := simulate(t, uringtest.Options{Kernel: k, Seats: 1, Faults: uringtest.Faults{Stuck: 1000}})
		started, seated := ask(1, 0, 10), ask(1, 10, 10)
		e.Start(nil, &started.Read)
		if err := e.Read(within(t, time.Millisecond), &seated.Read); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Read = %v", err)
		}
		for _, r := range []*owned{started, seated} {
			if r.Abandon() {
				t.Error("Abandon = true of a read that is stuck")
			}
			if r.Abandon() {
				t.Error("Abandon = true when it is called again")
			}
		}
		synctest.Wait()
		if s := e.Stats(); s.Orphaned != 2 || s.OrphanBytes != 20 || s.InKernel != 0 {
			t.Errorf("%+v", s)
		}
		sim.Release()
		for _, r := range []*owned{started, seated} {
			<-r.told
			if r.done.Load() != 1 || r.abandoned.Load() != 1 {
				t.Error("ReadDone does not say abandoned once")
			}
		}
		wantIdle(t, e)
		closeAll(t, e, sim)
	})
}

// TestReadyIsClosedWithoutAnyCall of the engine.
func TestReadyIsClosedWithoutAnyCall(t *testing.T) {
	bubble(t, func(t *testing.T, k uringtest.Kernel) {
		e, sim := simulate(t, uringtest.Options{Kernel: k, Faults: uringtest.Faults{Late: 1000}})
		r := ask(1, 0, 10)
		e.Start(nil, &r.Read)
		<-r.Ready()
		if !r.Done() {
			t.Error("Ready and not Done")
		}
		<-r.Ready()
		wantBytes(t, &r.Read)
		closeAll(t, e, sim)
	})
}

// TestWhatQueuesGoesOnByItself: only the Owners are told, until nothing queues;
// those that are in the kernel then are for whoever wants them.
func TestWhatQueuesGoesOnByItself(t *testing.T) {
	bubble(t, func(t *testing.T, k uringtest.Kernel) {
		e, sim := simulate(t, uringtest.Options{Kernel: k, Engine: uringsrc.Options{InFlight: 2}, Faults: uringtest.Faults{Late: 1000}})
		var all []*owned
		for i := range 50 {
			r := ask(1, int64(i), 10)
			e.Start(nil, &r.Read)
			all = append(all, r)
		}
		synctest.Wait()
		if s := e.Stats(); s.Queued != 0 || s.InKernel > 2 {
			t.Errorf("%+v", s)
		}
		for _, r := range all {
			if err := r.Wait(context.Background()); err != nil {
				t.Error(err)
			}
			wantBytes(t, &r.Read)
		}
		closeAll(t, e, sim)
	})
}

// TestOverflow of a queue of one completion, with nobody but the bell to see to
// it, and some Enters refused.
func TestOverflow(t *testing.T) {
	bubble(t, func(t *testing.T, k uringtest.Kernel) {
		for seed := range uint64(50) {
			e, sim, err := uringtest.New(seed, uringtest.Options{Kernel: k, Completions: 1, Faults: uringtest.Faults{Late: 500, EnterBusy: 300}})
			if err != nil {
				t.Fatal(err)
			}
			var all []*owned
			for i := range 16 {
				r := ask(1, int64(i), 10)
				all = append(all, r)
				e.Start(nil, &r.Read)
				r.Ready()
			}
			for _, r := range all {
				<-r.Ready()
				wantBytes(t, &r.Read)
			}
			closeAll(t, e, sim)
		}
	})
}

// TestTwoLanesComeAgain when both have no memory for a request at once.
func TestTwoLanesComeAgain(t *testing.T) {
	bubble(t, func(t *testing.T, k uringtest.Kernel) {
		e, sim := simulate(t, uringtest.Options{Kernel: k, Seats: 3, Faults: uringtest.Faults{EnterAgain: 1000}})
		var all []*owned
		for i := range 6 {
			r := ask(1, int64(i), 10)
			all = append(all, r)
			go e.Read(context.Background(), &r.Read)
		}
		time.Sleep(20 * time.Millisecond)
		sim.SetFaults(uringtest.Faults{})
		for _, r := range all {
			<-r.told
		}
		synctest.Wait()
		for _, r := range all {
			wantBytes(t, &r.Read)
		}
		closeAll(t, e, sim)
	})
}

// TestASeatThatIsFullIsLeft to those who do not come back.
func TestASeatThatIsFullIsLeft(t *testing.T) {
	bubble(t, func(t *testing.T, k uringtest.Kernel) {
		e, sim := simulate(t, uringtest.Options{Kernel: k, Seats: 1, Faults: uringtest.Faults{Stuck: 1000}})
		for i := range 4 {
			r := ask(1, int64(i), 10)
			if err := e.Read(within(t, time.Millisecond), &r.Read); err == nil {
				t.Error("a read that is stuck has returned")
			}
			r.Abandon()
		}
		sim.SetFaults(uringtest.Faults{})
		for i := range 10 {
			r := ask(1, int64(i), 10)
			if err := e.Read(within(t, time.Second), &r.Read); err != nil {
				t.Fatalf("behind reads that are stuck: %v", err)
			}
			wantBytes(t, &r.Read)
		}
		sim.Release()
		closeAll(t, e, sim)
	})
}

// TestARingThatFails gives every read back: what it has taken when it completes,
// and the rest at once.
func TestARingThatFails(t *testing.T) {
	bubble(t, func(t *testing.T, k uringtest.Kernel) {
		e, sim := simulate(t, uringtest.Options{Kernel: k, Faults: uringtest.Faults{Late: 1000, Short: 500}})
		var taken, not []*owned
		for i := range 10 {
			r := ask(1, int64(i), 100)
			taken = append(taken, r)
			e.Start(nil, &r.Read)
		}
		sim.SetFaults(uringtest.Faults{EnterFails: 1, EnterError: syscall.EPERM})
		for i := range 10 {
			r := ask(1, int64(i), 100)
			not = append(not, r)
			e.Start(nil, &r.Read)
		}
		var failed *uringsrc.RingError
		for _, r := range not {
			if err := r.Wait(context.Background()); err != nil || !errors.As(r.Err, &failed) || !errors.Is(r.Err, syscall.EPERM) {
				t.Errorf("Wait = %v, Err = %v", err, r.Err)
			}
		}
		for _, r := range taken {
			if err := r.Wait(context.Background()); err != nil {
				t.Error(err)
			}
			if r.N < r.Need && !errors.As(r.Err, &failed) {
				t.Errorf("%d bytes and %v", r.N, r.Err)
			} else if r.N == r.Need {
				wantBytes(t, &r.Read)
			}
		}
		closeAll(t, e, sim)
	})
}

// TestErrorsThatPass are not told, unless they come again and again.
func TestErrorsThatPass(t *testing.T) {
	for _, c := range []struct {
		name  string
		f     uringtest.Faults
		flags uint32
		want  error
		again int64
	}{
		{"interrupted", uringtest.Faults{Interrupted: 300}, 0, nil, -1},
		{"again", uringtest.Faults{Again: 300}, 0, nil, -1},
		{"always again", uringtest.Faults{Again: 1000}, 0, syscall.EAGAIN, 99},
		{"again as it was asked for", uringtest.Faults{Again: 1000}, 8, syscall.EAGAIN, 0},
		{"always cancelled", uringtest.Faults{Canceled: 1000}, 0, syscall.ECANCELED, 2},
		{"always no memory", uringtest.Faults{Fault: 1000}, 0, syscall.EFAULT, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, sim := simulate(t, uringtest.Options{Faults: c.f})
				for range 10 {
					before := e.Stats().Continued
					r := ask(1, 0, 10)
					r.RWFlags = c.flags
					if err := e.Read(context.Background(), &r.Read); err != nil {
						t.Error(err)
					}
					again := e.Stats().Continued - before
					var ring *uringsrc.RingError
					switch {
					case c.want == nil:
						wantBytes(t, &r.Read)
					case !errors.Is(r.Err, c.want) || errors.As(r.Err, &ring) != (c.again > 0) || again != c.again:
						t.Errorf("Err = %v after %d times", r.Err, again)
					}
				}
				closeAll(t, e, sim)
			})
		})
	}
}

// TestShortReadsGoOn up to what is needed, from the right offset, and not from
// within a unit.
func TestShortReadsGoOn(t *testing.T) {
	var offs []int64
	content := func(fd int, p []byte, off int64) (int, error) {
		offs = append(offs, off)
		switch {
		case off == 95:
			return 0, nil
		case off < 0:
			return 1, nil
		}
		return min(10, len(p)), nil
	}
	for _, c := range []struct {
		name                string
		off                 int64
		n, need, unit, want int
		err                 error
		reads               int
	}{
		{"all", 0, 30, 30, 0, 30, nil, 3},
		{"enough", 0, 30, 11, 0, 20, nil, 2},
		{"none needed", 0, 30, 0, 0, 10, nil, 1},
		{"a unit", 0, 40, 40, 5, 40, nil, 4},
		{"within a unit", 0, 40, 40, 4, 10, nil, 1},
		{"the end", 75, 30, 30, 0, 20, io.EOF, 3},
		{"the end, and enough", 75, 30, 20, 0, 20, nil, 2},
		{"a position", -1, 3, 3, 0, 3, nil, 3},
		{"an empty buffer", 0, 0, 0, 0, 0, nil, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, sim := simulate(t, uringtest.Options{Content: content})
			offs = nil
			r := ask(1, c.off, c.n)
			r.Need, r.Unit = c.need, c.unit
			if err := e.Read(context.Background(), &r.Read); err != nil || r.Err != c.err || r.N != c.want || len(offs) != c.reads {
				t.Errorf("%v; %d, %v after %v", err, r.N, r.Err, offs)
			}
			if c.off < 0 && offs[1] != -1 {
				t.Errorf("a read of a position went on at %d", offs[1])
			}
			closeAll(t, e, sim)
		})
	}
}

// TestMisusePanics where it would give memory away.
func TestMisusePanics(t *testing.T) {
	e, sim := simulate(t, uringtest.Options{Faults: uringtest.Faults{Stuck: 1000}})
	panics := func(what string, f func()) {
		defer func() {
			if recover() == nil {
				t.Errorf("%s: no panic", what)
			}
		}()
		f()
	}
	twice, r, q := ask(1, 0, 10), ask(1, 0, 10), e.NewQueue()
	panics("twice in one call", func() { e.Start(nil, &twice.Read, &twice.Read) })
	r.Need = 11
	panics("Need above the buffer", func() { e.Start(nil, &r.Read) })
	r.Need = 10
	e.Start(q, &r.Read)
	panics("started twice", func() { e.Start(nil, &r.Read) })
	sim.Release()
	if err := r.Wait(within(t, patience)); err != nil {
		t.Fatal(err)
	}
	panics("still in a Queue", func() { e.Start(nil, &r.Read) })
	if q.TryNext() != &r.Read {
		t.Error("TryNext has another")
	}
	closeAll(t, e, sim)
}

// TestContextEnds promptly while the read does not, and the buffer stays the
// engine's.
func TestContextEnds(t *testing.T) {
	bubble(t, func(t *testing.T, k uringtest.Kernel) {
		e, sim := simulate(t, uringtest.Options{Kernel: k, Seats: 1, Faults: uringtest.Faults{Stuck: 1000}})
		q := e.NewQueue()
		seated, waited, queued := ask(1, 0, 10), ask(1, 0, 10), ask(1, 0, 10)
		e.Start(nil, &waited.Read)
		e.Start(q, &queued.Read)
		for name, wait := range map[string]func(context.Context) error{
			"Read": func(ctx context.Context) error { return e.Read(ctx, &seated.Read) },
			"Wait": waited.Wait,
			"Next": func(ctx context.Context) error { _, err := q.Next(ctx); return err },
		} {
			const long = 500 * time.Millisecond // more than a leader stays in the kernel for nothing
			began := time.Now()
			if err := wait(within(t, long)); err != context.DeadlineExceeded {
				t.Errorf("%s = %v", name, err)
			}
			if took := time.Since(began); took > long+2*time.Millisecond {
				t.Errorf("%s took %v", name, took)
			}
		}
		if s := e.Stats(); s.InKernel != 3 || seated.done.Load()+waited.done.Load()+queued.done.Load() != 0 {
			t.Errorf("%+v", s)
		}
		sim.Release()
		for _, r := range []*owned{seated, waited, queued} {
			if err := r.Wait(context.Background()); err != nil {
				t.Error(err)
			}
			wantBytes(t, &r.Read)
		}
		closeAll(t, e, sim)
	})
}

// TestTheLeadIsHandedOn: who waits in the kernel leaves, and the others go on,
// without the bell where a wait in the kernel can be bounded.
func TestTheLeadIsHandedOn(t *testing.T) {
	bubble(t, func(t *testing.T, k uringtest.Kernel) {
		e, sim := simulate(t, uringtest.Options{Kernel: k, Steps: k != uringtest.Linux510, Faults: uringtest.Faults{Stuck: 1000}})
		const readers = 5
		var all []*owned
		left := make(chan error, readers)
		for i := range readers {
			r := ask(1, int64(i), 10)
			all = append(all, r)
			ctx := within(t, time.Duration(i+1)*10*time.Millisecond)
			go func() { left <- e.Read(ctx, &r.Read) }()
			synctest.Wait()
		}
		for range readers - 1 {
			if err := <-left; err == nil {
				t.Error("a read that is stuck has returned")
			}
		}
		sim.Release() // the last waits 10 ms more
		if err := <-left; err != nil {
			t.Errorf("the last: %v", err)
		}
		for _, r := range all {
			if err := r.Wait(context.Background()); err != nil {
				t.Error(err)
			}
			wantBytes(t, &r.Read)
		}
		closeAll(t, e, sim)
	})
}

// TestADeviceThatAnswersLate has nobody spin: after a while all sleep.
func TestADeviceThatAnswersLate(t *testing.T) {
	bubble(t, func(t *testing.T, k uringtest.Kernel) {
		e, sim := simulate(t, uringtest.Options{Kernel: k, Seats: 2, Faults: uringtest.Faults{Stuck: 1000}})
		const readers = 6
		var all []*owned
		back := make(chan error, readers)
		for i := range readers {
			r := ask(1, int64(i), 10)
			all = append(all, r)
			go func() { back <- e.Read(context.Background(), &r.Read) }()
		}
		time.Sleep(time.Second)
		synctest.Wait()
		before := e.Stats().Enters
		time.Sleep(time.Hour)
		if n := e.Stats().Enters - before; n > 10 {
			t.Errorf("%d calls of Enter in an hour", n)
		}
		sim.Release()
		for range readers {
			if err := <-back; err != nil {
				t.Error(err)
			}
		}
		for _, r := range all {
			wantBytes(t, &r.Read)
		}
		closeAll(t, e, sim)
	})
}
