package mmapsrc

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// A keeper waits for the kernel to say that a lease is being broken, and sees
// to it. It runs on a thread of its own while there are leases.
//
// A writer waits for the keeper, so it waits for nobody: it takes no lock that
// anybody holds across a system call, and none at all while it keeps a lease.
// What it knows of mappings is in table, by descriptor.
//
// The kernel queues a signal for every break, with the descriptor in it, for
// the one thread that owns the descriptor (F_SETOWN_EX); the thread has it
// blocked, and reads it from a signalfd. Signals of that number for the process
// or other threads stay theirs. When the queue of signals is full the kernel
// sends a plain SIGIO instead, which is no descriptor's: then, and now and then
// anyway, all leases are looked at.
type keeper struct {
	g *Guard

	mu      sync.Mutex // starting and ending; the keeper takes it only while it keeps nothing
	users   int        // leases held or about to be taken
	running bool
	closed  bool
	tid     int
	wake    int // an eventfd
	timings     // ordinary unless set before it starts

	trimming atomic.Bool
	sweepNow atomic.Bool

	table [tableGroups]atomic.Pointer[tableGroup]
}

const (
	// leaseSignal is a real-time signal that neither the Go runtime nor the C
	// libraries use for themselves.
	leaseSignal = 62

	// A descriptor beyond tableGroups * groupFiles is refused; the kernel's own
	// bound (fs.nr_open) is 1,048,576 unless changed.
	tableGroups = 1 << 10
	groupFiles  = 1 << 11

	retryFreeze = 5 * time.Millisecond
)

// timings are how long the keeper waits for what.
type timings struct {
	sweepEvery time.Duration // between looks at all leases
	lingers    time.Duration // without a lease
}

// ordinary sweeps within the 5 s or more that a lease lasts after a writer came.
var ordinary = timings{4 * time.Second, time.Second}

type tableGroup [groupFiles]atomic.Pointer[mapping]

// entry returns the place of a descriptor, nil if there is none.
func (k *keeper) entry(fd int) *atomic.Pointer[mapping] {
	if fd < 0 || fd >= tableGroups*groupFiles {
		return nil
	}
	c := k.table[fd/groupFiles].Load()
	if c == nil {
		return nil
	}
	return &c[fd%groupFiles]
}

// watch takes a lease for m and keeps it.
func (k *keeper) watch(m *mapping) error {
	if m.fd >= tableGroups*groupFiles {
		return fmt.Errorf("descriptor %d is beyond what leases are kept of", m.fd)
	}
	tid, err := k.start()
	if err != nil {
		return err
	}
	c := &k.table[m.fd/groupFiles]
	if c.Load() == nil {
		c.CompareAndSwap(nil, new(tableGroup))
	}
	// Before the lease: it may be broken as soon as it is taken.
	k.entry(m.fd).Store(m)
	if err := k.g.k.lease(m.fd, tid); err != nil {
		k.entry(m.fd).Store(nil)
		k.leave()
		return err
	}
	k.g.leases.Add(1)
	m.leased.Store(true)
	if !k.g.k.held(m.fd) { // broken already: the keeper may have looked before the line above
		k.mu.Lock()
		k.sweepNow.Store(true)
		k.wakeLocked()
		k.mu.Unlock()
	}
	return nil
}

// unwatch gives the lease of m up, unless a break has already.
func (k *keeper) unwatch(m *mapping) {
	k.entry(m.fd).Store(nil)
	k.g.k.unlease(m.fd)
	k.g.leases.Add(-1)
	k.leave()
}

// start counts a user of the keeper and starts it if it does not run.
func (k *keeper) start() (tid int, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.users++
	if k.running {
		return k.tid, nil
	}
	if k.timings == (timings{}) {
		k.timings = ordinary
	}
	ready := make(chan error)
	go k.run(ready)
	if err := <-ready; err != nil {
		k.users--
		return 0, fmt.Errorf("the keeper of leases does not start: %w", err)
	}
	k.running = true
	return k.tid, nil
}

func (k *keeper) leave() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.users--; k.users == 0 && k.closed {
		k.wakeLocked()
	}
}

// hurry makes the keeper end as soon as there are no leases.
func (k *keeper) hurry() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed = true; k.users == 0 {
		k.wakeLocked()
	}
}

func (k *keeper) wakeLocked() {
	if k.running {
		one := [8]byte{}
		binary.NativeEndian.PutUint64(one[:], 1)
		_, _ = unix.Write(k.wake, one[:]) // an eventfd takes it
	}
}

// mayEnd reports whether the keeper is to end, and makes the next lease start
// another if so. Without leases there is nobody whom waiting for mu would keep
// waiting.
func (k *keeper) mayEnd(idle time.Duration) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.users > 0 || idle < k.lingers && !k.closed {
		return false
	}
	k.running = false
	k.g.stock(0)
	return true
}

