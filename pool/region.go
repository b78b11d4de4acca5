package pool

import (
	"math"

	"github.com/edsrzf/mmap-go"
	"github.com/oriel-go/oriel/window"
)

// A region is memory from the system: mem is what is used, aligned; whole is
// the mapping around it, which is unmapped as it was mapped.
type region struct {
	mem   []byte
	whole mmap.MMap // nil when the memory is of the Go heap
}

// mapRegion maps n bytes of private anonymous memory, whole pages, and gives
// the advice for its kind: for slots of 2 MiB and more huge pages, aligned to
// them, and otherwise none, or one touched slot would cost 2 MiB and the
// account would be wrong. Alignment is by mapping more than is used: the rest
// is never touched and costs address space only.
func mapRegion(n int, huge bool) (region, error) {
	align, extra := pageBytes, 0
	if huge {
		align, extra = hugeBytes, hugeBytes-pageBytes
	}
	if n > math.MaxInt-extra {
		return region{}, window.ErrNoMemory
	}
	if raceEnabled {
		extra = max(extra, pageBytes)
		return region{mem: aligned(make([]byte, n+extra), n, align)}, nil
	}
	whole, err := mmap.MapRegion(nil, n+extra, anonymous, mmap.ANON, 0)
	if err != nil {
		return region{}, err
	}
	r := region{mem: aligned(whole, n, align), whole: whole}
	adviseHuge(r.mem, huge) // a hint: refused by kernels without huge pages
	return r, nil
}

// aligned returns n bytes of p that begin at a multiple of align, a power of
// two.
func aligned(p []byte, n, align int) []byte {
	off := int(-address(p) & uintptr(align-1))
	return p[off : off+n : off+n]
}

// unmap gives everything back; r.mem must not be touched any more. The kernel
// may refuse when it would have to split a mapping and has too many.
func (r *region) unmap() error {
	if r.whole == nil {
		r.mem = nil
		return nil
	}
	whole := r.whole // Unmap sets it to nil even when it fails
	if err := whole.Unmap(); err != nil {
		return err
	}
	r.mem, r.whole = nil, nil
	return nil
}

// discard gives the pages of p, whole pages of r.mem, back to the system;
// their contents are arbitrary afterwards. Where there is no such call it does
// nothing and the memory is given back by unmap.
func (r *region) discard(p []byte) error {
	if r.whole == nil {
		return nil
	}
	return adviseDiscard(p)
}

// mappedBytes returns the address space that r takes.
func (r *region) mappedBytes() int64 {
	if r.whole == nil {
		return int64(len(r.mem))
	}
	return int64(len(r.whole))
}
