package source

import (
	"errors"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// A poller tells an event loop that is not Go's that fetches have finished: an
// epoll over an eventfd, which whoever takes a completion in signals, and over
// the engine's ring, which is readable before anybody has.
type poller struct {
	epoll, event int

	mu        sync.Mutex
	signalled bool // since the last Poll
	closed    bool
}

// PollFD returns a descriptor that is readable when a fetch has finished that
// TryReadManagedAt, TryReadManaged or a Queue had begun. It is for event loops
// other than Go's: they poll it, level-triggered, and then call Poll, after which
// the Try of what has finished succeeds. It belongs to the Runtime, which closes
// it, and is for one loop: two would take each other's signals. Only Linux has it;
// elsewhere the error wraps errors.ErrUnsupported.
func (rt *Runtime) PollFD() (fd int, err error) {
	rt.ringMu.Lock()
	defer rt.ringMu.Unlock()
	if p := rt.polled.Load(); p != nil {
		return p.epoll, nil
	}
	p := &poller{}
	if p.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return 0, os.NewSyscallError("epoll_create1", err)
	}
	if p.event, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		unix.Close(p.epoll)
		return 0, os.NewSyscallError("eventfd", err)
	}
	if err := p.add(p.event); err != nil {
		p.close()
		return 0, err
	}
	rt.polled.Store(p)
	rt.pollEngine()
	return p.epoll, nil
}

func (p *poller) add(fd int) error {
	err := unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
	return os.NewSyscallError("epoll_ctl", err)
}

func (p *poller) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	return errors.Join(unix.Close(p.epoll), unix.Close(p.event))
}

// signal has the event readable, or not.
func (p *poller) signal(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.signalled == on {
		return
	}
	p.signalled = on
	b := []byte{1, 0, 0, 0, 0, 0, 0, 0}
	if on {
		_, _ = unix.Write(p.event, b)
	} else {
		_, _ = unix.Read(p.event, b)
	}
}

// pollEngine has the poller hear of the engine, if there are both. ringMu is
// held. Where it cannot, fetches are heard of once somebody has taken them in.
func (rt *Runtime) pollEngine() {
	if p := rt.polled.Load(); p != nil && rt.engine != nil && rt.engine.FD() >= 0 {
		_ = p.add(rt.engine.FD())
	}
}

// Poll takes in what has finished. It does not wait, and any goroutine may call
// it.
func (rt *Runtime) Poll() {
	if p := rt.polled.Load(); p != nil {
		p.signal(false)
	}
	rt.ringMu.Lock()
	e := rt.engine
	rt.ringMu.Unlock()
	if e != nil {
		e.Poll()
	}
}

// announce says that a fetch has finished.
func (rt *Runtime) announce() {
	if p := rt.polled.Load(); p != nil {
		p.signal(true)
	}
}

func (rt *Runtime) closePoll() error {
	rt.ringMu.Lock()
	defer rt.ringMu.Unlock()
	if p := rt.polled.Swap(nil); p != nil {
		return p.close()
	}
	return nil
}
