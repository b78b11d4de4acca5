package source

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oriel-go/oriel/internal/memlimit"
	"github.com/oriel-go/oriel/internal/memlock"
	"github.com/oriel-go/oriel/internal/semaphore"
	"github.com/oriel-go/oriel/mmapsrc"
	"github.com/oriel-go/oriel/pool"
	"github.com/oriel-go/oriel/uringsrc"
	"github.com/oriel-go/oriel/window"
)

// Limits bound what a [Runtime] uses, whatever the size of the files and
// however many readers there are. A zero field is its default.
type Limits struct {
	// MemoryBytes bounds the window memory that is in use or kept for re-use.
	// At least Granularity. The default is an eighth of what the process may
	// use (GOMEMLIMIT, control groups, the machine), at most 256 MiB.
	MemoryBytes int64

	// ReserveBytes bounds what all Readers together may take beyond
	// MemoryBytes so as not to wait for each other for ever: each a window
	// and a join. The default is MemoryBytes, at least 4 MiB; negative is
	// none. It is fixed when the Runtime is made.
	ReserveBytes int64

	// LockBytes bounds the mapped memory that is locked, which is what windows
	// of mappings are lent from. Multiples of 2 MiB count; with less, or a
	// negative number, nothing is mapped. The default is RLIMIT_MEMLOCK, at
	// most a sixteenth of what the process may use and 256 MiB. Several
	// Runtimes share the process's RLIMIT_MEMLOCK, and do not know of each
	// other.
	LockBytes int64

	// PinnedBytes bounds the bytes of one mapped file that windows keep in use
	// at a time. A writer of the file waits while they are copied. At least
	// 2 MiB, of which multiples count. The default is 32 MiB. A change counts
	// for files that are mapped later.
	PinnedBytes int64

	// InFlight bounds the reads that are in the kernel at a time through the
	// ring, InFlightBytes the bytes of their memory; more of them queue, and a
	// single read may exceed the latter. The defaults are
	// uringsrc.DefaultInFlight and uringsrc.DefaultInFlightBytes. A negative
	// InFlight switches the ring off. Both are fixed when the first file is
	// opened that is read through it.
	InFlight      int
	InFlightBytes int64

	// Threads bounds the reads of files that wait for a device at a time, each
	// of which holds an operating system thread. The default is 64. Reads of a
	// pipe or terminal that cannot be polled hold one more each, and so may
	// Fetchers; a read of a stream that waits holds a window of memory as well.
	Threads int

	// Files bounds the files that are open at a time; Open fails with
	// window.ErrLimit beyond it. A mapped file has a second descriptor, and one
	// more for each broken mapping of which there still are windows. The
	// default is no bound but the system's.
	Files int
}

const (
	defaultThreads     = 64
	defaultMemoryBytes = 256 << 20
	leastReserveBytes  = 4 << 20
)

// A Runtime owns the memory and the limits of what is opened through it. Its
// methods may be called by any number of goroutines.
type Runtime struct {
	memory  *pool.Pool
	locked  *memlock.Account
	guard   *mmapsrc.Guard
	threads *semaphore.Semaphore
	open    atomic.Int64 // files open now
	polled  atomic.Pointer[poller]
	crowd   crowd
	mapped  atomic.Int64 // Readers that are lent mappings by their plan
	machine machine

	ringMu sync.Mutex
	engine *uringsrc.Engine // nil until it is asked for
	noRing error            // why there is none, and will not be

	mu      sync.Mutex
	limits  Limits          // with the defaults filled in; ReserveBytes and memory's origin are fixed
	from    string          // what the memory limit comes from
	lockBy  string          // what the lock limit comes from
	waiting map[uint64]bool // file systems, by device, that cannot tell what is cached; true: because everything is in memory
}

