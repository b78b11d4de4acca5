// Package leaktest runs a package's tests and then fails them if they left
// something behind: goroutines, file descriptors, mappings of files, or
// whatever a check of the caller's knows about.
//
// One line turns it on:
//
//	func TestMain(m *testing.M) { leaktest.Main(m) }
//
// What lived before the tests is not counted. What is left is looked for
// again for some seconds, because goroutines end asynchronously. Nothing is
// checked after a test that failed, because a test that stops in the middle
// leaves things behind, nor while fuzzing (go test -fuzz), where the testing
// package keeps a process and a shared file of its own.
//
// Goroutines are checked on every system, descriptors and mappings on Linux
// only, out of /proc. Anonymous memory is not checked: it cannot be told from
// the Go runtime's. A pool that knows what it has lent gives a [Check].
package leaktest
