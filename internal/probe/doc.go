// Package probe asks the kernel what a file, a file system and a machine are
// like.
//
// Each function asks anew and remembers nothing: what is of the machine or of a
// file system, the caller keeps. What a function costs, since which Linux it
// knows, and who may refuse it, its comment says. The costs are of this package's
// benchmarks on Linux 6.18, in a virtual machine with two processors.
//
// What cannot be told is an error: the kernel's own, with the name of the call,
// or one that is [errors.ErrUnsupported] where the system has no such thing. No
// value is a guess.
//
// Descriptors are of files that the caller keeps open and can read. Nothing here
// moves their position.
package probe
