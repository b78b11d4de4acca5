package nowait

import (
	"context"
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// A Waiter waits in the calling goroutine, and so in its thread, until a
// descriptor can be read or a context ends. It is for descriptors that the
// runtime's poller does not have, such as an inherited standard input. It is
// used by one goroutine at a time.
type Waiter struct{ event int } // an eventfd, which a context's end writes to

// NewWaiter returns a Waiter, which Close ends.
func NewWaiter() (*Waiter, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, err
	}
	return &Waiter{fd}, nil
}

// Wait returns nil when a read of fd would not wait, be it for bytes, the end
// or an error, and the context's error when that ends first.
func (w *Waiter) Wait(ctx context.Context, fd int) error {
	if ctx.Done() != nil {
		woken := make(chan struct{})
		stop := context.AfterFunc(ctx, func() {
			defer close(woken)
			one := binary.NativeEndian.AppendUint64(nil, 1)
			unix.Write(w.event, one) // cannot fail: the counter is far from full
		})
		defer func() {
			if !stop() { // the event must be over before it is used again
				<-woken
				unix.Read(w.event, make([]byte, 8))
			}
		}()
	}
	p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}, {Fd: int32(w.event), Events: unix.POLLIN}}
	for {
		_, err := unix.Poll(p, -1)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return err
		case p[0].Revents != 0:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		}
	}
}

// Close gives the Waiter's descriptor back. Nobody waits any more.
func (w *Waiter) Close() error { return unix.Close(w.event) }
