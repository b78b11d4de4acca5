package plan

// What the source package relies on. Written by its author: keep the names.

// LeastBytes is the size of a file from which on there is a choice: a smaller one
// is read by Pread whatever is known of it.
const LeastBytes = 1 << 20

// MaxAheadBytes is the most that is read ahead of a caller.
const MaxAheadBytes = 8 << 20

// String returns "yes", "no" or "unknown".
func (k Known) String() string {
	switch k {
	case Yes:
		return "yes"
	case No:
		return "no"
	}
	return "unknown"
}
