package ring

import (
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// A fake is the other side of a ring, in memory of the Go heap. It completes
// every entry at once with its length.
type fake struct {
	p       params
	queues  []byte
	entries []byte
	sq      submissions // the kernel's view
	cq      completions

	refuse  map[string]syscall.Errno // by step
	setups  []uint32                 // the flags of each io_uring_setup
	unknown uint32                   // flags that it does not know
	lacks   uint32                   // features that it does not have
	rules   []restriction
	enabled bool
	open    int // descriptors and mappings not given back

	calls []fakeCall
	take  func(submit uint32) (n uint32, err syscall.Errno) // nil: all that is there
}

type fakeCall struct {
	submit, min, flags uint32
	wait               time.Duration
}

const fakeFD = 1 << 20

func newFake() *fake { return &fake{refuse: map[string]syscall.Errno{}} }

func (f *fake) kernel() kernel {
	return kernel{
		setup:       f.setup,
		register:    f.register,
		enter:       f.enter,
		mapRing:     f.mapRing,
		unmap:       func([]byte) { f.open-- },
		dontFork:    func([]byte) syscall.Errno { return f.refuse["madvise"] },
		closeOnExec: func(int) syscall.Errno { return f.refuse["fcntl"] },
		close:       func(int) { f.open-- },
	}
}

func roundUp(n uint32) uint32 {
	p := uint32(1)
	for p < n {
		p *= 2
	}
	return p
}

func (f *fake) setup(entries uint32, p *params) (int, syscall.Errno) {
	f.setups = append(f.setups, p.flags)
	if p.flags&f.unknown != 0 {
		return -1, syscall.EINVAL
	}
	if e := f.refuse["io_uring_setup"]; e != 0 {
		return -1, e
	}
	p.sqEntries = roundUp(entries)
	if p.flags&setupCQSize == 0 {
		p.cqEntries = 2 * p.sqEntries
	}
	p.cqEntries = roundUp(p.cqEntries)
	p.features = (featSingleMmap | featNoDrop | featSubmitStable | featExtArg | featCQESkip) &^ f.lacks
	p.sq = sqOffsets{head: 0, tail: 4, mask: 16, entries: 24, flags: 36, dropped: 32, array: 64 + 16*p.cqEntries}
	p.cq = cqOffsets{head: 8, tail: 12, mask: 20, entries: 28, overflow: 44, cqes: 64, flags: 40}
	f.p = *p
	f.queues = make([]byte, p.queuesBytes())
	f.entries = make([]byte, p.entriesBytes())
	f.sq, f.cq = newQueues(p, f.queues, f.entries)
	f.open++
	return fakeFD, 0
}

// startAt lets all words of the queues begin at n, as if so many entries had
// gone through already. It comes before the ring is made.
func (f *fake) startAt(n uint32) kernel {
	k := f.kernel()
	k.setup = func(entries uint32, p *params) (int, syscall.Errno) {
		fd, err := f.setup(entries, p)
		for _, w := range []*uint32{f.sq.head, f.sq.tail, f.cq.head, f.cq.tail} {
			atomic.StoreUint32(w, n)
		}
		f.sq.next, f.cq.next = n, n
		return fd, err
	}
	return k
}

func (f *fake) mapRing(_ int, off int64, n int) ([]byte, syscall.Errno) {
	m, step := f.queues, "mmap queues"
	if off == mapEntries {
		m, step = f.entries, "mmap entries"
	}
	if e := f.refuse[step]; e != 0 {
		return nil, e
	}
	f.open++
	return m[:n], 0
}

func (f *fake) register(_ int, op registerOp, arg argument, n int) syscall.Errno {
	switch op {
	case registerRestrictions:
		if e := f.refuse["RESTRICTIONS"]; e != 0 {
			return e
		}
		f.rules = rulesOf(arg, n)
	case enableRings:
		if e := f.refuse["ENABLE_RINGS"]; e != 0 {
			return e
		}
		f.enabled = true
	}
	return 0
}

// enter takes entries as the kernel does: never more than it is told to, and it
// does not wait when it took fewer.
func (f *fake) enter(_ int, submit, min, flags uint32, wait time.Duration) (int, syscall.Errno) {
	f.calls = append(f.calls, fakeCall{submit, min, flags, wait})
	n := submit
	if f.take != nil {
		var err syscall.Errno
		if n, err = f.take(submit); err != 0 {
			return -1, err
		}
	}
	taken := 0
	for ; n > 0 && atomic.LoadUint32(f.sq.tail) != atomic.LoadUint32(f.sq.head); n-- {
		head := atomic.LoadUint32(f.sq.head)
		e := f.sq.entries[head&f.sq.mask]
		f.complete(Completion{UserData: e.userData, Res: int32(e.len)})
		atomic.StoreUint32(f.sq.head, head+1)
		taken++
	}
	return taken, 0
}

func (f *fake) complete(c Completion) {
	tail := atomic.LoadUint32(f.cq.tail)
	if tail-atomic.LoadUint32(f.cq.head) == uint32(len(f.cq.entries)) {
		atomic.AddUint32(f.cq.lost, 1)
		return
	}
	f.cq.entries[tail&f.cq.mask] = c
	atomic.StoreUint32(f.cq.tail, tail+1)
}

func (f *fake) ring(t *testing.T, c Config) *Ring {
	t.Helper()
	r, err := newRing(c, f.kernel())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Close()
		if f.open != 0 {
			t.Errorf("%d descriptors and mappings not given back", f.open)
		}
	})
	return r
}
