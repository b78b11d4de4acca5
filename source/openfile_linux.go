package source

import (
	"context"
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// openFile opens name for reading without waiting for the other end of a FIFO.
//
// O_NONBLOCK means nothing to the reads of a regular file, but a file that
// somebody holds a lease on is refused with EWOULDBLOCK; it is then opened as
// anybody would, which waits until the lease is given up.
func openFile(ctx context.Context, name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return openWaiting(ctx, name)
	}
	return f, err
}

// waitForWriter waits until a writer has opened the FIFO f, which until then
// reads as if it were at its end. poll says POLLHUP of a FIFO only after a
// writer that came since it was opened has gone, so that a writer which came
// and went without writing is not missed either.
func waitForWriter(f *os.File) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var polled error
	err = c.Read(func(fd uintptr) bool {
		p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(p, 0)
		for err == unix.EINTR {
			n, err = unix.Poll(p, 0)
		}
		polled = err
		return n > 0 || err != nil
	})
	return errors.Join(polled, err)
}
