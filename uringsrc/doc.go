// Package uringsrc will hold the source that fetches windows through io_uring
// on Linux. Nothing is in it yet.
package uringsrc
