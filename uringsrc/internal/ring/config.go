package ring

import "syscall"

// A Config says what ring New makes.
type Config struct {
	// Entries is how many entries can be pending, from 1 to 32768. The kernel
	// rounds it up to a power of two.
	Entries int

	// Completions is how many completions the ring holds that have not been
	// reaped: at least Entries, at most 65536, rounded up likewise; 0 is twice
	// Entries. Entries in flight beyond this number are not lost, but see
	// [Ring.Overflowed].
	Completions int

	// Allow lists the operations that the ring admits for the rest of its life;
	// others complete with EACCES. Empty: all. It needs Linux 5.10, and whether
	// it was had is [Features].Restricted.
	Allow []Op

	// Chains says that PushChain will be called. An Enter that submits and waits
	// is then two system calls.
	Chains bool

	// SingleIssuer says that only the thread that calls New will enter the
	// kernel for this ring; others are refused with EEXIST. Since Linux 6.0.
	// New fails with EINVAL where it is not known; so with the next two.
	SingleIssuer bool

	// DeferTaskrun has the kernel finish entries only while that thread is in
	// Enter with a minimum. It needs SingleIssuer. Since Linux 6.1. A goroutine
	// that wants this locks itself to its thread before New.
	DeferTaskrun bool

	// CoopTaskrun has the kernel not interrupt the thread that submitted when
	// an entry can be finished: that happens when the thread enters the kernel
	// next. Since Linux 5.19.
	CoopTaskrun bool
}

// Features are what a ring can do: what the kernel said when it was set up, and
// what it accepted then. They do not follow from its version.
type Features struct {
	NoDrop        bool // completions beyond the queue are kept; New fails without
	ExtArg        bool // Enter waits for a bounded time; since Linux 5.11
	EventFDToggle bool // Notify works; since Linux 5.8
	SkipSuccess   bool // the flag of that name works; since Linux 5.17
	SubmitAll     bool // an entry that is refused does not stop those behind it; since Linux 5.18
	Restricted    bool // Config.Allow is enforced; since Linux 5.10
}

// An Error is a system call of the ring's that failed.
type Error struct {
	Call string        // such as "io_uring_setup", "mmap" or "io_uring_register RESTRICTIONS"
	Err  syscall.Errno // why
}

func (e *Error) Error() string { return e.Call + ": " + e.Err.Error() }

// Unwrap returns the error number.
func (e *Error) Unwrap() error { return e.Err }
