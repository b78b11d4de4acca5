// Command calibrate measures what the planner reckons with: how long a call, a
// byte or a window takes in each of the ways in which bytes can arrive. It prints
// each constant beside the one that the planner's table has now, and marks those
// that are more than twice or less than half of it.
//
//	cd bench
//	go run ./calibrate -dir /mnt/disk
//
// A pass over a file counts its newlines, as the measurements behind the table
// did: what touching bytes costs differs with where they lie, so that a way
// cannot be told from its consumer. Every constant is estimated once in every
// round; the median of the rounds is printed with its interval.
//
// The exit status is 0 when the table agrees, 3 when something in it is off, 1
// when something could not be measured, 2 for wrong usage.
package main
