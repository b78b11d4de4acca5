package uringsrc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/uringsrc/internal/ring"
	"github.com/oriel-go/oriel/window"
)

const (
	seats         = 3  // so that 3 readers wait each for itself, and threads stay few
	seatReads     = 4  // one, and others that were abandoned there
	leastInFlight = 32 // worth a ring
)

// New returns an Engine over rings of the kernel's. An error that wraps
// window.ErrRefused says why there are none: switched off, filtered, or more
// memory or descriptors than the process may have. Whether reads work is found
// out by making one. Where memory is short the engine has fewer reads in flight
// and fewer seats than asked for, as Info says.
func New(o Options) (*Engine, error) {
	o, err := o.check()
	if err != nil {
		return nil, &window.Error{Op: "io_uring", Err: err}
	}
	for {
		e, err := open(o)
		if err == nil {
			return e, nil
		}
		if !errors.Is(err, syscall.ENOMEM) || o.InFlight <= leastInFlight {
			return nil, &window.Error{Op: "io_uring", Err: fmt.Errorf("%w: %w", window.ErrRefused, err)}
		}
		o.InFlight = max(o.InFlight/2, leastInFlight)
	}
}

// open makes an engine with as many seats as it gets. It has the descriptors for
// its probe first, so that seats do not take the last.
func open(o Options) (*Engine, error) {
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("pipe2", err)
	}
	e, err := openRings(o)
	if err == nil {
		err = e.probe(pipe[0], pipe[1])
	}
	if e != nil && err != nil {
		ctx, cancel := context.WithTimeout(context.Background(), probeTime)
		defer cancel()
		if bad := e.Close(ctx); bad != nil {
			return nil, errors.Join(err, bad) // the pipe stays open for those reads
		}
	}
	_, _ = unix.Close(pipe[0]), unix.Close(pipe[1])
	if err != nil {
		return nil, err
	}
	return e, nil
}

func openRings(o Options) (*Engine, error) {
	bell, err := newEventBell()
	if err != nil {
		return nil, err
	}
	first, err := newKernelRing(o.InFlight, bell)
	if err != nil {
		bell.Close()
		return nil, err
	}
	rings := []Ring{{first, o.InFlight}}
	f := first.Features()
	info := Info{MemoryBytes: first.Bytes(), Leads: f.ExtArg, Restricted: f.Restricted}
	for range seats {
		k, err := newKernelRing(seatReads, bell)
		if err != nil {
			break // the shared one serves everybody
		}
		rings = append(rings, Ring{k, seatReads})
		info.MemoryBytes += k.Bytes()
	}
	e := NewOver(o, info, bell, rings...)
	e.fd = first.FD()
	return e, nil
}

func newKernelRing(inFlight int, bell *eventBell) (kernelRing, error) {
	// Room for every read and for a cancel of each, so that nothing overflows.
	r, err := ring.New(ring.Config{Entries: 2 * inFlight, Allow: []ring.Op{ring.OpNop, ring.OpRead, ring.OpAsyncCancel}})
	if err != nil {
		return kernelRing{}, err
	}
	if !r.Features().EventFDToggle {
		err = fmt.Errorf("completions cannot be announced on demand (before Linux 5.8): %w", errors.ErrUnsupported)
	} else {
		err = r.RegisterEventFD(bell.fd)
	}
	if err != nil {
		r.Close()
		return kernelRing{}, err
	}
	return kernelRing{r}, nil
}

const probeTime = 2 * time.Second

// probe makes one read of a pipe through every ring.
func (e *Engine) probe(in, out int) error {
	want := []byte("oriel")
	ctx, cancel := context.WithTimeout(context.Background(), probeTime)
	defer cancel()
	for _, l := range e.lanes {
		if _, err := unix.Write(out, want); err != nil {
			return os.NewSyscallError("write", err)
		}
		p := &Read{FD: in, Buf: make([]byte, len(want)), Off: -1, Need: len(want)}
		l.mu.Lock()
		l.startLocked(p, nil)
		err := l.waitLocked(ctx, &p.waiter)
		l.leave()
		switch {
		case err != nil:
			p.Abandon()
			return fmt.Errorf("a read of a pipe that holds bytes does not come back: %w", err)
		case p.Err != nil:
			return fmt.Errorf("a read: %w", p.Err)
		case !bytes.Equal(p.Buf, want):
			return errors.New("a read returned other bytes than there were")
		}
	}
	return nil
}
