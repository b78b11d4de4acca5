package mmapsrc

import (
	"sync"
	"sync/atomic"
	"time"
)

// Extents are the unit in which a file is populated, locked and frozen.
const (
	extentShift = 21
	// ExtentBytes is the size of an extent, that of a huge page on most
	// machines: locking a part of a huge page would split it.
	ExtentBytes = 1 << extentShift
)

// An extent is ExtentBytes of a mapping, the last of a file perhaps less.
type extent struct {
	slot   atomic.Pointer[slot] // where it is open; written under the mapping's slotMu
	flags  atomic.Uint32
	misses atomic.Uint32 // reads that were copied although they lay here, since it was loaded or given up
	since  atomic.Int64  // when the last missesBeforeLoad of them began, on the Guard's clock

	mu     sync.Mutex // whoever populates, locks or unlocks; the keeper never takes it
	index  uint32     // in the file, in extents; known from when it is locked first
	locked bool       // populated and locked, and taken from the account
	bad    bool       // could not be populated: always copied

	// What the Guard knows of an extent that it holds; its mu guards them.
	held   int32         // index in its list, plus one; 0 for none
	seen   uint64        // hits when it was looked at last,
	seenAt time.Duration // which was then

	// Hits, while it has no slot; and the slot's count minus them, while it
	// has. The mapping's slotMu guards it.
	hits uint64
}

const (
	extentLocked = 1 << iota // locked, as the field says, for who does not hold mu
	extentOnce               // loaded by a reader that does not come back
	extentMoved              // frozen: the mapping holds a private copy
	extentRelock             // and the copy is locked
)

// has reports whether a flag is set.
func (x *extent) has(flag uint32) bool { return x.flags.Load()&flag != 0 }
