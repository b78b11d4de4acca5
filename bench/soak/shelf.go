package main

import (
	"context"
	"sync"

	"github.com/oriel-go/oriel/source"
)

// A shelf has a File of each path for all readers together. A File is replaced
// while others read it, because what is under its name is another file by now.
type shelf struct {
	slots []slot
}

type slot struct {
	mu   sync.Mutex
	file *source.File // nil: to be opened
}

func newShelf(n int) *shelf { return &shelf{slots: make([]slot, n)} }

// get returns the File with an index, which open opens if need be.
func (s *shelf) get(ctx context.Context, i int, open func(context.Context, int) (*source.File, error)) (*source.File, error) {
	x := &s.slots[i]
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.file == nil {
		f, err := open(ctx, i)
		if err != nil {
			return nil, err
		}
		x.file = f
	}
	return x.file, nil
}

// clear closes the File with an index, if there is one.
func (s *shelf) clear(i int) error {
	x := &s.slots[i]
	x.mu.Lock()
	f := x.file
	x.file = nil
	x.mu.Unlock()
	if f == nil {
		return nil
	}
	return f.Close()
}
