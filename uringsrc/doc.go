// Package uringsrc reads files through io_uring on Linux, for any number of
// goroutines.
//
// An [Engine] has a few rings of package ring, on which it queues, waits, cancels
// and goes on. It knows no files: a [Read] names a descriptor, a buffer and an
// offset, and what becomes of the bytes is its Owner's business. Package source
// turns them into windows, and reads in another way where the ring cannot.
//
// # The life of a read
//
// [Engine.Read] begins a read and waits for it. [Engine.Start] begins many with
// one system call and returns; they are waited for with Wait or Ready, polled with
// Done, or come out of a [Queue] in the order in which they end. Reads beyond the
// limits of [Options] queue in the order in which they were started. A read that
// got fewer bytes than it needs goes on where it stopped, unless the count is no
// multiple of its Unit; what passes is tried again: EINTR and EAGAIN 100 times, and
// twice ECANCELED and EFAULT, which reads get whose thread has ended.
//
// # Whose the buffer is
//
// From Start until ReadDone of its Owner, the buffer and the descriptor of a Read
// are the engine's, whatever happens: the kernel writes to the buffer of a read in
// flight when its context has ended, when it was cancelled, and when the ring was
// closed. So a context that ends gives the buffer to nobody. The caller waits
// again, or calls Abandon, which asks the kernel for the end of the read and hands
// it to its Owner: ReadDone says when the memory can be used again.
//
// # Who waits
//
// There is no thread of the engine's. Everything is moved on by the goroutines
// that call it: each call takes in what has completed, whosever it is. Of those
// that wait one waits within the kernel, for a millisecond at a time, and the
// others sleep; see the drawing in wait.go. A seat is a ring for one goroutine
// that waits for its own read: as many of them as there are seats need nobody to
// wake them. When nobody is in the kernel, and something has to be seen to
// nevertheless, the kernel signals an eventfd, for which a goroutine waits in the
// runtime's network poller: for reads that were abandoned, Ready channels and
// reads that queue, for devices that have not answered for 64 ms, and always where
// a wait in the kernel cannot be bounded (before Linux 5.11).
//
// # Limits
//
// InFlight and InFlightBytes bound what is in the kernel through the shared ring;
// each seat adds one read, and up to three that were abandoned. The queues of a
// ring have room for all of them and their cancels, so that completions do not
// overflow. What queues is bounded by whoever starts it. A device that hangs keeps
// its places: when all are taken, later reads queue behind it.
//
// The kernel's own threads (iou-wrk) wait where a file cannot be read without
// waiting for it in the thread that asks: measured for /proc and /dev/zero, none
// for ext4, neither through the page cache nor past it, nor for pipes.
//
// The rings' memory, 84 KiB with the defaults, is charged to RLIMIT_MEMLOCK of the
// user, who has one account for all processes. mlock has another, of the process,
// which is what package memlock budgets; so that package is not asked.
//
// # Close
//
// Closing a ring does not end what is in it. [Engine.Close] cancels all reads,
// again and again, and waits for their completions; only then it gives the rings
// back. What has not come back when its context ends is quarantined, as the
// [QuarantineError] says: buffers and descriptors stay the engine's, each read
// still ends when the kernel says so, and the rings go with the last one. A goroutine
// waits for that, and keeps the memory from the garbage collector.
//
// # What fails, and how
//
//   - [New]: an error that wraps window.ErrRefused, with the reason. Switched off
//     or filtered: EPERM, ENOSYS. RLIMIT_MEMLOCK or RLIMIT_NOFILE: fewer reads in
//     flight and fewer seats first, as [Info] says, then ENOMEM or EMFILE. The first
//     read of each ring is made by New.
//   - A read: the syscall.Errno of the file, after the bytes before it; io.EOF if
//     the file ended; ErrClosed; or a [RingError], after which the same read can be
//     made by other means.
//   - A ring: a system call filter that was installed later, say, makes Enter fail.
//     What the kernel has not taken ends with a RingError, as everything that is
//     started later, and what it has taken when it completes; it cannot be
//     cancelled any more.
//   - EAGAIN and EBUSY of Enter: it is called again after a completion, or after a
//     millisecond.
//
// A Read that is started while it is under way, or before it came out of its
// Queue, is a panic.
//
// # What is not done
//
//   - SQPOLL: a kernel thread that spins for each ring.
//   - Registered buffers: 0 to 2 % here, for a memlock charge of all of them.
//   - COOP_TASKRUN and DEFER_TASKRUN, which want one thread that submits and reaps:
//     goroutines have none, and pinning one was slower.
//   - Forced async: 256 kernel threads, three times the CPU time, less throughput.
//   - Writes. The rings admit reads and cancels only (since Linux 5.10).
//   - Completions that the kernel lost for want of memory (EBADR) are not looked
//     for: they would have to overflow first.
package uringsrc
