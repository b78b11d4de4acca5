package pool

import "math/bits"

// Stats are the numbers of a pool at one moment. Committed memory is
// InUseBytes + IdleBytes + QuarantinedBytes.
type Stats struct {
	BudgetBytes      int64 // Options.BudgetBytes or what SetBudget made of it
	ReserveBytes     int64 // what sessions may overdraw together
	LowBytes         int64 // idle memory that is kept
	HighBytes        int64 // idle memory beyond which Free gives it back
	InUseBytes       int64 // slots handed out, the size of the slots
	OverdrawnBytes   int64 // how much of it is beyond the budget by overdraft
	IdleBytes        int64 // slots kept for the next Get
	QuarantinedBytes int64 // freed slots that the debug mode watches
	MappedBytes      int64 // address space of all mappings
	Waiters          int   // calls of Get that wait now

	Gets          uint64 // successful Gets and TryGets
	Waits         uint64 // Gets that had to wait
	PressureCalls uint64 // calls of functions registered by OnPressure
	ReturnedBytes uint64 // memory given back to the system, ever
	Leaks         uint64 // Buffers that the debug mode found lost
	Corrupted     uint64 // slots that the debug mode found written after Free
}

// Stats returns the numbers of the pool. It takes every lock of the pool for a
// moment, looks at every slot, and is exact when no Get or Free runs at the
// same time.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := Stats{
		BudgetBytes:      p.budget,
		ReserveBytes:     p.reserve,
		LowBytes:         p.low,
		HighBytes:        p.high,
		OverdrawnBytes:   p.overdrawn,
		QuarantinedBytes: p.quarantine.bytes,
		MappedBytes:      p.mapped,
		Waiters:          p.queue.n,
		Waits:            p.waits,
		PressureCalls:    p.pressureCalls,
		ReturnedBytes:    p.returned,
		Leaks:            p.leaks,
		Corrupted:        p.corrupted,
	}
	s.IdleBytes, s.Gets = p.countLocked()
	// A buffer that goes from shard to shard meanwhile may be counted as idle twice.
	s.InUseBytes = max(0, p.committed-s.IdleBytes-s.QuarantinedBytes)
	return s
}

// countLocked returns what is idle and how many Gets there were: as many as
// slots were freed, and those that are held.
func (p *Pool) countLocked() (idleBytes int64, gets uint64) {
	for i := range p.shards {
		p.shards[i].mu.Lock()
	}
	free := p.quarantine.n
	for c := range p.idle {
		free += p.idle[c].n
		idleBytes += int64(p.idle[c].n) * int64(classBytes(c))
	}
	for i := range p.shards {
		n, size := p.shards[i].idle()
		free += n
		idleBytes += size
	}
	held := -free
	gets = p.frees
	for sl := range p.slabs {
		held += bits.OnesCount64(sl.all &^ (sl.raw | sl.leaving))
		gets += sl.freesOf()
	}
	for i := range p.shards {
		p.shards[i].mu.Unlock()
	}
	return idleBytes, gets + uint64(max(0, held))
}

// inUseLocked is Stats.InUseBytes.
func (p *Pool) inUseLocked() int64 {
	n := p.committed - p.centralIdleBytesLocked() - p.quarantine.bytes
	for i := range p.shards {
		sh := &p.shards[i]
		sh.mu.Lock()
		_, size := sh.idle()
		sh.mu.Unlock()
		n -= size
	}
	return max(0, n)
}
