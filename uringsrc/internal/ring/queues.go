package ring

import "sync/atomic"

// The two queues are rings in memory shared with the kernel. Each has a head,
// where entries are taken, and a tail, where they are put; both only ever grow,
// wrap around at 1<<32, and are taken modulo the size for a place:
//
//	            head            tail
//	             ▼               ▼
//	┌───┬───┬───┬───┬───┬───┬───┬───┐
//	│   │   │   │ e │ e │ e │ e │   │     tail − head entries, also when
//	└───┴───┴───┴───┴───┴───┴───┴───┘     tail has wrapped and head has not
//
// One side writes the tail and the other the head. Each word that the other
// side writes is loaded, and each that it reads is stored, through sync/atomic,
// which is at least the acquire or release that the kernel's side pairs with.

// submissions is the queue that we put entries into and the kernel takes from.
type submissions struct {
	head    *uint32 // the kernel's; entries before it have been copied
	tail    *uint32 // ours
	flags   *uint32 // the kernel's
	dropped *uint32 // the kernel's
	entries []Entry
	mask    uint32 // len(entries)-1

	next uint32 // our copy of tail, for those who push
}

// free returns how many entries can be pushed.
func (s *submissions) free() int {
	// Pairs with the smp_store_release of io_commit_sqring: the kernel has read
	// every entry before head when it stores it, so their places are ours.
	return len(s.entries) - int(s.next-atomic.LoadUint32(s.head))
}

// put writes an entry to the place behind the last; there is one free.
func (s *submissions) put(e *Entry) {
	s.entries[s.next&s.mask] = *e
	s.next++
}

// publish brings into sight what was put, all of it at once.
func (s *submissions) publish() {
	// Pairs with the smp_load_acquire of io_sqring_entries: whoever sees this
	// tail sees the entries before it.
	atomic.StoreUint32(s.tail, s.next)
}

// pending returns how many entries the kernel has not taken. The head is loaded
// first: it never passes the tail, so the difference is never negative. It can
// be too large when others push and enter in between.
func (s *submissions) pending() uint32 {
	head := atomic.LoadUint32(s.head)
	return atomic.LoadUint32(s.tail) - head
}

// completions is the queue that the kernel puts results into.
type completions struct {
	head    *uint32 // ours
	tail    *uint32 // the kernel's
	lost    *uint32 // the kernel's
	flags   *uint32 // ours; nil before Linux 5.8
	entries []Completion
	mask    uint32 // len(entries)-1

	next uint32 // our copy of head, for those who reap
}

// ready returns how many completions are in the queue. The head is loaded
// first, as in pending; others can reap in between, and the sum is then too
// large, but never more than the queue holds.
func (c *completions) ready() int {
	head := atomic.LoadUint32(c.head)
	return int(min(atomic.LoadUint32(c.tail)-head, uint32(len(c.entries))))
}

// reap copies completions out and gives their places back.
func (c *completions) reap(dst []Completion) int {
	// Pairs with the smp_store_release of io_commit_cqring: whoever sees this
	// tail sees the completions before it, and what the kernel wrote to the
	// buffers of their entries.
	n := min(int(atomic.LoadUint32(c.tail)-c.next), len(dst))
	if n == 0 {
		return 0
	}
	from := int(c.next & c.mask)
	some := copy(dst[:n], c.entries[from:])
	copy(dst[some:n], c.entries)
	c.next += uint32(n)
	// Pairs with the control dependency of io_cqe_cache_refill, which writes to
	// places before head: we have read them when we store it.
	atomic.StoreUint32(c.head, c.next)
	return n
}