// NewRuntime returns a Runtime with the given limits. Close gives its memory
// back.
func NewRuntime(l Limits) (*Runtime, error) {
	from := "Limits.MemoryBytes"
	if l.MemoryBytes == 0 {
		l.MemoryBytes, from = defaultMemory()
	}
	if l.ReserveBytes == 0 {
		l.ReserveBytes = max(l.MemoryBytes, leastReserveBytes)
	}
	lockBy := "Limits.LockBytes"
	if l.LockBytes == 0 {
		l.LockBytes, lockBy = memlock.Default()
	}
	if err := l.fill(); err != nil {
		return nil, &window.Error{Op: "runtime", Err: err}
	}
	p, err := pool.New(&pool.Options{BudgetBytes: l.MemoryBytes, ReserveBytes: l.ReserveBytes})
	if err != nil {
		return nil, err
	}
	locked := memlock.New(l.LockBytes)
	return &Runtime{
		memory:  p,
		locked:  locked,
		guard:   mmapsrc.NewGuard(locked, l.PinnedBytes),
		threads: semaphore.New(l.Threads),
		crowd:   crowd{began: time.Now()},
		limits:  l,
		from:    from,
		lockBy:  lockBy,
		waiting: map[uint64]bool{},
	}, nil
}

// defaultMemory returns the default budget and where it comes from.
func defaultMemory() (int64, string) {
	limit, from := memlimit.Limit()
	if n := limit / 8; n < defaultMemoryBytes {
		return max(n-n%Granularity, Granularity), "an eighth of " + from
	}
	return defaultMemoryBytes, "the default"
}

// fill replaces zero fields other than the memory's and checks all.
func (l *Limits) fill() error {
	if l.PinnedBytes == 0 {
		l.PinnedBytes = mmapsrc.DefaultPinnedBytes
	}
	if l.InFlight == 0 {
		l.InFlight = uringsrc.DefaultInFlight
	}
	if l.InFlightBytes == 0 {
		l.InFlightBytes = uringsrc.DefaultInFlightBytes
	}
	if l.Threads == 0 {
		l.Threads = defaultThreads
	}
	if l.Files == 0 {
		l.Files = math.MaxInt
	}
	switch {
	case l.MemoryBytes < Granularity:
		return fmt.Errorf("%w: Limits.MemoryBytes of %d is less than a window of %d bytes", window.ErrOption, l.MemoryBytes, Granularity)
	case l.PinnedBytes < mmapsrc.ExtentBytes:
		return fmt.Errorf("%w: Limits.PinnedBytes of %d is less than %d", window.ErrOption, l.PinnedBytes, mmapsrc.ExtentBytes)
	case l.InFlight > uringsrc.MaxInFlight:
		return fmt.Errorf("%w: Limits.InFlight of %d is more than %d", window.ErrOption, l.InFlight, uringsrc.MaxInFlight)
	case l.InFlightBytes < 0:
		return fmt.Errorf("%w: Limits.InFlightBytes of %d", window.ErrOption, l.InFlightBytes)
	case l.Threads < 0:
		return fmt.Errorf("%w: Limits.Threads of %d", window.ErrOption, l.Threads)
	case l.Files < 0:
		return fmt.Errorf("%w: Limits.Files of %d", window.ErrOption, l.Files)
	}
	return nil
}

// Default returns the Runtime that is used where none was given. It lives as
// long as the process.
func Default() *Runtime { return defaultRuntime() }

var defaultRuntime = sync.OnceValue(func() *Runtime {
	rt, err := NewRuntime(Limits{})
	if err != nil {
		panic("source: the default limits are refused: " + err.Error())
	}
	return rt
})

// Memory returns the pool that the Runtime's windows live in.
func (rt *Runtime) Memory() *pool.Pool { return rt.memory }

// Limits returns the limits in force, with the defaults filled in.
func (rt *Runtime) Limits() Limits {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	return rt.limits
}

