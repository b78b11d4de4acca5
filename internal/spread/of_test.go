package spread

import (
	"sync"
	"testing"

	"github.com/oriel-go/oriel/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func TestOfIsSteadyWithinAGoroutine(t *testing.T) {
	first, other := Of(4), 0
	for range 100 {
		if Of(4) != first {
			other++
		}
	}
	if other > 1 { // the stack may have moved once
		t.Errorf("%d of 100 calls gave another shard", other)
	}
}

func TestOfSpreadsGoroutines(t *testing.T) {
	const goroutines, bits = 256, 4
	var mu sync.Mutex
	seen := map[uint32]int{}
	var wg sync.WaitGroup
	stay := make(chan bool) // stacks are used again after the goroutine
	for range goroutines {
		wg.Go(func() {
			n := Of(bits)
			mu.Lock()
			seen[n]++
			mu.Unlock()
			<-stay
		})
	}
	for {
		mu.Lock()
		all := 0
		for n, k := range seen {
			if n >= 1<<bits {
				t.Errorf("shard %d of %d", n, 1<<bits)
			}
			all += k
		}
		mu.Unlock()
		if all == goroutines {
			break
		}
	}
	close(stay)
	wg.Wait()
	if len(seen) < 1<<bits/2 {
		t.Errorf("%d goroutines are in %d shards of %d", goroutines, len(seen), 1<<bits)
	}
}
