package uringsrc

import (
	"os"

	"golang.org/x/sys/unix"
)

// An eventBell is an eventfd in the runtime's poller.
type eventBell struct {
	f  *os.File
	fd int
	b  [8]byte
}

func newEventBell() (*eventBell, error) {
	fd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("eventfd", err)
	}
	return &eventBell{f: os.NewFile(uintptr(fd), "eventfd"), fd: fd}, nil
}

func (b *eventBell) Wait() error {
	_, err := b.f.Read(b.b[:])
	return err
}

func (b *eventBell) Close() error { return b.f.Close() }
