package pool

import (
	"log/slog"
	"math/rand/v2"
	"time"
)

// A Level is how much the debug mode does.
type Level uint8

const (
	// Off costs one load per Get.
	Off Level = iota

	// Stacks remembers the stack of every SampleEvery-th Get while its Buffer
	// is held, for Holders, and reports those that became garbage unfreed.
	Stacks

	// Poison does that, and also overwrites freed memory and keeps it in a
	// quarantine before it is used again; what was written into it meanwhile
	// is reported. Every Free takes the central lock.
	Poison
)

// Debug is what SetDebug sets. The zero value turns everything off.
type Debug struct {
	Level Level

	// SampleEvery is the number of Gets of which one, by chance, is
	// remembered. 1 remembers all. Default: 128.
	SampleEvery int

	// QuarantineBytes is how much freed memory is watched. Memory that is
	// wanted leaves it early. Default: a quarter of the budget, at most 8 MiB.
	QuarantineBytes int64

	// LongWait is how long a Get may wait before it is logged, once, with the
	// oldest holders. Default: one second.
	LongWait time.Duration
}

// DefaultSampleEvery is Debug.SampleEvery where it is not set.
const DefaultSampleEvery = 128

const defaultLongWait = time.Second

// debugMode is a Debug with its defaults filled in; constant.
type debugMode struct {
	Debug
}

// SetDebug changes the debug mode. It applies to what is got from then on;
// Buffers sampled before stay so until they are freed.
func (p *Pool) SetDebug(d Debug) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if d.Level == Off {
		p.debug.Store(nil)
		p.quarantine.flush(p)
	} else {
		if d.SampleEvery <= 0 {
			d.SampleEvery = DefaultSampleEvery
		}
		if d.QuarantineBytes <= 0 {
			d.QuarantineBytes = min(8<<20, p.budget/4)
		}
		if d.LongWait <= 0 {
			d.LongWait = defaultLongWait
		}
		p.debug.Store(&debugMode{d})
		p.quarantine.shrink(p, d.QuarantineBytes)
		if d.Level < Poison {
			p.quarantine.flush(p)
		}
	}
	p.balanceLocked()
	p.trimHighLocked()
}

// poisoning reports whether freed memory is poisoned.
func (p *Pool) poisoning() bool {
	d := p.debug.Load()
	return d != nil && d.Level >= Poison
}

// sampled returns b, or for the chosen ones a Buffer in its place that is a
// heap object of its own: so that the collector can tell when it is lost, and
// a late second Free of it never meets another holder of the slot.
func (d *debugMode) sampled(p *Pool, b *Buffer) *Buffer {
	if b.slab == nil || d.SampleEvery > 1 && rand.IntN(d.SampleEvery) != 0 {
		return b
	}
	own := &Buffer{special: true, index: b.index, class: b.class, n: b.n, mem: b.mem, slab: b.slab}
	own.turn = own.frees.Load()
	own.sample = p.samples.begin(p, own)
	return own
}

// logLongWait logs that w has been waiting for long.
func (p *Pool) logLongWait(w *waiter) {
	d := p.debug.Load()
	if p.logger == nil || d == nil {
		return
	}
	const most = 5
	holders := p.Holders()
	names := make([]string, 0, most)
	for _, h := range holders[:min(most, len(holders))] {
		names = append(names, h.String())
	}
	st := p.Stats()
	p.logger.Warn("pool: long wait for memory",
		slog.Duration("waiting_longer_than", d.LongWait),
		slog.Int64("wanted_bytes", w.size),
		slog.Int64("in_use_bytes", st.InUseBytes),
		slog.Int64("budget_bytes", st.BudgetBytes),
		slog.Int("waiters", st.Waiters),
		slog.Any("oldest_holders", names))
}
