package mmapsrc

import (
	"os"

	"github.com/edsrzf/mmap-go"
)

// kernel is what the package asks of the system, so that tests can refuse it.
type kernel struct {
	locks bool // whether lock locks

	// probe returns why files cannot be populated or locked here at all.
	probe func() error
	// guardOf returns what can guard a file, and otherwise why nothing can.
	guardOf func(f *os.File) (guardKind, error)
	// reopen opens f's file once more, for reading.
	reopen func(f *os.File) (*os.File, int, error)

	// mapFile maps the n bytes of a file, and on Linux the rest of the last
	// page, which is 0.
	mapFile func(f *os.File, n int) (mmap.MMap, error)
	unmap   func(m mmap.MMap)

	// populate reads p's pages in and maps them. An error means that a page
	// cannot be had, and one that wraps errBad that it never can.
	populate func(p []byte) error
	// lock keeps p's pages where they are as soon as they are there, until
	// unlock.
	lock   func(p []byte) error
	unlock func(p []byte) error
	// drop unmaps p's pages, which stay in the page cache.
	drop func(p []byte)
	// cached reports whether the page cache holds a range, as far as that is
	// known: pages that are being read count too.
	cached func(f *os.File, off, n int64) (yes, known bool)
	// need has a range read into the page cache, and does not wait for it.
	need func(f *os.File, off, n int64)
	// fills reports whether reading a hole of a file through a mapping takes
	// memory that reading it by pread would not take; dense whether a range
	// has no holes.
	fills func(f *os.File) bool
	dense func(f *os.File, off, n int64) bool

	// spare maps n bytes of private memory, and reads it in if filled; unspare
	// unmaps it.
	spare   func(n int, filled bool) ([]byte, error)
	unspare func(p []byte)
	// ballast maps memory that is at least n mappings, which unspare unmaps.
	ballast func(n int) ([]byte, error)
	// freeze replaces p's pages by copies in the memory of spare, which has at
	// least p's length, at p's address. spare is gone then; after an error it
	// is the caller's.
	freeze func(p, spare []byte) error

	lease   func(fd, tid int) error // takes a read lease, whose signals go to the thread
	unlease func(fd int)            // gives it up
	held    func(fd int) bool       // whether it is held, and nobody waits for it
}

func mapWhole(f *os.File, n int) (mmap.MMap, error) {
	return mmap.MapRegion(f, n, mmap.RDONLY, 0, 0)
}

// unmap cannot fail for a mapping that was made and not unmapped.
func unmap(m mmap.MMap) { _ = m.Unmap() }
