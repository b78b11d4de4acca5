package ring

import (
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
)

// A Ring is one io_uring. Its methods say who may call them at once; any
// goroutine may call any of them, unless [Config].SingleIssuer was set.
type Ring struct {
	k        kernel
	fd       int
	features Features
	queues   []byte // the first mapping: words, completions, places of entries
	entries  []byte // the second mapping

	sq submissions // sq.next belongs to those who push
	cq completions // cq.next belongs to those who reap

	chains bool // Config.Chains; see enter

	// users is how many calls are using the descriptor, or trying to; closed is
	// added to it by Close. Whoever brings it to closed gives the descriptor and
	// the mappings back, unless that is done.
	users atomic.Int32
	freed atomic.Bool

	buffers [][]byte // what is registered, to keep it alive; in the hands of who registers
}

const closed = math.MinInt32

// New makes a ring, which Close ends. An error is an [*Error], or wraps
// errors.ErrUnsupported where there is no io_uring that could be used:
//
//   - io_uring_setup: ENOSYS, the kernel or a filter does not have it; EPERM, it
//     is switched off (kernel.io_uring_disabled) or filtered, as containers do;
//     ENOMEM, the ring's memory would exceed RLIMIT_MEMLOCK, or there is none;
//     EMFILE or ENFILE, too many descriptors; EINVAL, the Config.
//   - mmap: ENOMEM, or EAGAIN.
//
// The memory of a ring that was closed comes off RLIMIT_MEMLOCK a while after
// Close has returned (17 to 20 ms on Linux 6.18), so that ENOMEM can pass. Of 200
// rings of 8 KiB made and closed one after the other within a limit of 64 KiB, 193
// failed: rings are kept, not made for each file.
func New(c Config) (*Ring, error) { return newRing(c, systemKernel()) }

