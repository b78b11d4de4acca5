package plan

// Sizes and shares at which the planner decides otherwise. What is a cost
// stands in costs.go.
const (
	pageBytes          = 4 << 10 // source.Granularity
	largestWindowBytes = 4 << 20 // source.LargestWindowBytes
	extentBytes        = 2 << 20 // of a mapping: what is loaded at a time (mmapsrc.ExtentBytes)
	usualReadBytes     = 4 << 10 // of reads at offsets whose length is not known

	// Windows. 256 KiB are copied fastest (25.6 GB/s against 21 of 128 KiB and of
	// 4 MiB); two huge pages are populated and locked fastest (30.5 GB/s against
	// 28.5 of one); direct reads of 1 MiB × 8 and 4 MiB × 4 are equally fast.
	copiedWindowBytes = 256 << 10
	mappedWindowBytes = 4 << 20
	directWindowBytes = 2 << 20
	inFlightBytes     = MaxAheadBytes // what keeps the device busy: 1 MiB × 8 direct
	poolWindows       = 4             // that the budget of window memory must have room for

	// Below this nothing is set up: a guard alone costs 18 µs, and open, pread of
	// 16 KiB and close cost 5.
	smallBytes = LeastBytes
	// A pass over less is over before a mapping or a pipe of direct reads has
	// paid for itself. It is the least; the costs decide above it.
	leastPassBytes = 4 << 20
	// The first 8 MiB of what was cached in order lie in small folios, until the
	// kernel's read-ahead has grown: a mapping is even with pread at 16 MiB (bench
	// calibrate: 8 MiB 690 µs against 604, 16 MiB 1144 against 1150, 32 MiB 1829
	// against 2328).
	leastMapPassBytes = 16 << 20
	// What is read by pread first: a caller that takes three windows of 256 KiB
	// and leaves has not paid for a mapping, and four are enough to measure pread.
	leadBytes = 1 << 20
	// Readers that share the budget of locked memory take it from each other when
	// they have passed it: 64 of them with 8 MiB read 1.2 times as fast as by pread,
	// all of them copying now and then. Each has a lease, which has its limits.
	mostMapped = 256
	// What a mapped Reader needs to lock: two extents, one being loaded.
	readerLockBytes = 4 << 20
	// Smaller windows are read better through the page cache and its read-ahead.
	leastDirectWindowBytes = 256 << 10
	// A device that reads ahead less does not hide its latency from a reader.
	leastReadAheadBytes = 256 << 10

	cachedShare  = 0.9  // cached for the most part
	coldShare    = 0.1  // not cached for the most part
	unknownShare = -1.0 // in Facts
	// Costed where the share is unknown: what is opened has mostly been used
	// lately. It is high enough that pread is never left for a guess, since that
	// is at most twice as dear as another way and the others up to eight times.
	middleShare = 0.75
	// While many reads wait, not everything is cached, whatever a sample said.
	waitingShare = 0.5
	// Of the memory that the page cache can take, how much a file may have and be
	// expected to be there still at the next pass: others read too.
	heldShare = 0.75

	// Reads that wait at a time from which the ring pays: below it gains less than
	// the noise, and with one or two pread is faster (20,000 reads a second against
	// 17,600).
	ringWaiting = 16
	// Passes over a file that is declared to be used again. Nobody says how
	// many; it is the second that pays.
	reusePasses = 4
	// Reads of a loaded extent that share the cost of loading it: one for each of
	// its pages.
	readsOfExtent = extentBytes / pageBytes

	// A way whose cost is within a quarter of the best may be the best: that is
	// what the constants are off by between two machines of a kind.
	closeFactor = 1.25
	// Direct reads have to promise more, because what they read is not cached
	// afterwards.
	directFactor = 1.3
)
