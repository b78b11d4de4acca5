// Package nowait reads from a file only what the page cache holds, so that the
// caller never waits for a device.
//
// It is preadv2 with RWF_NOWAIT, since Linux 4.14. What it returns is trusted
// only when bytes came: Linux 5.9 and 5.10 may return 0 where the file does not
// end, some versions return a spurious EIO, and system call filters answer
// EPERM. Whoever gets nothing asks again with a read that may wait.
package nowait
