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
// the source forced to mmap, hold windows of 4 KiB to 4 MiB, hash them when they
// get them and again and again until they release them.
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
//     and descriptors of the files. Nothing.
//   - broken leases and hash checks: how much of a proof that is. A check
//     hashes at most 16 KiB, and once before the release all of the window.
//
// How long the calls of the attackers took is printed by operation, beside what
// the same calls take while the readers copy (-baseline): a file system has
// waits of its own. Most calls find no lease in their way; those that did, by
// /proc/locks just before, are counted once more and are what a bound is for.
//
// # The control
//
// A check that cannot fail shows nothing. So the same program is built with the
// tag orielnofreeze, under which a broken lease is given up without anything
// being copied, and run on the same file systems: it has to find windows that
// changed or faulted, or the run has failed.
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
//	         └─ stage process      the control, from the program with the tag
//
// A stage is a process of its own so that one that dies leaves nothing mounted.
// Processes end when their standard input does, that is with who started them.
package main
