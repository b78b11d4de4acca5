package ring

import "strconv"

// An Op is what an entry asks the kernel to do (IORING_OP_…). The numbers are
// the kernel's.
type Op uint8

// Operations, with the kernel that has them first.
const (
	OpNop         Op = 0  // since Linux 5.1
	OpReadv       Op = 1  // since Linux 5.1
	OpWritev      Op = 2  // since Linux 5.1
	OpFsync       Op = 3  // since Linux 5.1
	OpReadFixed   Op = 4  // since Linux 5.1
	OpWriteFixed  Op = 5  // since Linux 5.1
	OpPollAdd     Op = 6  // since Linux 5.1
	OpTimeout     Op = 11 // since Linux 5.4
	OpAsyncCancel Op = 14 // since Linux 5.5
	OpOpenat      Op = 18 // since Linux 5.6
	OpClose       Op = 19 // since Linux 5.6
	OpRead        Op = 22 // since Linux 5.6
	OpWrite       Op = 23 // since Linux 5.6
)

// String returns the name of the operation, as in "read", and "op 99" for one
// without a name here.
func (op Op) String() string {
	switch op {
	case OpNop:
		return "nop"
	case OpReadv:
		return "readv"
	case OpWritev:
		return "writev"
	case OpFsync:
		return "fsync"
	case OpReadFixed:
		return "read fixed"
	case OpWriteFixed:
		return "write fixed"
	case OpPollAdd:
		return "poll"
	case OpTimeout:
		return "timeout"
	case OpAsyncCancel:
		return "cancel"
	case OpOpenat:
		return "openat"
	case OpClose:
		return "close"
	case OpRead:
		return "read"
	case OpWrite:
		return "write"
	}
	return "op " + strconv.Itoa(int(op))
}

// Flags say how an entry is carried out (IOSQE_…). The numbers are the kernel's.
type Flags uint8

// Flags of an entry.
const (
	// FixedFile says that the descriptor is an index of the registered files.
	FixedFile Flags = 1 << 0
	// Drain holds the entry back until everything submitted before it has
	// completed, and everything submitted after it until it has completed
	// itself. The whole ring stands still for it.
	Drain Flags = 1 << 1
	// Link begins the next entry of the same submission when this one has
	// succeeded. A short read or write counts as a failure; then the rest of
	// the chain completes with ECANCELED. Chains go in with [Ring.PushChain].
	Link Flags = 1 << 2
	// HardLink is Link, whatever the result of this entry is. An entry that
	// the kernel refuses to begin at all breaks the chain nevertheless.
	HardLink Flags = 1 << 3
	// Async hands the entry to a kernel worker without trying it first. Each
	// one that waits there occupies a worker thread.
	Async Flags = 1 << 4
	// SkipSuccess gives no completion when the entry succeeds, since Linux
	// 5.17 ([Features].SkipSuccess). Whoever waits for a terminal completion
	// must not set it.
	SkipSuccess Flags = 1 << 6

	allFlags = FixedFile | Drain | Link | HardLink | Async | SkipSuccess
)
