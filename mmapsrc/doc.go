// Package mmapsrc maps files, keeps what it lends of them resident, and keeps
// it from changing.
//
// A [File] is mapped once, whole, and lends slices of the mapping as the memory
// of windows. What it lends is locked and populated before, so that touching it
// does not wait for a device, and lending it again costs no system call. When a
// File cannot lend a range its caller copies it (pread): nothing here is an
// error of the read.
//
// # The guard
//
// A file that is mapped can be truncated, which makes touching its pages fatal
// (SIGBUS), and rewritten, which changes bytes that were checked already. So a
// file is mapped only while one of these holds it still:
//
//   - A read lease (fcntl F_SETLEASE, since Linux 2.4) on ext4, xfs, btrfs or
//     tmpfs. The kernel grants it only while nobody has the file open for
//     writing or mapped writable, and holds back who wants to, until the lease
//     is given up.
//   - Seals: a memfd that can neither shrink nor be written any more.
//   - A file system that cannot be written: squashfs, erofs.
//   - The caller's promise ([Options].Immutable), on any system.
//
// The lists are of file systems that were tested. Others, overlayfs among them,
// grant leases that hold nothing back.
//
// # When a writer comes
//
// The kernel signals a thread of the [Guard], its keeper. The keeper copies
// every extent that is lent to anonymous memory and moves the copy over the
// mapping, at the same address (mremap MREMAP_FIXED), so that the slices that
// are out stay valid and do not change; then it gives up the lease, and the
// writer goes on. The copies are locked afterwards, as far as the budget and the
// system let them be. From then on the File lends nothing, until the writer is
// gone and it has been mapped again.
//
//	mapping   ┌────────┬────────┬────────┬────────┬──
//	          │ file   │ file   │ file   │ file   │      a window is lent of 1
//	          └────────┴────────┴────────┴────────┴──
//	                       ▼ copied, moved into place, lease given up
//	          ┌────────┬────────┬────────┬────────┬──
//	          │ file   │ memory │ file   │ file   │      only 1 is touched any more
//	          └────────┴────────┴────────┴────────┴──
//
// # Extents
//
// A mapping is divided into extents of 2 MiB of the file, the size of a huge
// page. Each is in one of these states:
//
//	absent ──► locked ──► open ──► pinned
//	       Load       Load     Lend
//
// absent, nothing is known; locked, its pages are populated and locked, and
// counted in the account of locked memory; open, it has one of the mapping's
// slots, and Lend lends slices of it by counting, without a lock or a system
// call; pinned, slices of it are lent. Only an open extent can be pinned, so
// that the keeper looks at the slots and nothing else, and their number bounds
// how long a writer waits. What the keeper and those who lend agree on is in
// extent.go and slots.go.
//
// # What remains
//
// A process that is stopped for longer than /proc/sys/fs/lease-break-time (45 s
// unless changed) loses its leases, and its windows with them, and so does one
// in which no memory for a copy is to be had for so long; where that time is
// below 5 s when a file is mapped, it is not. Deduplication on xfs
// (FIDEDUPERANGE) takes pages out of a file under its lease, locked ones too:
// the bytes stay the same, but touching them waits for the device. A file on ext4 that is also the upper file of
// an overlay mount can be truncated through the overlay. Writers wait while a
// file that is guarded is copied, and those that open it with O_NONBLOCK fail
// with EWOULDBLOCK until it has been. A page handed to the kernel (vmsplice,
// MSG_ZEROCOPY, an O_DIRECT write) is the file's own, not the window's: it
// changes after a freeze.
package mmapsrc
