// Package plan decides how a file is to be read, and corrects the decision by
// what reading costs.
//
// It is in two parts, and neither makes a system call, reads a clock or starts
// a goroutine:
//
//	Facts ─┐
//	       ├─► Make ──► Plan ──► Trial ──► Way of the next windows
//	Ask  ──┘                       ▲  │
//	                  what it cost │  │ Surprised: gather the facts again
//
// Make compares the four ways by their expected cost. A way is refused if it
// cannot serve, or must not because it would harm: it would leave the page cache
// without a file that is read again, or lock memory that other Readers need. Of
// the ways that are not refused the cheapest is taken. Where a fact is unknown,
// Make costs a middle value of it, and asks for every value that it may have
// whether another way would win: that one is close, and tried.
//
// Trial takes the plan's word for the first windows and measurements from then
// on. What it compares are nanoseconds per byte of whole cycles, with the
// consumer's time, because that is the same for all ways and what the caller
// waits for in the end.
package plan
