// Package pool lends memory for windows from outside the Go heap.
//
// # Organisation
//
// A [Pool] maps anonymous memory in slabs and cuts each slab into equal slots.
// Slots come in size classes, the powers of two from 4 KiB to 4 MiB; on a
// system whose pages are larger than 4 KiB the classes begin at the page size.
// A request gets the smallest slot that holds it ([ClassSize]), and a larger
// one than 4 MiB a mapping of its own, rounded up to whole pages and unmapped
// when it is freed.
//
//	      Get ─┐                                        ┌─ Free
//	           ▼                                        ▼
//	shards     [magazine per class] [magazine per class] …    one small lock each
//	           ▲ a few at a time                        │ a few at a time
//	           │                                        ▼
//	account    idle slots per class ◄── central lock ──►  waiters, overdrafts
//	           ▲                                        │
//	           │ commit                                 ▼ give back
//	slabs      slots without pages: address space only
//
// A slot is committed while it is handed out, kept idle with its pages, or in
// the quarantine of the debug mode; otherwise it is address space. The account
// is kept in committed bytes, so that every class can use what another gives
// back, slot by slot. Get and Free of a class in use touch only a shard, chosen
// by the goroutine; whatever needs to know more happens under the central lock.
// While somebody waits, or more than the budget is committed, the shards stay
// empty and the account is exact.
//
// # Bounds
//
// Committed memory never exceeds Options.BudgetBytes (64 MiB unless set) plus
// what sessions have overdrawn, which is together at most Options.ReserveBytes
// (as much as the budget unless set). A [Session] may overdraw by at most the
// reserve it was opened with, so that readers that hold one window each and
// want another do not wait for each other for ever. Idle memory beyond
// Options.HighBytes is given back when it is freed, the rest over time down to
// Options.LowBytes. All sizes are bytes.
//
// Memory that others hold is waited for in order; see [Pool.Get]. What can
// never be had fails at once with [window.ErrNoMemory].
//
// # Systems
//
// On Linux the pages of a slot are given back with MADV_DONTNEED. Elsewhere
// only whole slabs give memory back: a slab keeps what its slots have used
// until none of them is committed. With the race detector slabs lie in the Go
// heap, because the detector sees nothing in mapped memory.
//
// # Finding misuse
//
// [Pool.SetDebug] makes the pool remember who holds memory, report buffers that
// were never freed, and poison freed memory. The build tag orieldebug turns all
// of it on from the start. Nothing in this package frees memory that its holder
// has not freed.
package pool
