// Package stall measures what reads that wait do to the rest of a Go program.
//
// In a process of its own ([Run]) some goroutines read windows of a cold file,
// each a different one, while a timer is to fire every millisecond and the
// garbage collector is run again and again. The result says how many windows
// were read, how late the timer was and how long collections took.
//
// The ways of reading differ in where they wait. Touching a mapping waits in a
// page fault, which the Go scheduler does not see: the goroutine keeps its P, and
// a collection that has to stop it waits as well. A system call is seen, and its
// P is taken away after 20 µs to 10 ms, by a thread (sysmon) that looks the less
// often the less happens. So a timer on few Ps may be 10 ms late even beside
// reads that do everything right; a plain pread shows by how much.
package stall
