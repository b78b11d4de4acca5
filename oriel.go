package oriel

import (
	"context"
	"iter"

	"github.com/oriel-go/oriel/source"
	"github.com/oriel-go/oriel/window"
)

// The names that most programs need. Their packages hold the rest.
type (
	Window   = window.Window   // an owned slice of memory, released once
	Borrowed = window.Borrowed // what iterators and cursors lend
	Cursor   = window.Cursor   // lines, records and an io.Reader over windows
	Error    = window.Error    // operation, name and range of every failure
	File     = source.File     // read anywhere, by any number of goroutines
	Reader   = source.Reader   // read from front to back, by one goroutine
	Options  = source.Options  // nil is the default everywhere
)

// Open opens a file that is read anywhere. See [source.Open].
func Open(ctx context.Context, name string, o *Options) (*File, error) {
	return source.Open(ctx, name, o)
}

// OpenReader opens a file, pipe, device or, by the name "-", standard input,
// that is read from its beginning to its end. See [source.OpenReader].
func OpenReader(ctx context.Context, name string, o *Options) (*Reader, error) {
	return source.OpenReader(ctx, name, o)
}

// Lines lends the lines of what OpenReader opens, without their line endings
// and each with its offset, and closes it when the loop ends, however it ends.
// An error is the loop's last item; the Borrowed beside it panics when it is
// used. Lines of more than [window.DefaultMaxBytes] are such an error; a Cursor
// takes another limit.
func Lines(ctx context.Context, name string, o *Options) iter.Seq2[Borrowed, error] {
	return func(yield func(Borrowed, error) bool) {
		var in window.Reader
		if r, err := source.OpenReader(ctx, name, o); err == nil {
			defer r.Close()
			in = r
		} else {
			in = refused{err}
		}
		c := window.NewCursor(ctx, in, nil)
		defer c.Close()
		c.Lines()(yield)
	}
}

// refused is a Reader of what could not be opened.
type refused struct{ err error }

func (r refused) ReadManaged(context.Context) (Window, error) { return Window{}, r.err }