// SetLimits changes the limits. A zero field leaves its limit as it is;
// ReserveBytes cannot be changed. What is in use beyond a lowered limit stays
// in use until it is released.
func (rt *Runtime) SetLimits(l Limits) error {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	n := rt.limits
	if l.ReserveBytes != 0 && l.ReserveBytes != n.ReserveBytes {
		return &window.Error{Op: "limits", Err: fmt.Errorf("%w: Limits.ReserveBytes is fixed", window.ErrOption)}
	}
	if l.MemoryBytes != 0 {
		n.MemoryBytes = l.MemoryBytes
	}
	if l.LockBytes != 0 {
		n.LockBytes = l.LockBytes
	}
	if l.PinnedBytes != 0 {
		n.PinnedBytes = l.PinnedBytes
	}
	if l.InFlight != 0 {
		n.InFlight = l.InFlight
	}
	if l.InFlightBytes != 0 {
		n.InFlightBytes = l.InFlightBytes
	}
	if l.Threads != 0 {
		n.Threads = l.Threads
	}
	if l.Files != 0 {
		n.Files = l.Files
	}
	if err := n.fill(); err != nil {
		return &window.Error{Op: "limits", Err: err}
	}
	if err := rt.limitRing(n); err != nil {
		return err
	}
	if n.MemoryBytes != rt.limits.MemoryBytes {
		if err := rt.memory.SetBudget(n.MemoryBytes); err != nil {
			return err
		}
		rt.from = "Limits.MemoryBytes"
	}
	if n.LockBytes != rt.limits.LockBytes {
		rt.locked.SetLimit(n.LockBytes)
		rt.guard.Trim(0)
		rt.lockBy = "Limits.LockBytes"
	}
	rt.guard.SetPinned(n.PinnedBytes)
	rt.threads.Resize(n.Threads)
	rt.limits = n
	return nil
}

// RuntimeStats says what a Runtime uses now.
type RuntimeStats struct {
	Memory  pool.Stats
	Guard   mmapsrc.Stats
	Ring    uringsrc.Stats
	Threads int   // places taken by reads of files
	Files   int64 // files open
}

// Stats returns what is in use now.
func (rt *Runtime) Stats() RuntimeStats {
	s := RuntimeStats{Memory: rt.memory.Stats(), Guard: rt.guard.Stats(), Threads: rt.threads.InUse(), Files: rt.open.Load()}
	rt.ringMu.Lock()
	defer rt.ringMu.Unlock()
	if rt.engine != nil {
		s.Ring = rt.engine.Stats()
	}
	return s
}

// Close gives the memory back. It returns an error that lists who holds
// windows when there are any; they stay valid, and their memory is given back
// with the last. What was opened through the Runtime cannot be read any more.
func (rt *Runtime) Close() error {
	pinned := rt.guard.Close()
	err := rt.closeRing() // first: what it has in the kernel is memory
	err = errors.Join(err, rt.memory.Close(), rt.closePoll())
	if pinned > 0 {
		err = errors.Join(err, &window.Error{Op: "close", Err: fmt.Errorf("windows of %d extents of mapped files are still held", pinned)})
	}
	return err
}

func (rt *Runtime) memoryBytes() int64 {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	return rt.limits.MemoryBytes
}

// maxWindow returns the largest window there can be, at least Granularity.
func (rt *Runtime) maxWindow() int {
	n := min(rt.memoryBytes(), LargestWindowBytes)
	return int(n - n%Granularity)
}

// enterFile counts a file that is to be opened, leaveFile one that is closed.
func (rt *Runtime) enterFile() error {
	rt.mu.Lock()
	limit := int64(rt.limits.Files)
	rt.mu.Unlock()
	if rt.open.Add(1) > limit {
		rt.open.Add(-1)
		return fmt.Errorf("%w: %d files are open", window.ErrLimit, limit)
	}
	return nil
}

func (rt *Runtime) leaveFile() { rt.open.Add(-1) }

// cannotTell remembers file systems that cannot tell what is cached, so that only
// the first file of each is asked: asked says so, memory that all of it is in memory.
func (rt *Runtime) cannotTell(dev uint64) (memory, asked bool) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	memory, asked = rt.waiting[dev]
	return memory, asked
}

func (rt *Runtime) setCannotTell(dev uint64, memory bool) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	rt.waiting[dev] = memory
}

// origins says what set the memory and the lock budget.
func (rt *Runtime) origins() (memory, lock string) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	return rt.from, rt.lockBy
}
