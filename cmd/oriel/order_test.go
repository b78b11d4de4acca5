package main

import (
	"math/rand/v2"
	"sync"
	"testing"
)

func TestOrderHandsOnInOrder(t *testing.T) {
	const n = 1000
	var got []int
	o := newOrder(func(r result) { got = append(got, r.index) })
	var jobs sync.WaitGroup
	queue := make(chan int, n)
	for _, i := range rand.New(rand.NewPCG(1, 1)).Perm(n) {
		queue <- i
	}
	close(queue)
	for range 4 {
		jobs.Go(func() {
			for i := range queue {
				o.put(result{index: i})
			}
		})
	}
	jobs.Wait()
	if len(got) != n {
		t.Fatalf("%d results, want %d", len(got), n)
	}
	for i, index := range got {
		if i != index {
			t.Fatalf("result %d is of file %d", i, index)
		}
	}
	if len(o.held) != 0 {
		t.Errorf("%d results are held", len(o.held))
	}
}

func TestOrderBoundsWhatIsAhead(t *testing.T) {
	o := newOrder(func(result) {})
	for i := range mostAhead {
		o.admit(i) // 0 is not done, and the others do not wait for it
	}
	for i := 1; i < mostAhead; i++ {
		o.put(result{index: i})
	}
	admitted := make(chan struct{})
	go func() {
		o.admit(mostAhead)
		close(admitted)
	}()
	select {
	case <-admitted:
		t.Fatal("one more was admitted while the first was not done")
	default:
	}
	o.put(result{index: 0})
	<-admitted
}
