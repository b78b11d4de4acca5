package pool

import (
	"context"
	"fmt"
	"log/slog"
	"math/bits"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oriel-go/oriel/window"
)

// A Pool lends memory. It is a [window.Memory]. All its methods may be called
// by any number of goroutines. It must be closed to give its mappings back.
type Pool struct {
	shards    []shard
	shardBits uint // log2 of their number

	// debug is nil while the debug mode is off: the one load that it costs.
	debug atomic.Pointer[debugMode]

	// attention is not 0 while every Free must take the central lock: while
	// somebody waits, more than the budget is committed, freed memory is
	// poisoned, or the pool is closed. It is written under mu, and whoever sets
	// it then empties every shard: a Free that still saw 0 has put its slot
	// where it is found, and every later one comes to the central lock. So the
	// shards are empty while it is set, and no wake-up is lost.
	attention atomic.Uint32

	// cellClass is the largest class whose slots may lie in the shards' cells,
	// -1 for none. It is written under mu; a Free that saw the old one leaves
	// at most one slot where it would not be now.
	cellClass atomic.Int32

	logger    *slog.Logger
	options   Options
	mapMemory func(n int, huge bool) (region, error) // mapRegion, except in tests

	_ [128]byte // keeps what every call reads off the cache lines written below

	mu sync.Mutex // the central lock; guards what follows
	bounds
	committed  int64 // bytes of all slots that are not raw
	overdrawn  int64 // sum of all debts; committed - overdrawn <= budget, but after SetBudget
	mapped     int64
	idle       [numClasses]idleList
	partial    [numClasses + 1]slabList
	slabs      map[*slab]struct{}
	leaving    []*slab    // with slots that giveBackLocked has not seen yet
	debts      bufferList // with a debt, from the oldest to the newest
	queue      waitQueue
	credit     bool // an overdraft may have become possible for somebody in the queue
	pressure   []*pressureFunc
	quarantine quarantine
	timer      *time.Timer // of the next tick; nil until the first
	armed      bool
	lastGets   uint64 // at the last tick
	closed     bool
	refused    bool // the system refused to take memory back, which has been logged

	frees, waits, pressureCalls, returned, leaks, corrupted uint64

	samples sampleSet
}

// New returns an empty pool; nil options are the defaults. Options out of range
// are reported together by one error that wraps [window.ErrOption].
func New(o *Options) (*Pool, error) {
	if o == nil {
		o = new(Options)
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	p := &Pool{logger: o.Logger, options: *o, mapMemory: mapRegion, slabs: make(map[*slab]struct{})}
	budget := o.BudgetBytes
	if budget == 0 {
		budget = DefaultBudgetBytes
	}
	p.bounds = o.boundsFor(budget)
	// More shards than goroutines that run at once, so that few share one.
	n := min(max(16, 1<<bits.Len(uint(2*runtime.GOMAXPROCS(0)-1))), 64)
	p.shards = make([]shard, n)
	p.shardBits = uint(bits.TrailingZeros(uint(n)))
	p.limitShardsLocked()
	if debugBuild {
		p.SetDebug(Debug{Level: Poison, SampleEvery: 1})
	}
	return p, nil
}

// Get returns n bytes, n >= 0, which the caller gives back with Free. No bytes
// cost nothing. Memory that others hold is waited for, first come first served,
// until ctx ends; before it waits, Get calls what OnPressure registered. The
// errors are [*window.Error] and wrap [window.ErrRange] for a negative n,
// [window.ErrNoMemory] when ClassSize(n) is more than the budget,
// [window.ErrClosed] after Close, the context's error, or what the system said
// when it refused to map memory.
func (p *Pool) Get(ctx context.Context, n int) (*Buffer, error) { return p.get(ctx, nil, n) }

// TryGet is Get for memory that can be done without: when none is to be had
// without waiting, by reclaiming idle memory at most, or on any error, it
// returns false. It does not call what OnPressure registered.
func (p *Pool) TryGet(n int) (*Buffer, bool) {
	if uint(n-1) < maxSlotBytes {
		if b := p.shard().take(classOf(n)); b != nil {
			return p.handOut(b, n), true
		}
	}
	b, _ := p.getSlow(context.Background(), nil, n, true)
	return b, b != nil
}

// Acquire is Get, as [window.Memory] has it.
func (p *Pool) Acquire(ctx context.Context, n int) (window.Buffer, error) {
	b, err := p.get(ctx, nil, n)
	if err != nil {
		return nil, err
	}
	return b, nil
}

// Secure implements [window.Memory]: the memory is not for secrets.
func (p *Pool) Secure() bool { return false }

func (p *Pool) get(ctx context.Context, s *Session, n int) (*Buffer, error) {
	if err := ctx.Err(); err != nil {
		return nil, acquireError(n, err)
	}
	if uint(n-1) < maxSlotBytes {
		sh, c := p.shard(), classOf(n)
		var b *Buffer
		if sh.cells[c].Load() != nil {
			b = sh.cells[c].Swap(nil)
		}
		if b == nil {
			b = sh.fromMagazine(c)
		}
		if b != nil {
			return p.handOut(b, n), nil
		}
	}
	return p.getSlow(ctx, s, n, false)
}

// handOut makes b, which is in no list, the caller's.
func (p *Pool) handOut(b *Buffer, n int) *Buffer {
	b.hold(n)
	if d := p.debug.Load(); d != nil {
		return d.sampled(p, b)
	}
	return b
}

// SetBudget changes the budget, at least 4 KiB. Bounds that the options left to
// their defaults follow it. When more than the new budget is in use, nothing is
// taken from its holders: what they free is given back until the rest fits.
// Whoever waits for more than can ever be had now fails with
// [window.ErrNoMemory].
func (p *Pool) SetBudget(bytes int64) error {
	if bytes < minBudgetBytes {
		return &window.Error{Op: "set budget", Err: fmt.Errorf("%w: the budget is %d, at least %d is needed",
			window.ErrOption, bytes, minBudgetBytes)}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bounds = p.options.boundsFor(bytes)
	p.limitShardsLocked()
	p.gatherLocked()
	p.credit = true
	p.failHopelessLocked()
	p.balanceLocked()
	p.trimHighLocked()
	return nil
}

// Trim gives all idle memory back to the system now.
func (p *Pool) Trim() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gatherLocked()
	p.quarantine.flush(p)
	p.reclaimLocked(p.committed)
	p.unmapRawLocked()
	p.balanceLocked()
}

// acquireError says that Get of n bytes failed.
func acquireError(n int, err error) error {
	return &window.Error{Op: "acquire", Len: int64(n), Err: err}
}
