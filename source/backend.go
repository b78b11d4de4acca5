package source

import (
	"context"
	"io/fs"
)

// A backend is one way in which the bytes of one source arrive. Its methods
// are called by any number of goroutines; those of a stream's by one at a time.
type backend interface {
	// kind names it in Explain and Info.
	kind() string

	// resident reads into p what can be had at off without waiting and
	// returns how many bytes that were. 0 says nothing: ask read.
	resident(p []byte, off int64) int

	// read fills p from off, and may wait. It returns fewer bytes only with
	// an error, which is io.EOF where the source ends. A stream's returns as
	// soon as there is at least one byte. ctx need not be heeded.
	read(ctx context.Context, p []byte, off int64) (int, error)

	// size returns the size now, in bytes; 0 where it is unknown.
	size() (int64, error)

	// stat describes the source.
	stat() (fs.FileInfo, error)

	// close gives up what the backend holds. No other method runs or will.
	close() error
}
