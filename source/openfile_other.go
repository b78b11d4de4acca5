//go:build !linux

package source

import (
	"context"
	"os"
)

// openFile opens name for reading. Opening a FIFO waits for a writer; when ctx
// ends first, the goroutine that waits stays until one comes.
func openFile(ctx context.Context, name string) (*os.File, error) {
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

// waitForWriter does nothing: openFile has waited.
func waitForWriter(*os.File) error { return nil }
