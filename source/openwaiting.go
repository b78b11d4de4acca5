package source

import (
	"context"
	"os"
)

// openWaiting opens name for reading, which may wait; when ctx ends first, the
// goroutine that waits stays until it is over.
func openWaiting(ctx context.Context, name string) (*os.File, error) {
	if ctx.Done() == nil {
		return os.Open(name)
	}
	type result struct {
		f   *os.File
		err error
	}
	opened := make(chan result)
	go func() {
		f, err := os.Open(name)
		select {
		case opened <- result{f, err}:
		case <-ctx.Done():
			if err == nil {
				f.Close()
			}
		}
	}()
	select {
	case r := <-opened:
		return r.f, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
