// Package child measures processes: how long they take, what CPU time they
// use, and how much memory they have at their peak.
//
// The peak that the kernel reports of a process begins with that of the
// process that started it. So a process is not started by the benchmark, which
// may have had gigabytes, but by a small copy of the program that does nothing
// else. The main function of a program that uses this package, and TestMain of
// its tests, begin with [Serve].
package child
