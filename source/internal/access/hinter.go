package access

import "math"

// A hinter says which ranges a session will read that goes backward or in
// strides, so that they are brought into the page cache.
//
//	                 edge            off: the last read
//	Backward          │░░░░░░░░░░░░░░│███
//
//	Strided          │███    │░░░    │░░░
//	                 off             edge
type hinter struct {
	maxBytes int64

	purse  purse
	order  Order
	stride int64
	off, n int64 // the last read

	active bool  // a read had to wait
	reads  int64 // that should be ahead
	ahead  int64 // bytes that are: hinted and not read yet
	length int64 // Strided: of the ranges that are
	settle int64 // of ahead, what was hinted before reads last doubled
	quiet  int64 // reads that were hinted and there, since one had to wait
	edge   int64 // if there is something ahead: its end, or the last beginning
}

const (
	startReads = 2            // to begin with
	quietReads = quietWindows // that show that this is enough
)

// limit sets the bound. What d has found may have been given up with that.
func (h *hinter) limit(l Limits, d *detector) {
	h.maxBytes = counted(l.MaxBytes)
	if h.order != d.order || h.stride != d.stride {
		h.leave(d.order, d.stride)
	}
}

// leave ends hinting: the order has changed. What is still ahead was in vain.
func (h *hinter) leave(o Order, stride int64) {
	h.purse.lose(h.ahead, h.unit())
	h.order, h.stride = o, stride
	h.active = false
	h.reads, h.ahead, h.settle, h.quiet = 0, 0, 0, 0
}

func (h *hinter) unit() int64 { return counted(h.n) }

// read counts a read from off to end. in says that it belongs to the order.
func (h *hinter) read(off, end int64, o Order, stride int64, in bool, e Event) {
	if o != h.order || stride != h.stride {
		h.leave(o, stride)
	}
	if !in || o != Backward && o != Strided {
		return
	}
	h.off, h.n = off, end-off
	took, settled := h.pass(), h.settle == 0
	switch {
	case e == Noted:
	case e == Waited:
		h.quiet = 0
		h.purse.earn(h.n, h.unit(), h.bytes())
		if !h.active {
			h.active, h.reads = true, max(h.reads, startReads)
		} else if took > 0 && settled {
			h.grow()
		}
	case took > 0:
		h.purse.earn(took, h.unit(), h.bytes())
		if h.quiet++; h.quiet >= quietReads {
			h.quiet, h.reads = 0, max(h.reads-1, 1)
		}
	case h.ahead == 0: // resident without us
		h.active = false
	}
}

// pass takes what the last read leaves behind off what is ahead, and returns
// how much of it was read. What was passed over, or is elsewhere because the
// session has moved, was in vain.
func (h *hinter) pass() int64 {
	if h.ahead == 0 {
		return 0
	}
	took, left := int64(0), int64(0)
	if h.order == Strided {
		if h.off == h.edge-(h.ahead/h.length-1)*h.stride {
			took, left = h.length, h.ahead-h.length
		}
	} else if top := h.edge + h.ahead; h.off < top {
		took = max(0, min(h.off+h.n, top)-max(h.off, h.edge))
		left = max(0, h.off-h.edge)
	}
	passed := h.ahead - left
	h.ahead = left
	h.settle = min(max(0, h.settle-passed), left)
	h.purse.lose(passed-took, h.unit())
	return took
}

// bytes returns what should be ahead.
func (h *hinter) bytes() int64 {
	if h.n > 0 && h.reads > h.maxBytes/h.n {
		return h.maxBytes
	}
	return h.reads * h.n
}

func (h *hinter) grow() {
	if h.bytes() < h.maxBytes {
		h.reads *= 2
		h.settle = h.ahead
	}
}

// next returns what is to be hinted now. run is how long the order has lasted.
func (h *hinter) next(run int) Hint {
	if !h.active || h.n <= 0 || h.n > h.maxBytes {
		return Hint{}
	}
	depth := min(h.bytes(), max(startReads*h.n, h.purse.pays()))
	if h.purse.inDebt() {
		if run < longRun {
			return Hint{}
		}
		depth = h.n
	}
	depth -= depth % h.n
	// Half of it is left when more is hinted, so that the hints are few.
	if 2*h.ahead > depth {
		return Hint{}
	}
	if h.order == Strided {
		return h.strided(depth)
	}
	return h.backward(depth - h.ahead)
}

// backward returns the n bytes below the edge.
func (h *hinter) backward(n int64) Hint {
	if h.ahead == 0 {
		h.edge = h.off
	}
	n = min(n, h.edge)
	if n == 0 {
		return Hint{}
	}
	h.edge -= n
	h.ahead += n
	return Hint{Off: h.edge, Len: n, Stride: n, Count: 1}
}

// strided returns the ranges behind the edge that make depth bytes of what is
// ahead.
func (h *hinter) strided(depth int64) Hint {
	if h.ahead == 0 {
		h.edge, h.length = h.off, h.n
	}
	count := (depth - h.ahead) / h.length
	limit := math.MaxInt64 - h.length // beginnings reach from 0 to here
	switch {
	case h.stride > 0:
		count = min(count, (limit-h.edge)/h.stride)
	case h.stride < 0:
		count = min(count, h.edge/-h.stride)
	}
	count = min(count, math.MaxInt32)
	if h.stride == 0 || count <= 0 {
		return Hint{}
	}
	hint := Hint{Off: h.edge + h.stride, Len: h.length, Stride: h.stride, Count: int(count)}
	h.edge += count * h.stride
	h.ahead += count * h.length
	return hint
}
