// Package memlock accounts for the memory that a process locks.
//
// The kernel has one number for all of it, RLIMIT_MEMLOCK, and refuses what
// goes beyond; an [Account] is asked first, so that each part of the library
// keeps to its share and finds out without a system call.
package memlock
