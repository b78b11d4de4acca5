package plan

// Way is a way in which bytes of a file can arrive.
type Way uint8

const (
	Pread  Way = iota // positioned reads through the page cache into pool memory; cached bytes inline
	Mmap              // slices of a guarded, populated, locked mapping
	Ring              // through io_uring and the page cache
	Direct            // through io_uring past the page cache

	Ways = 4 // how many there are
)

// String returns "pread", "mmap", "uring" or "uring direct".
func (w Way) String() string {
	switch w {
	case Pread:
		return "pread"
	case Mmap:
		return "mmap"
	case Ring:
		return "uring"
	case Direct:
		return "uring direct"
	}
	return "no way"
}

// Set is a set of ways.
type Set uint8

// Of returns the set of the ways given.
func Of(ways ...Way) Set {
	var s Set
	for _, w := range ways {
		if w < Ways {
			s |= 1 << w
		}
	}
	return s
}

// Has reports whether w is in the set.
func (s Set) Has(w Way) bool { return w < Ways && s&(1<<w) != 0 }

// String returns the ways with "or" between them.
func (s Set) String() string {
	text := ""
	for w := range Way(Ways) {
		switch {
		case !s.Has(w):
		case text == "":
			text = w.String()
		default:
			text += " or " + w.String()
		}
	}
	return or(text, "no way")
}
