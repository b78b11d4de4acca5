package uringsrc

import (
	"time"

	"github.com/oriel-go/oriel/uringsrc/internal/ring"
)

// A Driver is one ring: the kernel's, or one that simulates it. What may be
// called at once is as in [ring.Ring].
type Driver interface {
	Push(e *ring.Entry, p []byte) bool // p is the entry's buffer
	Pending() int
	Enter(atLeast int, wait time.Duration) (submitted int, err error)
	Ready() int
	Reap(dst []ring.Completion) int
	Overflowed() bool
	Notify(on bool)
	Close() error
}

// A Bell wakes one goroutine when a ring that was told to Notify has a
// completion, and at any other time it likes.
type Bell interface {
	// Wait waits for the bell to ring. The error is that it was closed.
	Wait() error
	Close() error
}

// kernelRing is the kernel's.
type kernelRing struct{ *ring.Ring }

func (k kernelRing) Push(e *ring.Entry, _ []byte) bool { return k.Ring.Push(e) }