func newRing(c Config, k kernel) (*Ring, error) {
	if k.setup == nil {
		return nil, fmt.Errorf("io_uring on %s: %w", runtime.GOOS, errors.ErrUnsupported)
	}
	if c.Entries < 1 || c.Entries > maxEntries || c.Completions < 0 || c.Completions > maxCompletions {
		return nil, &Error{"io_uring_setup", syscall.EINVAL}
	}
	p, fd, err := setup(c, k)
	if err != nil {
		return nil, err
	}
	r := &Ring{k: k, fd: fd, chains: c.Chains}
	if err := r.open(c, &p); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

const (
	maxEntries     = 32768
	maxCompletions = 65536
)

// setup calls io_uring_setup: with what the Config asks for, and with what this
// package would like to have besides, as long as the kernel knows it.
func setup(c Config, k kernel) (p params, fd int, err error) {
	var asked uint32
	if c.Completions != 0 {
		asked |= setupCQSize
	}
	if c.SingleIssuer {
		asked |= setupSingleIssuer
	}
	if c.DeferTaskrun {
		asked |= setupDeferTaskrun | setupTaskrunFlag
	}
	if c.CoopTaskrun {
		asked |= setupCoopTaskrun | setupTaskrunFlag
	}
	liked := []uint32{setupSubmitAll, 0} // since Linux 5.18
	if len(c.Allow) > 0 {
		liked = []uint32{setupSubmitAll | setupDisabled, setupDisabled, 0} // since Linux 5.10
	}
	var errno syscall.Errno
	for _, more := range liked {
		p = params{flags: asked | more, cqEntries: uint32(c.Completions)}
		fd, errno = k.setup(uint32(c.Entries), &p)
		if errno != syscall.EINVAL {
			break
		}
	}
	if errno != 0 {
		return p, 0, &Error{"io_uring_setup", errno}
	}
	return p, fd, nil
}

// open makes a ring out of the descriptor. What it did not get to, Close knows.
func (r *Ring) open(c Config, p *params) error {
	// Without these an entry could lose its completion (before Linux 5.5), or
	// have its buffer's address read after the submission.
	const needed = featSingleMmap | featNoDrop | featSubmitStable
	if p.features&needed != needed {
		return fmt.Errorf("io_uring of this kernel loses completions (features %#x): %w", p.features, errors.ErrUnsupported)
	}
	// The kernel has set it already; who emulates one may have not.
	if errno := r.k.closeOnExec(r.fd); errno != 0 {
		return &Error{"fcntl", errno}
	}
	var errno syscall.Errno
	if r.queues, errno = r.k.mapRing(r.fd, mapQueues, p.queuesBytes()); errno != 0 {
		return &Error{"mmap", errno}
	}
	if r.entries, errno = r.k.mapRing(r.fd, mapEntries, p.entriesBytes()); errno != 0 {
		return &Error{"mmap", errno}
	}
	// A child that is forked without an exec would submit and reap beside us.
	for _, m := range [][]byte{r.queues, r.entries} {
		if errno := r.k.dontFork(m); errno != 0 {
			return &Error{"madvise", errno}
		}
	}
	r.sq, r.cq = newQueues(p, r.queues, r.entries)
	r.features = Features{
		NoDrop:        p.features&featNoDrop != 0,
		ExtArg:        p.features&featExtArg != 0,
		SkipSuccess:   p.features&featCQESkip != 0,
		SubmitAll:     p.flags&setupSubmitAll != 0,
		EventFDToggle: r.cq.flags != nil,
	}
	if p.flags&setupDisabled == 0 {
		return nil
	}
	rules := restrictions(c.Allow)
	switch errno := r.k.register(r.fd, registerRestrictions, restrictionsArg(rules), len(rules)); errno {
	case 0:
		r.features.Restricted = true
	case syscall.EINVAL: // an operation that this kernel does not have
	default:
		return &Error{"io_uring_register RESTRICTIONS", errno}
	}
	if errno := r.k.register(r.fd, enableRings, nil, 0); errno != 0 {
		return &Error{"io_uring_register ENABLE_RINGS", errno}
	}
	return nil
}

// restrictions returns the list of what stays allowed: these operations, with
// any flag of this package, and the registrations that it has methods for.
func restrictions(allow []Op) []restriction {
	list := []restriction{{kind: allowFlags, value: uint8(allFlags)}}
	for _, op := range allow {
		list = append(list, restriction{kind: allowOp, value: uint8(op)})
	}
	for _, op := range []registerOp{registerBuffers, unregisterBuffers, registerFiles, unregisterFiles,
		updateFiles, registerEventFD, unregisterEventFD} {
		list = append(list, restriction{kind: allowRegister, value: uint8(op)})
	}
	return list
}

// Close gives the mappings and the descriptor back. It is not a completion
// barrier: entries in flight go on in the kernel and use their buffers for as
// long as they take, a second later too. The caller submits nothing more,
// cancels what is in flight, reaps until every entry has had its terminal
// completion, and then closes.
//
// Close does not wait. Calls of Enter that are under way keep the ring until
// they return; Close does not wake them. No goroutine is in another method at
// the time. Afterwards Enter returns ENXIO, Push returns false, and the others
// return nothing. A second Close does nothing.
func (r *Ring) Close() error {
	for {
		n := r.users.Load()
		if n < 0 {
			return nil
		}
		if r.users.CompareAndSwap(n, n+closed) {
			if n == 0 {
				r.free()
			}
			return nil
		}
	}
}

// free gives back what New got. The mappings hold the ring as the descriptor
// does, so it ends only with the last of them.
func (r *Ring) free() {
	if r.freed.Swap(true) {
		return // somebody has tried to use a closed ring
	}
	for _, m := range [][]byte{r.queues, r.entries} {
		if m != nil {
			r.k.unmap(m)
		}
	}
	r.k.close(r.fd)
	r.buffers = nil
}

// use keeps the descriptor and the mappings from being given back until done;
// false when they have been.
func (r *Ring) use() bool {
	if r.users.Add(1) > 0 {
		return true
	}
	r.done()
	return false
}

func (r *Ring) done() {
	if r.users.Add(-1) == closed {
		r.free()
	}
}

func (r *Ring) isClosed() bool { return r.users.Load() < 0 }

// Features returns what the ring can do.
func (r *Ring) Features() Features { return r.features }

// FD returns the ring's descriptor, which poll finds readable while there are
// completions. It belongs to the ring: a poller is given a duplicate, or lets go
// of it before Close.
func (r *Ring) FD() int { return r.fd }

// Bytes returns the memory that the ring shares with the kernel, in whole pages:
// what is charged to RLIMIT_MEMLOCK, unless the process may lock what it likes
// (CAP_IPC_LOCK). Kernels from 5.12 up to some release before 6.18 do not charge
// it.
func (r *Ring) Bytes() int64 {
	page := int64(os.Getpagesize())
	pages := func(m []byte) int64 { return (int64(len(m)) + page - 1) / page * page }
	return pages(r.queues) + pages(r.entries)
}

// Entries returns how many entries can be pending.
func (r *Ring) Entries() int { return len(r.sq.entries) }

// Completions returns how many completions the ring holds.
func (r *Ring) Completions() int { return len(r.cq.entries) }

// Space returns how many entries can be pushed. It grows by itself while others
// are in Enter. Callers serialise Space, Push and PushChain.
func (r *Ring) Space() int {
	if r.isClosed() {
		return 0
	}
	return r.sq.free()
}

// Push copies the entry into the submission queue, and returns false when that
// is full or the ring closed. The kernel takes it with the next Enter of anybody,
// so whoever pushes calls Enter afterwards, or knows who will. An entry with
// Link or HardLink goes in with PushChain.
//
// Callers serialise Space, Push and PushChain. Enter may run at the same time.
func (r *Ring) Push(e *Entry) bool {
	if r.isClosed() || r.sq.free() == 0 {
		return false
	}
	r.sq.put(e)
	r.sq.publish()
	return true
}

// PushChain pushes all entries or none of them, such that the kernel takes them
// in one submission: a chain ends where a submission does, so that entries
// pushed one by one could be torn apart by an Enter in between. Every entry but
// the last has Link or HardLink. It panics without [Config].Chains.
func (r *Ring) PushChain(es []Entry) bool {
	if !r.chains {
		panic("ring: PushChain without Config.Chains")
	}
	if r.isClosed() || r.sq.free() < len(es) {
		return false
	}
	for i := range es {
		r.sq.put(&es[i])
	}
	r.sq.publish()
	return true
}

// Pending returns how many entries are pushed that the kernel has not taken.
// Any goroutine may call it.
func (r *Ring) Pending() int {
	if r.isClosed() {
		return 0
	}
	return int(min(r.sq.pending(), uint32(len(r.sq.entries))))
}

// Ready returns how many completions can be reaped. Any goroutine may call it.
func (r *Ring) Ready() int {
	if r.isClosed() {
		return 0
	}
	return r.cq.ready()
}

// Reap copies completions to dst and returns how many. Callers serialise Reap;
// Enter may run at the same time.
func (r *Ring) Reap(dst []Completion) int {
	if r.isClosed() {
		return 0
	}
	return r.cq.reap(dst)
}

// Overflowed reports whether the kernel keeps completions back because the queue
// was full (IORING_SQ_CQ_OVERFLOW). From then on all of them are kept back, in
// order, until an Enter brings over as many as there is room for, and an eventfd
// is not signalled for them. So whoever reaps calls Enter(0, 0) while this is
// true, and reaps again. With no more than Completions entries in flight it does
// not happen. Any goroutine may call it.
func (r *Ring) Overflowed() bool {
	return !r.isClosed() && atomic.LoadUint32(r.sq.flags)&sqOverflow != 0
}

// Lost returns how many completions the kernel has thrown away because it had no
// memory to keep them. Their buffers are in an unknown state for ever. Any
// goroutine may call it.
func (r *Ring) Lost() uint32 {
	if r.isClosed() {
		return 0
	}
	return atomic.LoadUint32(r.cq.lost)
}

// Dropped returns how many entries the kernel has refused because it could not
// find them. It is 0 unless the shared memory was overwritten. Any goroutine may
// call it.
func (r *Ring) Dropped() uint32 {
	if r.isClosed() {
		return 0
	}
	return atomic.LoadUint32(r.sq.dropped)
}

// Enter submits what is pending and waits until atLeast completions are in the
// queue, those that were there before included. Any number of goroutines may
// call it at once: the kernel takes every entry once.
//
// The wait is at most the given time, which needs [Features].ExtArg (the error
// is errors.ErrUnsupported otherwise); 0 is without a bound, and with atLeast 0
// there is no wait. An atLeast above the queue's size is its size. Enter(0, 0)
// submits, brings over what had overflowed, and makes no system call when there
// is neither.
//
// submitted counts the entries that this call has brought in, also beside an
// error. What others have brought in counts for them. No error does not mean
// that the completions are there: whoever waits looks at Ready and comes again.
// Another goroutine can have reaped them before this one looks; and one that
// looks at Ready, and then calls Enter without a bound while others reap, may
// have its last completion taken away in between and wait for ever.
//
// Errors are syscall.Errno as they are. No entry is lost or submitted twice by
// any of them; those that are not submitted stay pending.
//
//   - EINTR: a signal came while waiting; the Go runtime sends them (SIGURG).
//   - ETIME: the time is over, and the queue is empty.
//   - EAGAIN: no memory for a request. Reap, wait a little, come again.
//   - EBUSY: completions have overflowed and there is no room for them: reap,
//     come again. Before Linux 6.0 or so; later ones return without.
//   - EBADR: a completion was thrown away; see Lost. Said once.
//   - EEXIST: another thread than the one SingleIssuer means.
//   - ENXIO: the ring is closed.
//   - EINVAL: the numbers.
//
// EPERM and ENOSYS come from a system call filter that was installed after New.
func (r *Ring) Enter(atLeast int, wait time.Duration) (submitted int, err error) {
	if atLeast < 0 || wait < 0 {
		return 0, syscall.EINVAL
	}
	if atLeast == 0 {
		wait = 0
	} else if wait > 0 && !r.features.ExtArg {
		return 0, errors.ErrUnsupported
	}
	if !r.use() {
		return 0, syscall.ENXIO
	}
	submitted, errno := r.enter(uint32(min(atLeast, len(r.cq.entries))), wait)
	r.done()
	if errno != 0 {
		return submitted, errno
	}
	return submitted, nil
}

// enter is Enter with its arguments checked.
//
// The kernel waits only when it took exactly as many entries as it was told to,
// and otherwise returns at once, so that a goroutine whose entries another has
// brought in meanwhile has to come again. It does not come again and again: when
// the kernel took nothing, then under its lock there was nothing, and entries
// pushed since are the business of those who pushed them.
//
// The number it is told also cuts the queue. One that was counted before others
// took those entries and a chain was pushed would end within the chain. So with
// chains the number is beyond all that can be there, and a wait is a call of its
// own.
func (r *Ring) enter(atLeast uint32, wait time.Duration) (submitted int, err syscall.Errno) {
	for left := true; ; {
		var flags, n uint32
		if atLeast > 0 || atomic.LoadUint32(r.sq.flags)&(sqOverflow|sqTaskrun) != 0 {
			flags = enterGetEvents
		}
		if left {
			n = r.sq.pending()
		}
		if n == 0 && flags == 0 {
			return submitted, 0
		}
		number, waitFor := n, atLeast
		if r.chains && n > 0 {
			number, waitFor = everything, 0
		}
		taken, err := r.k.enter(r.fd, number, waitFor, flags, wait)
		if err != 0 {
			return submitted, err
		}
		submitted += taken
		if uint32(taken) == number {
			return submitted, 0
		}
		left = taken > 0
	}
}

// everything is more entries than a queue has.
const everything = 2 * maxEntries
