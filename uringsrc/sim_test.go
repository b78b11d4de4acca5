package uringsrc_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/oriel-go/oriel/uringsrc"
	"github.com/oriel-go/oriel/uringsrc/uringtest"
)

// options returns the engine and the faults of a seed.
func options(seed uint64) uringtest.Options {
	rng := rand.New(rand.NewPCG(seed, 1))
	o := uringtest.Options{
		Kernel:  uringtest.Kernel(rng.IntN(3)),
		Engine:  uringsrc.Options{InFlight: 1 + rng.IntN(16)},
		Seats:   rng.IntN(4),
		Content: modelFile,
		Faults:  uringtest.Random(seed),
	}
	if rng.IntN(3) == 0 {
		o.Engine.InFlightBytes = int64(1 + rng.IntN(1000))
	}
	if rng.IntN(4) == 0 {
		o.Completions = 1 + rng.IntN(8)
	}
	switch f := &o.Faults; rng.IntN(8) {
	case 0:
		f.Never = 100
	case 1:
		f.Never, f.Stuck = 50, 50
	case 2:
		f.EnterFails, f.EnterError = 1+rng.IntN(30), syscall.EPERM
		o.Completions = 0 // what has overflowed would never come without Enter
	case 3:
		f.Repeated = 100
	case 4:
		f.EnterAgain = 300
	}
	return o
}

// runProgram runs the program of a seed; script decides its first steps.
func runProgram(t testing.TB, seed uint64, script []byte) {
	rng := rand.New(rand.NewPCG(seed, 2))
	o := options(seed)
	actors := 1 + rng.IntN(4)
	o.Steps = actors == 1 && rng.IntN(2) == 0
	e, sim, err := uringtest.New(seed, o)
	if err != nil {
		t.Fatal(err)
	}
	p := &program{t: t, o: o, e: e, sim: sim}
	length := 5 + rng.IntN(30)
	var wg sync.WaitGroup
	closes := rng.IntN(3) == 0
	all := make([]*actor, actors)
	for n := range all {
		a := &actor{program: p, rng: rand.New(rand.NewPCG(seed, 3+uint64(n))), queue: e.NewQueue()}
		all[n] = a
		wg.Go(func() {
			for i := range length {
				if n == 0 && i < len(script) {
					a.step(int(script[i]) % steps)
				} else {
					a.step(a.rng.IntN(steps))
				}
				if closes && n == 0 && i == length/2 {
					p.closing.Store(true)
					if o.Steps {
						break
					}
					ctx, cancel := a.context()
					wg.Go(func() {
						defer cancel()
						p.closeEarly(ctx)
					})
				}
			}
		})
	}
	wg.Wait()
	sim.Release()
	if o.Steps {
		for sim.Step() {
		}
	}
	p.end(all, closes)
}

// closeEarly closes the engine while others use it.
func (p *program) closeEarly(ctx context.Context) {
	err := p.e.Close(ctx)
	var q *uringsrc.QuarantineError
	if err != nil && (!errors.As(err, &q) || q.Reads <= 0) {
		p.t.Errorf("Close = %v", err)
	}
}

// end has everything end, and looks at what is left.
func (p *program) end(all []*actor, closed bool) {
	var wg sync.WaitGroup
	if p.o.Steps {
		// A goroutine hears the bell for those who wait from now on.
		var done atomic.Bool
		var stepper sync.WaitGroup
		stepper.Go(func() {
			for !done.Load() {
				p.sim.Step()
				pause(time.Microsecond)
			}
		})
		defer stepper.Wait()
		defer done.Store(true)
	}
	if !closed {
		for _, a := range all {
			wg.Go(a.finish)
		}
		wg.Wait()
	}
	p.closing.Store(true)
	if err := p.e.Close(context.Background()); err != nil {
		p.t.Errorf("Close = %v", err)
	}
	for _, i := range p.items {
		if n, m := i.ended.Load(), i.started.Load(); n != m {
			p.t.Errorf("Close has returned, and a read has ended %d times after %d starts", n, m)
		}
	}
	for _, a := range all {
		a.finish()
	}
	if err := p.sim.Check(); err != nil {
		p.t.Errorf("the simulation: %v", err)
	}
	p.settled()
}

// settled looks at what is left when everything has ended.
func (p *program) settled() {
	var started int64
	largest := int64(0)
	for _, i := range p.items {
		if n, m := i.ended.Load(), i.started.Load(); n != m {
			p.t.Errorf("ended %d times after %d starts", n, m)
		}
		started += i.started.Load()
		i.checkCanary()
		largest = int64(len(i.whole))
	}
	if len(p.free) != len(p.items) {
		p.t.Errorf("%d of %d buffers are free", len(p.free), len(p.items))
	}
	s := p.e.Stats()
	if s.Strays != 0 && p.o.Faults.Repeated == 0 || s.Reads != started {
		p.t.Errorf("%d reads, want %d; %d strays", s.Reads, started, s.Strays)
	}
	if s.Queued != 0 || s.InKernel != 0 || s.Orphaned != 0 || s.QueuedBytes != 0 || s.KernelBytes != 0 || s.OrphanBytes != 0 {
		p.t.Errorf("left: %+v", s)
	}
	c := p.sim.Counts()
	if limit := max(p.o.Engine.InFlightBytes, largest); c.MaxInFlight > p.o.Engine.InFlight || p.o.Engine.InFlightBytes > 0 && c.MaxBytes > limit {
		p.t.Errorf("%d reads and %d bytes were in flight, at most %d and %d may be", c.MaxInFlight, c.MaxBytes, p.o.Engine.InFlight, limit)
	}
}

// TestRandomPrograms runs many, in bubbles: a program that hangs is a deadlock
// there.
func TestRandomPrograms(t *testing.T) {
	seeds := uint64(100_000)
	switch {
	case testing.Short():
		seeds = 3_000
	case raceEnabled:
		seeds = 10_000
	}
	if s := os.Getenv("ORIEL_SEED"); s != "" {
		var seed uint64
		fmt.Sscan(s, &seed)
		for range 100 {
			synctest.Test(t, func(t *testing.T) { runProgram(t, seed, nil) })
		}
		return
	}
	var next, ran atomic.Uint64
	t.Run("seeds", func(t *testing.T) {
		for range runtime.GOMAXPROCS(0) {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				for !t.Failed() {
					seed := next.Add(1) - 1
					if seed >= seeds {
						return
					}
					runSeed(t, seed)
					ran.Add(1)
				}
			})
		}
	})
	t.Logf("%d seeds", ran.Load())
}

// runSeed runs one, and says which if it does not come to an end.
func runSeed(t *testing.T, seed uint64) {
	watch := time.AfterFunc(30*time.Second, func() {
		debug.SetTraceback("all")
		panic(fmt.Sprintf("seed %d does not end", seed))
	})
	defer watch.Stop()
	defer func() {
		if r := recover(); r != nil {
			t.Errorf("seed %d", seed)
			panic(r)
		}
		if t.Failed() {
			t.Errorf("seed %d", seed)
		}
	}()
	synctest.Test(t, func(t *testing.T) { runProgram(t, seed, nil) })
}

func FuzzPrograms(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed, []byte{})
		f.Add(seed, []byte{2, 2, 6, 6, 7, 3, 11, 8})
	}
	f.Fuzz(func(t *testing.T, seed uint64, script []byte) {
		synctest.Test(t, func(t *testing.T) { runProgram(t, seed, script) })
	})
}
