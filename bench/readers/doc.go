// Package readers measures goroutines that read single blocks of a cold file, in
// any order and no block twice.
//
// In a process of its own ([Run]) some goroutines read until a time is over, or
// so many blocks are read; others may compute beside them on every processor.
// The result says how many blocks each of them read, what that took in CPU
// time, threads and memory, and how much was computed meanwhile.
//
// Every run sees for itself to what would make its figures worthless: that
// nothing of the file was cached before, that as many bytes came from the device
// as were read, that reads past the page cache left nothing there, and that what
// was read is what the file holds, of some of the blocks.
package readers
