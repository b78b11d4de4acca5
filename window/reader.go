package window

import "context"

// Reader is a source read from its beginning to its end. Its methods are
// called by one goroutine at a time.
type Reader interface {
	// ReadManaged returns the next window, to be released by the caller. Its
	// size is the source's choice, never 0. After the last window it returns
	// io.EOF, bare, and goes on doing so, unless the source has grown.
	//
	// An error means that there is no window and nothing to release. Bytes
	// read before a failure are delivered first, and the error by the next
	// call. When ctx ends, the call returns at once with an error that wraps
	// ctx.Err(), and the next call goes on where this one would have: a
	// cancelled call loses nothing.
	ReadManaged(ctx context.Context) (Window, error)
}

// ReaderAt is a source read anywhere. Its method is called by any number of
// goroutines at a time.
type ReaderAt interface {
	// ReadManagedAt returns the n bytes at off, to be released by the caller:
	// fewer only where the source ends, and io.EOF, bare, where there are
	// none. n == 0 gives an empty window. A negative off or n, or a sum beyond
	// 1<<63 - 1, is an error that wraps ErrRange.
	//
	// An error means that there is no window and nothing to release; an
	// [*Error] names the range that is missing.
	ReadManagedAt(ctx context.Context, off int64, n int) (Window, error)
}

// Writer is a sink that is written in windows. Its methods are called by one
// goroutine at a time; what BeginWrite returned may be filled by any.
//
// Each window begun ends in exactly one of CommitWrite and Abort. An error of
// CommitWrite means the same as anywhere: nothing is left to release.
type Writer interface {
	// BeginWrite returns n writable bytes, n > 0. It waits for memory while
	// others hold it; filling them never waits for anything.
	BeginWrite(ctx context.Context, n int) (WriteWindow, error)

	// CommitWrite writes the first n bytes of w, which may be fewer than were
	// begun, and takes ownership of w whatever it returns. off is the offset
	// they were given. The first error of a Writer is final: it comes from
	// every later call, and how much was written before it is known.
	CommitWrite(ctx context.Context, w WriteWindow, n int) (off int64, err error)

	// Flush returns when every commit so far is written, or the first error.
	// Written is not durable.
	Flush(ctx context.Context) error
}
