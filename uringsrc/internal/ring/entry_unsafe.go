package ring

import "unsafe"

// The kernel's layout of an entry. The constants are negative, and do not
// compile, when a size or an offset is another.
const (
	_ = -uint(unsafe.Sizeof(Entry{}) ^ 64)
	_ = -uint(unsafe.Offsetof(Entry{}.flags) ^ 1)
	_ = -uint(unsafe.Offsetof(Entry{}.fd) ^ 4)
	_ = -uint(unsafe.Offsetof(Entry{}.off) ^ 8)
	_ = -uint(unsafe.Offsetof(Entry{}.addr) ^ 16)
	_ = -uint(unsafe.Offsetof(Entry{}.len) ^ 24)
	_ = -uint(unsafe.Offsetof(Entry{}.opFlags) ^ 28)
	_ = -uint(unsafe.Offsetof(Entry{}.userData) ^ 32)
	_ = -uint(unsafe.Offsetof(Entry{}.bufIndex) ^ 40)
	_ = -uint(unsafe.Offsetof(Entry{}.identity) ^ 42)
	_ = -uint(unsafe.Offsetof(Entry{}.spliceFD) ^ 44)
	_ = -uint(unsafe.Offsetof(Entry{}.addr3) ^ 48)
)

// Read reads into p at an offset of fd; off -1 is the file's position, which a
// pipe or socket needs. Its flags are those of preadv2 (RWF_…).
func Read(fd int, p []byte, off int64, rwFlags uint32, userData uint64) Entry {
	return transfer(OpRead, fd, p, off, rwFlags, 0, userData)
}

// ReadFixed is Read into p, which lies within the registered buffer bufIndex.
func ReadFixed(fd int, p []byte, off int64, rwFlags uint32, bufIndex int, userData uint64) Entry {
	return transfer(OpReadFixed, fd, p, off, rwFlags, bufIndex, userData)
}

// Write writes p at an offset of fd; the rest is as in Read.
func Write(fd int, p []byte, off int64, rwFlags uint32, userData uint64) Entry {
	return transfer(OpWrite, fd, p, off, rwFlags, 0, userData)
}

// WriteFixed is Write of p, which lies within the registered buffer bufIndex.
func WriteFixed(fd int, p []byte, off int64, rwFlags uint32, bufIndex int, userData uint64) Entry {
	return transfer(OpWriteFixed, fd, p, off, rwFlags, bufIndex, userData)
}

// onHeap is never true, which the compiler does not know: so it allocates every
// buffer that an entry is made with on the heap, where it stays in its place.
var onHeap struct {
	really bool
	p      []byte
}

func transfer(op Op, fd int, p []byte, off int64, rwFlags uint32, bufIndex int, userData uint64) Entry {
	if onHeap.really {
		onHeap.p = p
	}
	return Entry{
		op:       op,
		fd:       int32(fd),
		off:      uint64(off),
		addr:     uint64(uintptr(unsafe.Pointer(unsafe.SliceData(p)))),
		len:      uint32(min(len(p), MaxLen)),
		opFlags:  rwFlags,
		userData: userData,
		bufIndex: uint16(bufIndex),
	}
}

// Buffer returns the memory that the entry reads into or writes from, for a
// ring that is simulated. It is valid only while somebody else keeps the memory
// alive, as every pushed entry needs anyhow; nil for entries without one.
func (e *Entry) Buffer() []byte {
	switch e.op {
	case OpRead, OpWrite, OpReadFixed, OpWriteFixed:
	default:
		return nil
	}
	// The number is an address for which this process holds a reference
	// elsewhere, so it is turned back by its bits.
	at := uintptr(e.addr)
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&at)), int(e.len))
}
