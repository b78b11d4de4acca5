// Package data makes the files that benchmarks read: the same bytes whenever
// and wherever they are made.
package data
