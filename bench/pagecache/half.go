package pagecache

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// A Half says which half of a file is cached.
type Half int

const (
	Alternate Half = iota // every other MiB, from the first
	FirstHalf             // from the beginning to the middle, rounded up to a MiB
)

// halfUnit is what is cached as a whole or not at all.
const halfUnit = 1 << 20

// KeepHalf caches one half of a file, what is missing of it, and drops the
// other. Folios are as large as reading a MiB at a time makes them, or the half
// from front to back.
func KeepHalf(name string, half Half) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return err
	}
	if err := f.Sync(); err != nil { // dirty pages are not dropped
		return err
	}
	in, out := halves(fi.Size(), half)
	if err = keepHalf(f, in, out, straddlePatience); !errors.Is(err, errStays) {
		return err
	}
	// A folio may lie in both halves, and goes as a whole or not at all.
	if err := Evict(name); err != nil {
		return err
	}
	return keepHalf(f, in, out, dropPatience)
}

// straddlePatience is how long it is tried to drop what may be in a folio of the
// other half too, which no time drops.
const straddlePatience = 200 * time.Millisecond

func keepHalf(f *os.File, in, out []part, patience time.Duration) error {
	// Reading reads ahead into the other half, and so comes first.
	if err := fill(f, in); err != nil {
		return err
	}
	for _, p := range out {
		if err := drop(f, p, patience); err != nil {
			return err
		}
	}
	return nil
}

// errStays says that pages cannot be dropped.
var errStays = errors.New("they stay in the page cache")

// A part is a range of a file, in bytes.
type part struct{ off, n int64 }

// halves returns what is to be cached of a file, and what is not.
func halves(size int64, half Half) (in, out []part) {
	if half == FirstHalf {
		middle := (size/2 + halfUnit - 1) / halfUnit * halfUnit
		middle = min(middle, size)
		in = []part{{0, middle}}
		if middle < size {
			out = []part{{middle, size - middle}}
		}
		return in, out
	}
	for off := int64(0); off < size; off += halfUnit {
		p := part{off, min(halfUnit, size-off)}
		if off/halfUnit%2 == 0 {
			in = append(in, p)
		} else {
			out = append(out, p)
		}
	}
	return in, out
}

// Uncached returns how many of the first n bytes of a file of the given size
// KeepHalf leaves uncached.
func (h Half) Uncached(size, n int64) (bytes int64) {
	_, out := halves(size, h)
	for _, p := range out {
		bytes += max(0, min(p.off+p.n, n)-p.off)
	}
	return bytes
}

// Caches reports whether KeepHalf caches the byte at off.
func (h Half) Caches(size, off int64) bool {
	return h.Uncached(size, off+1) == h.Uncached(size, off)
}

// fill reads what is not cached of the parts, the last one first: what is read
// ahead of a part then is not taken for read before the next.
func fill(f *os.File, parts []part) error {
	buf := make([]byte, 64<<10)
	for i := len(parts) - 1; i >= 0; i-- {
		p := parts[i]
		left, err := absent(f, p)
		if err != nil {
			return err
		}
		for off := p.off; left > 0 && off < p.off+p.n; {
			n, err := f.ReadAt(buf[:min(int64(len(buf)), p.off+p.n-off)], off)
			if off += int64(n); err != nil && !(errors.Is(err, io.EOF) && off == p.off+p.n) {
				return err
			}
		}
	}
	return nil
}

// drop drops a part of a file, also what the kernel is still reading ahead.
func drop(f *os.File, p part, patience time.Duration) error {
	left, err := dropRange(f, p.off, p.n, patience)
	if err == nil && left > 0 {
		err = fmt.Errorf("evict %s: %d pages at %d: %w", f.Name(), left, p.off, errStays)
	}
	return err
}

// absent returns how many pages of a part are not cached.
func absent(f *os.File, p part) (int64, error) {
	cached, err := cachedPages(f, p.off, p.n)
	return pages(p.n) - int64(cached), err
}

// pages returns in how many pages n bytes lie that begin at one.
func pages(n int64) int64 {
	page := int64(os.Getpagesize())
	return (n + page - 1) / page
}
