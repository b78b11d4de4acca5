package uringsrc

import "sync/atomic"

// Info says what an Engine is made of.
type Info struct {
	Rings       int   // the shared one and the seats
	InFlight    int   // reads that may be in the kernel at a time through the shared one
	MemoryBytes int64 // shared with the kernel, and charged to RLIMIT_MEMLOCK of most users
	Leads       bool  // goroutines wait in the kernel; otherwise in the runtime's poller (before Linux 5.11)
	Restricted  bool  // the rings admit reads and cancels only (since Linux 5.10)
}

// Info returns what the engine is made of.
func (e *Engine) Info() Info { return e.info }

// Stats say what an Engine has under way and has done.
type Stats struct {
	Queued      int   // reads that wait for room
	InKernel    int   // reads in the kernel that somebody wants
	Orphaned    int   // reads in the kernel that were abandoned: their buffers are not free yet
	QueuedBytes int64 // of buffers
	KernelBytes int64 // of buffers of InKernel and Orphaned
	OrphanBytes int64 // of KernelBytes, those of Orphaned

	Reads     int64 // started so far
	Abandoned int64 // of them, so far
	Continued int64 // times that a read went on after too few bytes, or was begun again
	Enters    int64 // system calls made for it all
	Strays    int64 // completions that belonged to no read: 0
}

type counters struct{ reads, abandoned, continued, enters atomic.Int64 }

// Stats returns what is under way now and what was done so far.
func (e *Engine) Stats() Stats {
	s := Stats{
		Reads:     e.count.reads.Load(),
		Abandoned: e.count.abandoned.Load(),
		Continued: e.count.continued.Load(),
		Enters:    e.count.enters.Load(),
	}
	for _, l := range e.lanes {
		l.mu.Lock()
		s.Queued += l.backlog.n
		s.InKernel += l.inKernel() - l.orphans
		s.Orphaned += l.orphans
		s.QueuedBytes += l.queuedBytes
		s.KernelBytes += l.kernelBytes
		s.OrphanBytes += l.orphanBytes
		s.Strays += l.strays
		l.mu.Unlock()
	}
	return s
}
