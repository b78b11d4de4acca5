// Package memgroup runs programs in memory control groups, and says what became
// of them there. It is for root, and for either version of control groups.
//
// A group is made below the one that the process is in, or below the nearest one
// above it that hands the memory controller on. Nothing that exists is changed.
package memgroup
