// Package mmapsrc will hold the source that serves windows out of file
// mappings which truncation and eviction cannot hurt. Nothing is in it yet.
package mmapsrc
