package main

import (
	"context"
	"io"
	"sync"

	"github.com/oriel-go/oriel/window"
)

// A scanner reads files through an engine and hands their results on in the order
// in which a lister finds the files:
//
//	lister ──► queue ──► jobs goroutines, each with a counter ──► order ──► out
type scanner struct {
	asked
	jobs  int
	list  func(ctx context.Context, visit func(entry))
	open  func(ctx context.Context, path string) (input, error)
	meter *meter
	out   func(result) // called for one result at a time
}

// job is a file to read and its place.
type job struct {
	entry
	index int
}

// run reads everything that the lister finds. When ctx ends, what is being read
// gets its error, and what is not is skipped.
func (s *scanner) run(ctx context.Context) {
	queue := make(chan job, 8*s.jobs)
	o := newOrder(s.out)
	var readers sync.WaitGroup
	for range s.jobs {
		readers.Go(func() {
			c := newCounter(s.asked)
			for j := range queue {
				o.put(s.result(ctx, j, c))
			}
		})
	}
	index := 0
	s.list(ctx, func(e entry) {
		o.admit(index)
		queue <- job{e, index}
		index++
	})
	close(queue)
	readers.Wait()
}

// result reads one file.
func (s *scanner) result(ctx context.Context, j job, c *counter) result {
	r := result{index: j.index, path: j.path, err: j.err}
	switch {
	case r.err != nil:
	case ctx.Err() != nil:
		r.skipped = true
	default:
		s.read(ctx, &r, c)
	}
	return r
}

// read fills in r with what reading its file gives.
func (s *scanner) read(ctx context.Context, r *result, c *counter) {
	in, err := s.open(ctx, r.path)
	if err != nil {
		r.err = err
		return
	}
	c.reset()
	if r.err = s.count(ctx, in, r, c); r.err == io.EOF {
		r.sum, r.err = c.checksum(), nil
	}
	r.counts, r.waited = c.counts(), in.waited()
	if r.source == "" { // not even a first window
		r.source = in.source()
	}
	closeInput(in, &r.err)
}

// count gives c every window of in and returns the error that ended it, io.EOF
// at the end.
func (s *scanner) count(ctx context.Context, in window.Reader, r *result, c *counter) error {
	for {
		w, err := in.ReadManaged(ctx)
		if err != nil {
			return err
		}
		p := w.Bytes()
		r.served(w.Info().Source, c.bytes, len(p))
		c.add(p)
		s.meter.add(len(p))
		w.Release()
	}
}
