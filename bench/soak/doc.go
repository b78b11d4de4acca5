// Command soak shows whether windows of mapped files hold still while other
// processes attack the files.
//
//	cd bench
//	go run ./soak                                    # ext4, xfs, btrfs and tmpfs, half a minute each
//	go run ./soak -short                             # at least 1,000 broken leases in all, under a minute
//	go run ./soak -breaks 100000 -checks 10000000 -json out/soak.json -markdown out/soak.md
//	go run ./soak -fs= -dir /mnt/disk                # a folder that exists, without being root
//	go run -race ./soak -short
//
// Attackers, processes of their own, truncate, rewrite, punch, replace and
// delete a handful of files, open them for writing in several ways, and write
// them through shared mappings. Readers open the same files through Oriel with
// the source forced to mmap and any Pattern, a third of them with the default
// size of windows. They hold windows of 4 KiB to 4 MiB, hash them when they get
// them and again and again until they release them: most within 20 ms, one in 50
// after 0.5 to 5 s, when the file has been mapped again and broken again. Others
// read lines through a Cursor, or into memory of their own, which has to be
// readable and of its place, and may change. All the while the Runtime's limits
// of locked and pinned memory go up and down, so that extents are given up.
//
// A short stage on the first of the file systems is an ordinary user's, who owns
// the files: without CAP_LEASE and CAP_IPC_LOCK, and with more memory to lock
// than RLIMIT_MEMLOCK (8 MiB), so that the system refuses to lock.
//
// # What is promised, and counted
//
//   - changed: windows whose hash was not what it had been. 0.
//   - faults: windows that could not be touched (SIGBUS). 0.
//   - misplaced: windows that held bytes which were never written to that place
//     of that file. 0. A window that was copied may hold some older and some
//     newer bytes, each of its place: a copy is not a snapshot.
//   - misdescribed: windows whose Info went anywhere but from Guarded to
//     Private. 0.
//   - errors that the attacks do not explain. 0.
//   - what is left when everything is closed: leases, locked memory, mappings
//     and descriptors of the files. Nothing, within 20 s: the library tidies up
//     after a broken lease in a goroutine of its own. The record says how long
//     that took.
//   - calls of other processes that met a lease: at most 50 ms at the 99th
//     percentile and 0.5 s at worst; with -short 200 ms and 2 s. Stages with
//     fewer than 500 such calls are judged by their worst alone, and by the
//     percentile together, if that makes 500: of few calls it is one of the worst,
//     which is what the machine did then.
//   - broken leases and hash checks: how much of a proof that is. A check
//     hashes at most 16 KiB, and once before the release all of the window.
//     What -checks asks for are checks of windows that were Guarded when they
//     were handed out, whether they have been frozen since or not; those of
//     windows that were copies from the beginning are counted apart. So are,
//     among the leases that broke, those with something to freeze.
//
// How long the calls of the attackers took is printed by operation, beside what
// the same calls take while the readers copy (-baseline): a file system has
// waits of its own. Most calls find no lease in their way; those that did, by
// /proc/locks just before, are counted once more and are what the bounds are for.
//
// # The control
//
// A check that cannot fail shows nothing. So the same program is built with the
// tag orielnofreeze, under which a broken lease is given up without anything
// being copied and nothing else is different, and run on the same file systems:
// leases have to break, and of the windows that were Guarded when they were
// handed out at least one has to change and one to fault. A control that dies
// shows nothing: the run has failed.
//
// # Exit status
//
// 0: all promises held, and the control found what it has to. 1: a promise was
// broken, too few leases broke to say, or the control found nothing. 2: wrong
// usage, something that was asked for is not to be had here, or interrupted.
// (go run turns all of them but 0 into 1 and prints the status.)
//
// # How it is organised
//
//	command ─┬─ makes the volumes, judges, records
//	         ├─ stage process      one file system: the readers, and attackers beside them
//	         │   └─ attackers      processes that live for a while and are replaced
//	         ├─ stage process      an ordinary user's, once
//	         └─ stage process      the control, from the program with the tag
//
// A stage is a process of its own so that one that dies leaves nothing mounted.
// Processes end when their standard input does, that is with who started them.
package main
