//go:build !linux

package source

import (
	"errors"
	"fmt"
	"runtime"
)

type poller struct{}

// PollFD returns an error that wraps errors.ErrUnsupported: only Linux has a
// descriptor to be polled for fetches that have finished.
func (rt *Runtime) PollFD() (fd int, err error) {
	return 0, fmt.Errorf("a descriptor to be polled on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}

func (rt *Runtime) pollEngine() {}

// Poll takes in what has finished; on this system there is nothing to do for it.
func (rt *Runtime) Poll() {}

func (rt *Runtime) announce() {}

func (rt *Runtime) closePoll() error { return nil }
