// Package filtertest has system calls fail by a seccomp filter, for tests of
// what happens then. A filter stays for good, so it is for processes that a test
// has started for it.
package filtertest
