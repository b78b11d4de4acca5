// Package simring simulates io_uring: rings that complete entries late, in any
// order, short, with errors, twice or never, as a seed decides.
//
// A [World] is a clock, a source of chance and a bell; its rings have the methods
// of [ring.Ring] and the same rules about who may call them at once, which are
// checked. What breaks them, or ends a ring with a read in it, is kept for
// [World.Check].
//
// # Time
//
// The clock is the World's own and stands still until somebody has to wait: an
// Enter that waits moves it to the next completion, or by as long as it was to
// wait. So does a goroutine in [World.Wait] while a ring has its signals switched
// on, and a Reap that finds nothing moves it a little, so that polling comes to an
// end. Only when nothing at all is on its way, because what is in flight never
// completes, is the wait a real one.
//
// # Buffers
//
// A read's buffer is written at some moment between its submission and its
// completion, also when the result is an error or fewer bytes, and once more when
// it completes. So whoever uses a buffer again before sees it change.
package simring
