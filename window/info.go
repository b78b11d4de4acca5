package window

// Residency says where the bytes of a window are, and so what can still
// happen to them while it is held.
type Residency uint8

const (
	// Private bytes are in memory of this process that no file backs. Nothing
	// outside the process reaches them.
	Private Residency = iota + 1

	// Guarded bytes are in a file mapping, populated and locked, of a file
	// that the kernel keeps from changing while the window lives. When the
	// guard breaks, the window becomes Private in place.
	Guarded

	// Trusted bytes are in memory that somebody promised to leave alone: a
	// file mapping opened as immutable, or a slice the caller lent. When the
	// promise is broken they change, fault or raise SIGBUS.
	Trusted
)

func (r Residency) String() string {
	switch r {
	case Private:
		return "private"
	case Guarded:
		return "guarded"
	case Trusted:
		return "trusted"
	}
	return "unknown"
}

// Info describes the memory under a window.
type Info struct {
	Residency   Residency // where the bytes are
	Locked      bool      // whether they are locked in memory (mlock)
	Source      string    // what fetched them, such as "pread"; "" where nobody said
	PinnedBytes int64     // memory that stays in use while this window is held, shared with its other owners
}
