package pool

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oriel-go/oriel/window"
)

// A testCache keeps buffers until it is pressed to give some back.
type testCache struct {
	mu   sync.Mutex
	kept []*Buffer
}

func (c *testCache) add(b *Buffer) {
	c.mu.Lock()
	c.kept = append(c.kept, b)
	c.mu.Unlock()
}

func (c *testCache) release(needBytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for needBytes > 0 && len(c.kept) > 0 {
		b := c.kept[0]
		c.kept = c.kept[1:]
		needBytes -= b.Size()
		b.Free()
	}
}

// hammer gets and frees until it has done n rounds. It holds up to three
// buffers of a session, and never waits for one while it holds others unless
// its reserve covers it or its context ends.
func hammer(t *testing.T, p *Pool, cache *testCache, seed uint64, n int) {
	r := rand.New(rand.NewPCG(seed, 2))
	s := p.NewSession(256 * kib)
	defer s.Close()
	for range n {
		var held []*Buffer
		for range 1 + r.IntN(3) {
			size := 1 + r.IntN(64*kib)>>r.IntN(6)
			if r.IntN(50) == 0 {
				size = 256 * kib
			}
			ctx, cancel := bg, func() {}
			if r.IntN(4) == 0 || len(held) > 0 {
				c, stop := context.WithTimeout(bg, time.Duration(r.IntN(2000))*time.Microsecond)
				ctx, cancel = c, stop
			}
			b, err := s.Get(ctx, size)
			cancel()
			switch {
			case err == nil:
			case errors.Is(err, context.DeadlineExceeded):
				continue
			default:
				t.Errorf("Get(%d): %v", size, err)
				continue
			}
			mark := byte(seed)
			for i := 0; i < size; i += 1000 {
				b.Bytes()[i] = mark
			}
			for i := 0; i < size; i += 1000 {
				if b.Bytes()[i] != mark {
					t.Error("a held buffer was changed by another")
				}
			}
			held = append(held, b)
		}
		for _, b := range held {
			if r.IntN(10) == 0 {
				cache.add(b)
			} else {
				b.Free()
			}
		}
		if b, ok := p.TryGet(1 + r.IntN(16*kib)); ok {
			b.Free()
		}
	}
}

func TestManyGoroutinesOnASmallBudget(t *testing.T) {
	for _, c := range []struct {
		name   string
		budget int64
		debug  Debug
	}{
		{"ample", 32 << 20, Debug{}},
		{"tight", 512 * kib, Debug{}},
		{"tight and sampled", 512 * kib, Debug{Level: Stacks, SampleEvery: 4}},
		{"tight and poisoned", 512 * kib, Debug{Level: Poison, SampleEvery: 4, QuarantineBytes: 256 * kib}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPool(t, &Options{BudgetBytes: c.budget, ReserveBytes: 8 * 256 * kib})
			p.SetDebug(c.debug)
			cache := new(testCache)
			defer cache.release(1 << 30)
			defer p.OnPressure(cache.release)()
			var workers, others sync.WaitGroup
			for i := range 8 {
				workers.Go(func() { hammer(t, p, cache, uint64(i+1), 300) })
			}
			var stop atomic.Bool
			others.Go(func() { // whoever looks and whoever turns the knobs
				for i := 0; !stop.Load(); i++ {
					switch st := p.Stats(); {
					case st.InUseBytes < 0 || st.OverdrawnBytes > st.ReserveBytes:
						t.Errorf("bounds: %+v", st)
					case i%50 == 10:
						p.Trim()
					case i%50 == 20:
						p.SetBudget(c.budget / 2)
					case i%50 == 30:
						p.SetBudget(c.budget)
					case i%50 == 40:
						p.Holders()
					}
					runtime.Gosched()
				}
			})
			workers.Wait()
			stop.Store(true)
			others.Wait()
			cache.release(1 << 30)
			if st := p.Stats(); st.InUseBytes != 0 || st.OverdrawnBytes != 0 || st.Waiters != 0 || st.Corrupted != 0 || st.Leaks != 0 {
				t.Errorf("left over: %+v", st)
			}
		})
	}
}

// Every buffer but one moves between goroutines that get what the other frees:
// a wake-up lost between the shards and the queue stops it for ever.
func TestNoWakeUpIsLost(t *testing.T) {
	p := newPool(t, &Options{BudgetBytes: 16 * kib, HighBytes: 16 * kib, ReserveBytes: -1})
	rounds := 3000
	if testing.Short() || raceEnabled {
		rounds = 300
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range rounds {
				b, err := p.Get(bg, 4*kib<<((i+j)%2))
				if err != nil {
					t.Error(err)
					return
				}
				b.Free()
			}
		})
	}
	wg.Wait()
}

// The last Free before silence meets a Get that wants everything: if the slot
// stays in a shard, nothing ever finds it. Two slots are freed, one into a cell
// and one into a magazine.
func TestLastFreeWakesAWaiter(t *testing.T) {
	const budget = 1 << 20
	p := newPool(t, &Options{BudgetBytes: budget, HighBytes: budget, ReserveBytes: -1})
	p.SetDebug(Debug{})
	var begin, done sync.WaitGroup
	rounds := 20000
	if testing.Short() || raceEnabled {
		rounds = 500
	}
	for i := range rounds {
		a, b := get(t, p, 4*kib), get(t, p, 4*kib)
		begin.Add(1)
		done.Go(func() {
			begin.Wait()
			for range i % 64 {
				runtime.KeepAlive(i) // a little later each time
			}
			a.Free()
			b.Free()
		})
		done.Go(func() {
			begin.Wait()
			get(t, p, budget).Free()
		})
		begin.Done()
		done.Wait()
	}
}

func TestCloseWhileInUse(t *testing.T) {
	for range 50 {
		p, err := New(&Options{BudgetBytes: 64 * kib})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				s := p.NewSession(16 * kib)
				defer s.Close()
				for {
					b, err := s.Get(bg, 16*kib)
					if err != nil {
						wantErr(t, err, window.ErrClosed)
						return
					}
					b.Bytes()[0] = 1
					b.Free()
				}
			})
		}
		wg.Go(func() { p.Close() })
		wg.Wait()
		if st := p.Stats(); st.MappedBytes != 0 || st.InUseBytes != 0 {
			t.Fatalf("after the last Free: %+v", st)
		}
	}
}
