// Package ring is io_uring: a queue of entries to the kernel, a queue of
// completions back, and one system call between them. It decides nothing: which
// file, how many, who waits and for how long are its callers' business. It is
// for Linux, elsewhere New returns an error.
//
//	        Push              Enter                      Reap
//	caller ──────► pending ──────────► in flight ──► queue ──────► caller
//	               (Entries)                       (Completions)
//	                                       │            ▲
//	                                       └► overflow ─┘ Enter
//
// Entries complete in any order, also those behind a chain before it. Every entry
// has exactly one terminal completion ([Completion].Terminal; none with
// SkipSuccess when it succeeds). Until then its buffer and its file belong to the
// kernel: see [Entry]. Neither a cancel nor an error of Enter nor Close changes
// that.
//
// # Who waits
//
// Three ways to learn of completions, each of which any goroutine can use:
//
//   - Enter with a minimum, in the calling thread. Another goroutine that reaps
//     can take away what this one waits for, so that with several the wait is
//     given a bound.
//   - A poller on FD, which is readable while there are completions.
//   - A poller on an eventfd (RegisterEventFD), which can be switched off while
//     somebody waits in the first way (Notify).
//
// # Threads
//
// An entry belongs to the thread that submitted it, whoever pushed it, and most
// are finished there: the kernel interrupts that thread, wherever it is. So an
// entry whose data has come may wait while the thread cannot be interrupted, as
// in another read of a disk.
//
// When the thread ends, what it submitted and was not finished fails, and not
// only with CoopTaskrun: reads of a pipe and those with Async with ECANCELED,
// reads into the page cache that still had to be copied with EFAULT (1180 of
// 1280 in one measurement; direct reads succeed). Threads of the Go runtime end
// with a goroutine that is locked to one, and nobody can tell by whose goroutine
// he will be submitted: so an entry that fails with EFAULT or ECANCELED, and was
// not cancelled, is carried out again by other means.
//
// # Opening and writing: which operations are admitted
//
// [Config].Allow can never be widened: the kernel has no call for it. A ring for
// reading admits reads and cancels, so that whatever gets to write into its
// shared memory cannot make it open or change a file. An engine that writes makes
// further rings, which admit writes and fsync besides, and an engine that opens
// through a ring likewise; it does not use one list for all. Registering
// buffers, files and an eventfd stays admitted on every ring, because they are
// registered when the ring's owner knows what it has; nothing else can be
// registered.
//
// # Memory ordering
//
// The words that both sides use are read and written through sync/atomic, which
// is sequentially consistent: at least the smp_load_acquire and
// smp_store_release that the kernel's side pairs with. Each place says with
// which. The kernel's view is in the comment at the top of io_uring/io_uring.c.
// The race detector sees none of this: what goroutines hand to each other
// through a ring they must order by other means too, such as the locks that
// serialise Push and Reap.
//
// # Versions
//
// What a kernel can do is told by [Features]. The package was written against
// Linux 6.18 and is meant to work from 5.10 on; it refuses a kernel that loses
// completions (before 5.5).
package ring
