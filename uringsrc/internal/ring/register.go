package ring

import (
	"slices"
	"sync/atomic"
	"syscall"
)

// register is io_uring_register, with the error of a method.
func (r *Ring) register(op registerOp, name string, arg argument, n int) error {
	if !r.use() {
		return &Error{"io_uring_register " + name, syscall.ENXIO}
	}
	defer r.done()
	if errno := r.k.register(r.fd, op, arg, n); errno != 0 {
		return &Error{"io_uring_register " + name, errno}
	}
	return nil
}

// RegisterEventFD has the kernel add to an eventfd when completions come, one
// signal for one or many of them. One can be registered (EBUSY). The ring keeps
// the eventfd itself, not its number, until it ends. Completions that overflow
// are not signalled; see Overflowed.
func (r *Ring) RegisterEventFD(fd int) error {
	fds := []int32{int32(fd)}
	return r.register(registerEventFD, "EVENTFD", intsArg(fds), 1)
}

// UnregisterEventFD undoes RegisterEventFD.
func (r *Ring) UnregisterEventFD() error {
	return r.register(unregisterEventFD, "UNREGISTER_EVENTFD", nil, 0)
}

// Notify switches the signals to the eventfd on or off; they begin switched on.
// Where [Features].EventFDToggle is not there they stay on, and whoever waits is
// woken more often than it needs to be. Any goroutine may call it; the last call
// counts.
//
// A goroutine that goes to sleep on the eventfd calls Notify(true), looks at
// Ready again, and sleeps only if that is 0. Nothing is lost then: the kernel
// stores the new tail of the queue, passes a full barrier, and reads this
// switch; the goroutine stores the switch, passes a full barrier, and reads the
// tail. Of two that do this at least one sees what the other has stored: either
// Ready is not 0, or the kernel sees the switch on and signals.
//
// The kernel's barrier is in wq_has_sleeper, which io_cqring_wake asks between
// the two (io_uring/io_uring.c, __io_cq_unlock_post; kernels around 6.1 take the
// lock of completions in between instead). Ours is that sync/atomic is
// sequentially consistent. With DeferTaskrun the kernel has no barrier there:
// such a ring has no eventfd that is switched off and on.
//
// Notify(false) takes back no signal that was given before. An eventfd that is
// readable without a completion is normal.
func (r *Ring) Notify(on bool) {
	if r.isClosed() || r.cq.flags == nil {
		return
	}
	var flags uint32
	if !on {
		flags = cqNoEvent
	}
	atomic.StoreUint32(r.cq.flags, flags)
}

// RegisterBuffers pins buffers for ReadFixed and WriteFixed: each up to 1 GiB,
// and 16384 of them (1024 before Linux 5.13). Their pages are charged to
// RLIMIT_MEMLOCK (ENOMEM), and pinning takes time: half a second for 256 MiB. It
// fails with EBUSY when buffers are registered, and with EFAULT or EOPNOTSUPP for
// a file's mapping. A nil buffer is an index without one, since Linux 5.13.
//
// The ring keeps buffers of the Go heap alive until UnregisterBuffers or Close;
// mapped ones stay mapped until then. Callers serialise RegisterBuffers and
// UnregisterBuffers.
func (r *Ring) RegisterBuffers(bufs [][]byte) error {
	kept := slices.Clone(bufs)
	if err := r.register(registerBuffers, "BUFFERS", vectorsArg(kept), len(kept)); err != nil {
		return err
	}
	r.buffers = kept
	return nil
}

// UnregisterBuffers undoes RegisterBuffers. Entries in flight keep the buffers
// pinned until they complete, as they would keep any buffer. It fails with ENXIO
// when there are none.
func (r *Ring) UnregisterBuffers() error {
	if err := r.register(unregisterBuffers, "UNREGISTER_BUFFERS", nil, 0); err != nil {
		return err
	}
	r.buffers = nil
	return nil
}

// RegisterFiles registers files for entries with FixedFile, whose descriptor is
// then the index here; -1 is an index without a file yet, since Linux 5.5. The
// ring holds the files open: their descriptors can be closed. EBUSY says that
// files are registered, EMFILE that RLIMIT_NOFILE is below their number.
func (r *Ring) RegisterFiles(fds []int) error {
	list := numbers(fds)
	return r.register(registerFiles, "FILES", intsArg(list), len(list))
}

// UpdateFiles replaces registered files from index at on; -1 removes one.
// Entries in flight keep the file they began with.
func (r *Ring) UpdateFiles(at int, fds []int) error {
	return r.register(updateFiles, "FILES_UPDATE", updateArg(at, fds), len(fds))
}

// UnregisterFiles undoes RegisterFiles; ENXIO says that there are none.
func (r *Ring) UnregisterFiles() error {
	return r.register(unregisterFiles, "UNREGISTER_FILES", nil, 0)
}

func numbers(fds []int) []int32 {
	list := make([]int32, len(fds))
	for i, fd := range fds {
		list[i] = int32(fd)
	}
	return list
}
