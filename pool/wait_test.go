package pool

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/oriel-go/oriel/window"
)

// smallPool has room for two buffers of 64 KiB and no reserve.
func smallPool(t *testing.T) *Pool {
	return newPool(t, &Options{BudgetBytes: 128 * kib, ReserveBytes: -1})
}

func TestRequestLargerThanTheBudgetFailsAtOnce(t *testing.T) {
	p := smallPool(t)
	for _, n := range []int{128*kib + 1, 5 << 20, math.MaxInt} {
		_, err := p.Get(bg, n)
		wantErr(t, err, window.ErrNoMemory)
	}
	get(t, p, 128*kib).Free()
}

func TestEndedContextTakesNoMemory(t *testing.T) {
	p := smallPool(t)
	ctx, cancel := context.WithCancel(bg)
	cancel()
	_, err := p.Get(ctx, 1)
	wantErr(t, err, context.Canceled)
	if st := p.Stats(); st.Gets != 0 || st.InUseBytes != 0 {
		t.Errorf("memory was taken: %+v", st)
	}
}

func TestHolderOfEverythingWaitsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := smallPool(t)
		a, b := get(t, p, 64*kib), get(t, p, 64*kib)
		if _, ok := p.TryGet(1); ok {
			t.Error("TryGet got memory that is not there")
		}
		ctx, cancel := context.WithTimeout(bg, 3*time.Second)
		defer cancel()
		start := time.Now()
		_, err := p.Get(ctx, 1)
		wantErr(t, err, context.DeadlineExceeded)
		if d := time.Since(start); d != 3*time.Second {
			t.Errorf("waited %v", d)
		}
		if want := "waiting for memory: 131072 bytes in use of 131072"; !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
		if st := p.Stats(); st.Waiters != 0 || st.Waits != 1 {
			t.Errorf("the waiter is still there: %+v", st)
		}
		a.Free()
		b.Free()
		get(t, p, 128*kib).Free()
	})
}

func TestWaitersAreServedInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := smallPool(t)
		all := get(t, p, 128*kib)
		var mu sync.Mutex
		var order []int
		for i := range 10 {
			go func() {
				b := get(t, p, 128*kib)
				mu.Lock()
				order = append(order, i)
				mu.Unlock()
				b.Free()
			}()
			synctest.Wait()
		}
		if n := p.Stats().Waiters; n != 10 {
			t.Errorf("%d waiters", n)
		}
		all.Free()
		synctest.Wait()
		if len(order) != 10 {
			t.Fatalf("%d of 10 were served", len(order))
		}
		for i, got := range order {
			if i != got {
				t.Fatalf("served in the order %v", order)
			}
		}
	})
}

func TestLargeWaiterIsNotStarvedBySmallOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := smallPool(t)
		var small [32]*Buffer
		for i := range small {
			small[i] = get(t, p, 4*kib)
		}
		served := make(chan *Buffer, 2)
		go func() { served <- get(t, p, 128*kib) }()
		synctest.Wait()
		go func() { served <- get(t, p, 4*kib) }()
		synctest.Wait()
		for i, b := range small {
			if _, ok := p.TryGet(4 * kib); ok || len(served) != 0 {
				t.Fatalf("somebody passed the first waiter after %d frees", i)
			}
			b.Free()
			synctest.Wait()
		}
		b := <-served
		if b.Size() != 128*kib {
			t.Fatal("the small request was served first")
		}
		synctest.Wait()
		if len(served) != 0 {
			t.Error("the small request was served beyond the budget")
		}
		b.Free()
		(<-served).Free()
	})
}

func TestCancelledWaiterLetsTheNextPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := smallPool(t)
		a, b := get(t, p, 64*kib), get(t, p, 64*kib)
		ctx, cancel := context.WithCancel(bg)
		failed := make(chan error, 1)
		go func() {
			_, err := p.Get(ctx, 128*kib)
			failed <- err
		}()
		synctest.Wait()
		served := make(chan *Buffer, 1)
		go func() { served <- get(t, p, 64*kib) }()
		synctest.Wait()
		a.Free() // not enough for the first, and the second must not pass
		synctest.Wait()
		if len(served) != 0 {
			t.Fatal("the second waiter passed the first")
		}
		cancel()
		wantErr(t, <-failed, context.Canceled)
		(<-served).Free()
		b.Free()
	})
}

// A grant and the end of the context can come at the same moment; then the
// memory must reach the next waiter, whichever of them Get sees first.
func TestGrantThatMeetsACancelIsNotLost(t *testing.T) {
	p := newPool(t, &Options{BudgetBytes: 64 * kib, HighBytes: 64 * kib, ReserveBytes: -1})
	rounds := 1000
	if testing.Short() || raceEnabled {
		rounds = 100
	}
	for range rounds {
		b := get(t, p, 64*kib)
		ctx, cancel := context.WithCancel(bg)
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				b, err := p.Get(ctx, 64*kib)
				if err == nil {
					b.Free()
				}
			})
		}
		wg.Go(cancel)
		wg.Go(b.Free)
		wg.Go(func() { get(t, p, 64*kib).Free() })
		wg.Wait()
	}
	if st := p.Stats(); st.InUseBytes != 0 || st.Waiters != 0 {
		t.Errorf("left over: %+v", st)
	}
}

func TestCloseWakesWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := smallPool(t)
		b := get(t, p, 128*kib)
		errs := make(chan error, 3)
		for range 3 {
			go func() {
				_, err := p.Get(bg, 1)
				errs <- err
			}()
		}
		synctest.Wait()
		if p.Close() == nil {
			t.Error("Close says nothing about the buffer that is out")
		}
		for range 3 {
			wantErr(t, <-errs, window.ErrClosed)
		}
		b.Free()
	})
}

func TestRaisedBudgetServesWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := smallPool(t)
		a := get(t, p, 128*kib)
		served := make(chan *Buffer)
		go func() { served <- get(t, p, 64*kib) }()
		synctest.Wait()
		if err := p.SetBudget(192 * kib); err != nil {
			t.Fatal(err)
		}
		(<-served).Free()
		a.Free()
	})
}

func TestLoweredBudgetFailsHopelessWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := smallPool(t)
		a := get(t, p, 64*kib)
		failed := make(chan error)
		go func() {
			_, err := p.Get(bg, 128*kib)
			failed <- err
		}()
		synctest.Wait()
		if err := p.SetBudget(64 * kib); err != nil {
			t.Fatal(err)
		}
		wantErr(t, <-failed, window.ErrNoMemory)
		a.Free()
	})
}

func TestRefusedMappingFailsTheWaiterAndServesTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := smallPool(t)
		a := get(t, p, 64*kib)
		b := get(t, p, 64*kib)
		refused := errors.New("no address space")
		mapMemory := p.mapMemory
		p.mapMemory = func(n int, huge bool) (region, error) {
			p.mapMemory = mapMemory // under the central lock, as always
			return region{}, refused
		}
		failed := make(chan error, 1)
		go func() {
			_, err := p.Get(bg, 128*kib)
			failed <- err
		}()
		synctest.Wait()
		served := make(chan *Buffer, 1)
		go func() { served <- get(t, p, 128*kib) }()
		synctest.Wait()
		a.Free()
		b.Free()
		wantErr(t, <-failed, refused)
		(<-served).Free()
	})
}

func TestPressureMakesACacheGiveWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := smallPool(t)
		cache := []*Buffer{get(t, p, 64*kib), get(t, p, 64*kib)}
		calls := 0
		stop := p.OnPressure(func(needBytes int) {
			calls++
			if needBytes != 64*kib {
				t.Errorf("needBytes is %d", needBytes)
			}
			p.Stats() // no lock is held
			cache[0].Free()
			cache = cache[1:]
		})
		if _, ok := p.TryGet(64 * kib); ok || calls != 0 {
			t.Errorf("TryGet: %v, %d calls", ok, calls)
		}
		get(t, p, 64*kib).Free()
		if calls != 1 || len(cache) != 1 || p.Stats().PressureCalls != 1 {
			t.Errorf("%d calls, %d buffers in the cache", calls, len(cache))
		}
		stop()
		stop()
		ctx, cancel := context.WithTimeout(bg, time.Second)
		defer cancel()
		if _, err := p.Get(ctx, 128*kib); err == nil {
			t.Error("more than the budget was handed out")
		}
		if calls != 1 {
			t.Error("called after stop")
		}
		cache[0].Free()
	})
}

func TestPressureIsRepeatedWhileSomebodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := smallPool(t)
		cached := get(t, p, 128*kib)
		busyUntil := time.Now().Add(5 * time.Second)
		calls := 0
		p.OnPressure(func(int) {
			calls++
			if time.Now().After(busyUntil) && cached != nil {
				cached.Free()
				cached = nil
			}
		})
		b := get(t, p, 1)
		if d := time.Since(busyUntil); d > time.Second || calls > 20 {
			t.Errorf("served %v late, after %d calls", d, calls)
		}
		b.Free()
	})
}

func TestPanicOfAPressureFunctionLosesNothing(t *testing.T) {
	for _, free := range []bool{false, true} {
		p := smallPool(t)
		a := get(t, p, 128*kib)
		p.OnPressure(func(int) {
			if free {
				a.Free()
			}
			panic("out of order")
		})
		func() {
			defer func() {
				if r := recover(); r != "out of order" {
					t.Errorf("panic is %v", r)
				}
			}()
			p.Get(bg, 1)
		}()
		if n := p.Stats().Waiters; n != 0 {
			t.Errorf("%d waiters are left", n)
		}
		if !free {
			a.Free()
		}
		if n := p.Stats().InUseBytes; n != 0 {
			t.Errorf("%d bytes are lost", n)
		}
	}
}
