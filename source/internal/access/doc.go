// Package access says in which order a session reads, and how much is to be
// fetched ahead of it.
//
// It makes no system call, asks for no time, starts nothing and allocates
// nothing: events go in, numbers come out. The caller fetches and reports.
//
// An [Ahead] follows one session:
//
//	      Read                 Depth: how far this may go
//	───────────────┐   ┌──────────────────────────────────────┐
//	│ handed out   │   │ Fetched: in flight, or arrived        │ not begun …
//	───────────────┘   └──────────────────────────────────────┘
//
// It consists of a detector (in which order?), a frontier (how deep, for what
// is read from front to back) and a hinter (which ranges, for what is read backward
// or at a constant distance). [Streams] follows several sessions that are mixed
// on one file; those get hints only.
//
// # Depth
//
// The depth starts at one window when a read had to wait. It increases rapidly
// and decays slowly: it doubles when a read had to wait for a window that was
// begun since the last doubling, and falls by a window when many have arrived in
// time. A read that finds its bytes resident ends it until the next wait, so
// that a cached file is read synchronously.
//
// # Waste
//
// What was fetched ahead and then thrown away should be at most a quarter of
// what was fetched. So a session has a purse: bytes that were fetched and read,
// less three times the bytes that were thrown away. A third of the purse may be
// ahead of the caller, and a window at least: one who takes three windows and
// leaves has wasted one of four.
//
//	windows read    1  2  3  4  5  6  7  8  9 … 12 … 15
//	may be ahead    1  1  1  1  1  2  2  2  3 …  4 …  5
//
// A session whose purse still pays for its depth after a jump to somewhere else
// used what it fetched: it goes on there at full depth. Any other starts slowly,
// with an empty purse. The purse holds at most what about 8 MiB, 8 windows or 6
// depths of reading give, whichever is the most, so that a good past is soon
// spent. In debt, nothing is read ahead until as many windows have been read
// without a gap as pay for one that is wasted.
package access
