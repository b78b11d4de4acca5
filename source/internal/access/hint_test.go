package access

import (
	"testing"
)

// A hinted is a page cache that has what was hinted, and of which every read is
// counted.
type hinted struct {
	t       *testing.T
	has     map[int64]bool // by page
	read    map[int64]bool
	waits   int
	largest int64 // that was hinted and not read at a time
}

const pageBytes = 4 << 10

func (c *hinted) each(off, n int64, f func(page int64)) {
	for p := off / pageBytes; p*pageBytes < off+n; p++ {
		f(p)
	}
}

// event is how the read of n bytes at off goes.
func (c *hinted) event(off, n int64) Event {
	e := Hit
	c.each(off, n, func(p int64) {
		if !c.has[p] {
			e = Waited
		}
		c.read[p] = true
	})
	if e == Waited {
		c.waits++
	}
	return e
}

func (c *hinted) hint(h Hint) {
	for i := range h.Count {
		c.each(h.Off+int64(i)*h.Stride, h.Len, func(p int64) {
			if c.has[p] {
				c.t.Fatalf("%+v is hinted again", h)
			}
			c.has[p] = true
		})
	}
	ahead := int64(0)
	for p := range c.has {
		if !c.read[p] {
			ahead += pageBytes
		}
	}
	c.largest = max(c.largest, ahead)
}

// unread returns how many bytes were hinted in vain.
func (c *hinted) unread() (n int64) {
	for p := range c.has {
		if !c.read[p] {
			n += pageBytes
		}
	}
	return n
}

// Sessions that stop after any number of reads.
func TestHintsAreReadOnceAndNotInVain(t *testing.T) {
	const most = 1 << 20
	for _, x := range []struct {
		name string
		n    int64
		step int64
	}{
		{"backward, 4 KiB", 4 << 10, -4 << 10},
		{"backward, 64 KiB", 64 << 10, -64 << 10},
		{"up in strides", 16 << 10, 1 << 20},
		{"down in strides", 16 << 10, -1 << 20},
		{"down in small strides", 4 << 10, -16 << 10},
	} {
		for reads := range 100 {
			c := hinted{t: t, has: map[int64]bool{}, read: map[int64]bool{}}
			var a Ahead
			a.Set(Limits{WindowBytes: 256 << 10, MaxBytes: most})
			off := int64(1 << 30)
			for range reads {
				a.Read(off, x.n, c.event(off, x.n))
				c.hint(a.Hint())
				off += x.step
			}
			fetched := int64(reads)*x.n + c.unread()
			if c.unread() > startReads*x.n && (1+wastePrice)*c.unread() > fetched {
				t.Fatalf("%s: %d reads: %d bytes of %d were hinted in vain", x.name, reads, c.unread(), fetched)
			}
			if c.largest > most {
				t.Fatalf("%s: %d bytes were ahead", x.name, c.largest)
			}
			// The reads that make the order have to wait, and no others do.
			if c.waits > armSteps+1 {
				t.Fatalf("%s: %d of %d reads waited", x.name, c.waits, reads)
			}
		}
	}
}
