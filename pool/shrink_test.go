package pool

import (
	"testing"
	"testing/synctest"
	"time"
)

// burst hands out n buffers of size bytes and frees them all.
func burst(t *testing.T, p *Pool, n, size int) {
	t.Helper()
	out := make([]*Buffer, n)
	for i := range out {
		out[i] = get(t, p, size)
	}
	for _, b := range out {
		b.Free()
	}
}

// idleAfter returns the idle slots of size bytes after d.
func idleAfter(p *Pool, d time.Duration, size int) int {
	time.Sleep(d)
	synctest.Wait()
	return int(p.Stats().IdleBytes) / size
}

func TestIdlePoolShrinksAfterABurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 16 * kib
		p := plainPool(t, &Options{BudgetBytes: 64 << 20, HighBytes: 64 << 20, LowBytes: 100 * size})
		burst(t, p, 1000, size)
		before := idleAfter(p, 0, size)
		if before < 500 {
			t.Fatalf("only %d buffers are idle", before)
		}
		// The first period saw the burst, and so did what is still in it.
		time.Sleep(2 * tickPeriod)
		before = idleAfter(p, time.Second, size)
		for range 5 {
			now := idleAfter(p, tickPeriod, size)
			if gone := before - now; gone < 10 || gone < (before-50)*5/100 || gone > before*6/100+10 {
				t.Errorf("of %d idle buffers %d were given back", before, gone)
			}
			before = now
		}
		if got := idleAfter(p, time.Hour, size); got != 100 {
			t.Errorf("%d buffers are idle in the end, LowBytes is 100", got)
		}
	})
}

func TestBusyPoolShrinksSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 16 * kib
		p := plainPool(t, &Options{BudgetBytes: 64 << 20, HighBytes: 64 << 20, LowBytes: 1 << 20})
		burst(t, p, 1000, size)
		time.Sleep(2 * tickPeriod)
		before := idleAfter(p, time.Second, size)
		for range 5 {
			burst(t, p, 3, size)
			now := idleAfter(p, tickPeriod, size)
			if gone := before - now; gone < 1 || gone > 10 {
				t.Errorf("of %d idle buffers %d were given back", before, gone)
			}
			before = now
		}
	})
}

func TestUsedBuffersAreNotGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 16 * kib
		p := plainPool(t, &Options{BudgetBytes: 64 << 20, HighBytes: 64 << 20, LowBytes: 1})
		burst(t, p, 500, size)
		time.Sleep(3 * tickPeriod)
		synctest.Wait()
		for range 10 {
			returned := p.Stats().ReturnedBytes
			n := int(p.Stats().IdleBytes) / size
			burst(t, p, n, size) // all of it is used in this period
			idleAfter(p, tickPeriod, size)
			if now := p.Stats().ReturnedBytes; now != returned {
				t.Errorf("%d bytes that were used have been given back", now-returned)
			}
		}
	})
}

func TestNoTimerWithoutMemoryBeyondLow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := plainPool(t, &Options{BudgetBytes: 64 << 20, LowBytes: 8 << 20})
		armed := func() bool {
			p.mu.Lock()
			defer p.mu.Unlock()
			return p.armed
		}
		burst(t, p, 8, 1<<20)
		if armed() {
			t.Error("the timer runs although no more than LowBytes was ever committed")
		}
		burst(t, p, 20, 1<<20)
		if !armed() {
			t.Error("the timer does not run")
		}
		idleAfter(p, time.Hour, 1)
		if armed() {
			t.Errorf("the timer still runs: %+v", p.Stats())
		}
		burst(t, p, 20, 1<<20)
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Hour) // a tick after Close does nothing
	})
}
