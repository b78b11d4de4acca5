package main

import "sync"

// mostAhead bounds how many files may be read or waiting behind one that is
// not done, and so the memory that their results take.
const mostAhead = 1 << 16

// An order takes the results of files as they become ready and hands them on
// in the order of their indices, 0 first. Its methods may be called by any
// number of goroutines; admit by one.
type order struct {
	out func(result) // called for one result at a time

	mu   sync.Mutex
	room sync.Cond      // next has grown
	next int            // the index that goes out next
	held map[int]result // those that are ready before their turn
}

func newOrder(out func(result)) *order {
	o := &order{out: out, held: map[int]result{}}
	o.room.L = &o.mu
	return o
}

// admit waits until the file with the given index may begin. Every index that
// was admitted must be put, or admit waits for ever.
func (o *order) admit(index int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for index-o.next >= mostAhead {
		o.room.Wait()
	}
}

// put hands on r, now or when all before it have been.
func (o *order) put(r result) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if r.index != o.next {
		o.held[r.index] = r
		return
	}
	for ok := true; ok; {
		o.out(r)
		o.next++
		if r, ok = o.held[o.next]; ok {
			delete(o.held, o.next)
		}
	}
	o.room.Signal()
}