// run is the keeper. The thread ends with it, because its signal mask is not
// what other goroutines expect.
func (k *keeper) run(ready chan<- error) {
	runtime.LockOSThread()
	signals, err := k.prepare()
	if err != nil {
		ready <- err
		return
	}
	wake := k.wake
	defer unix.Close(wake)
	defer unix.Close(signals)
	ready <- nil
	var late []*mapping // whose freeze has failed, and is tried again
	swept, busy := time.Now(), time.Now()
	for {
		fds := []unix.PollFd{{Fd: int32(signals), Events: unix.POLLIN}, {Fd: int32(wake), Events: unix.POLLIN}}
		pause := min(k.lingers, k.sweepEvery)
		if len(late) > 0 {
			pause = retryFreeze
		}
		n, _ := unix.Poll(fds, int(pause.Milliseconds())) // an error but EINTR cannot be, and is treated as it
		if fds[1].Revents != 0 {
			var b [8]byte
			_, _ = unix.Read(wake, b[:])
		}
		sweep := k.sweepNow.Swap(false) || time.Since(swept) >= k.sweepEvery
		if n > 0 && fds[0].Revents != 0 {
			late, sweep = k.signalled(signals, late, sweep)
		}
		if sweep {
			late = k.sweep(late)
			swept = time.Now()
			k.trim()
		}
		late = freezeAgain(late)
		if k.g.leases.Load() > 0 || len(late) > 0 {
			busy = time.Now()
		} else if k.mayEnd(time.Since(busy)) {
			return
		}
	}
}

// prepare blocks the signals in this thread and opens what it waits for.
func (k *keeper) prepare() (signals int, err error) {
	k.tid = unix.Gettid()
	var set unix.Sigset_t
	for _, s := range []uint{leaseSignal, uint(unix.SIGIO)} {
		word := uint(len(set.Val)) // words are 32 or 64 bits
		bits := uint(128*8) / word
		set.Val[(s-1)/bits] |= 1 << ((s - 1) % bits)
	}
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, &set, nil); err != nil {
		return 0, err
	}
	if signals, err = unix.Signalfd(-1, &set, unix.SFD_CLOEXEC|unix.SFD_NONBLOCK); err != nil {
		return 0, err
	}
	if k.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		unix.Close(signals)
		return 0, err
	}
	return signals, nil
}

// signalled sees to what the signals tell of.
func (k *keeper) signalled(signals int, late []*mapping, sweep bool) ([]*mapping, bool) {
	const size, offSignal, offFD = 128, 0, 20 // struct signalfd_siginfo
	var b [32 * size]byte
	for {
		n, err := unix.Read(signals, b[:])
		if err == unix.EINTR {
			continue
		}
		if err != nil || n < size {
			return late, sweep
		}
		for p := b[:n]; len(p) >= size; p = p[size:] {
			if binary.NativeEndian.Uint32(p[offSignal:]) != leaseSignal {
				k.g.lost.Add(1)
				sweep = true
				continue
			}
			late = k.look(int(int32(binary.NativeEndian.Uint32(p[offFD:]))), late)
		}
	}
}

// trim gives up what has been idle for long, in another goroutine, one at a time.
func (k *keeper) trim() {
	if k.g.account.Used() > 0 && k.trimming.CompareAndSwap(false, true) {
		go func() {
			defer k.trimming.Store(false)
			k.g.Trim(k.g.now() - idleAfter)
		}()
	}
}

// sweep looks at all leases.
func (k *keeper) sweep(late []*mapping) []*mapping {
	k.g.sweeps.Add(1)
	for i := range k.table {
		if c := k.table[i].Load(); c != nil {
			for j := range c {
				if c[j].Load() != nil {
					late = k.look(i*groupFiles+j, late)
				}
			}
		}
	}
	return late
}

// look sees to the lease of a descriptor if it is being broken. The signal may
// be an old one, of a descriptor that is another file's by now: the kernel is
// asked.
func (k *keeper) look(fd int, late []*mapping) []*mapping {
	e := k.entry(fd)
	if e == nil {
		return late
	}
	m := e.Load()
	if m == nil || !m.leased.Load() || k.g.k.held(fd) {
		return late
	}
	if !m.phase.CompareAndSwap(live, freezing) {
		return late // it has ended, is being retried, or was frozen
	}
	if k.g.k.held(m.fd) { // once more: now nobody ends m, and its descriptor is its own
		m.phase.Store(live)
		if m.over.Load() {
			go m.settle()
		}
		return late
	}
	if !m.freeze() {
		return append(late, m)
	}
	return late
}
