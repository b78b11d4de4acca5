package workload

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/oriel-go/oriel/bench/measure"
	"github.com/oriel-go/oriel/bench/stats"
	"github.com/oriel-go/oriel/pool"
	"github.com/oriel-go/oriel/window"
)

// poolNanoseconds is what getting and freeing memory may take.
const poolNanoseconds = 40

// memory compares the pool with what Go programs use for buffers.
func memory(c *Config) ([]measure.Experiment, error) {
	p, err := pool.New(nil) // lives as long as the process
	if err != nil {
		return nil, err
	}
	var list []measure.Experiment
	for _, size := range []int{4 << 10, 256 << 10} {
		for _, goroutines := range []int{1, 2} {
			calls, makes := 20*c.Calls/goroutines, max(c.Calls/(size>>10)/goroutines, 1)
			way := func(name string, calls int, each func(calls int) error) measure.Way {
				return inGoroutines(name, goroutines, calls, each)
			}
			get := func(calls int) error { return getFree(p, size, calls) }
			again := way("sync.Pool", calls, usePool(size))
			list = append(list, measure.Experiment{
				Name:  fmt.Sprintf("pool/%dKiB/%d", size>>10, goroutines),
				About: fmt.Sprintf("get and free %s, %d goroutines; ns are of one goroutine's operation", sizeName(int64(size)), goroutines),
				Unit:  "get", Metric: measure.Time, Pairs: c.Pairs, Itself: &again,
				Contests: []measure.Contest{
					{A: way("oriel Get+Free", calls, get), B: again},
					{A: way("oriel Get+Free", calls, get), B: way("make", makes, makeEach(size))},
					{A: way("oriel Get, window.New, Release", calls, func(calls int) error { return getWindow(p, size, calls) }), B: again},
				},
				Limits: []measure.Limit{{
					Name: "Get+Free", Unit: "ns", Bound: stats.AtMost(poolNanoseconds), Runs: c.Pairs,
					Measure: func() (float64, error) {
						w := way("", calls, get)
						began := time.Now()
						_, err := w.Run()
						return float64(time.Since(began).Nanoseconds()) / float64(calls), err
					},
				}},
			})
		}
	}
	return list, nil
}

// inGoroutines returns a way that runs each in some goroutines at a time. Its
// amount is the calls of one of them, so that its time for a call is what the
// call takes.
func inGoroutines(name string, goroutines, calls int, each func(calls int) error) measure.Way {
	return measure.Way{Name: name, Amount: float64(calls), Run: func() (o measure.Outcome, err error) {
		if goroutines == 1 {
			return o, each(calls)
		}
		failed := make([]error, goroutines)
		var wg sync.WaitGroup
		for i := range goroutines {
			wg.Go(func() { failed[i] = each(calls) })
		}
		wg.Wait()
		for _, err := range failed {
			if err != nil {
				return o, err
			}
		}
		return o, nil
	}}
}

func getFree(p *pool.Pool, size, calls int) error {
	ctx := context.Background()
	for range calls {
		b, err := p.Get(ctx, size)
		if err != nil {
			return err
		}
		b.Bytes()[0] = 1
		b.Free()
	}
	return nil
}

func getWindow(p *pool.Pool, size, calls int) error {
	ctx := context.Background()
	for range calls {
		b, err := p.Get(ctx, size)
		if err != nil {
			return err
		}
		b.Bytes()[0] = 1
		window.New(b, p, b.Bytes(), 0).Release()
	}
	return nil
}

// usePool returns what does the same with a sync.Pool of pointers to slices.
func usePool(size int) func(calls int) error {
	pool := sync.Pool{New: func() any { b := make([]byte, size); return &b }}
	return func(calls int) error {
		for range calls {
			b := pool.Get().(*[]byte)
			(*b)[0] = 1
			pool.Put(b)
		}
		return nil
	}
}

// made keeps what was made last from living on the stack.
var made sync.Map

// makeEach returns what makes the memory anew each time.
func makeEach(size int) func(calls int) error {
	return func(calls int) error {
		var b []byte
		for range calls {
			b = make([]byte, size)
			b[0] = 1
		}
		made.Store(size, b)
		return nil
	}
}
