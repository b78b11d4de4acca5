// Package workload holds the benchmarks: what is read, in which state of the
// page cache, by which ways, and what is claimed about them.
//
// A workload is a name and a function that makes experiments of a [Config].
// Ways that are Oriel's say which source has to serve them; all ways of an
// experiment compute the same, which package measure checks.
package workload
