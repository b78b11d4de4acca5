package source

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/oriel-go/oriel/window"
)

// A Fetcher is a custom source: an object store, a decoder with an index, a
// device of one's own. Its methods are called by any number of goroutines; what
// bounds their number is the memory that they read into.
//
// If it has a method Name() string, that is its name in errors.
type Fetcher interface {
	// Fetch reads bytes into p from off, waiting as long as it takes or until
	// ctx ends, and returns how many those were. It may return fewer than
	// len(p) and is called again for the rest; it returns an error with the
	// bytes before it, even if those are all, and io.EOF only at Size. After it has returned it does
	// not touch p. off is at least 0 and less than Size, and len(p) at least 1.
	//
	// A Fetch that returns more than len(p), nothing and no error, io.EOF
	// before Size, or that panics, is an error that wraps window.ErrFetcher.
	Fetch(ctx context.Context, p []byte, off int64) (int, error)

	// Size returns the size in bytes, at least 0. It may grow, and is asked
	// whenever a read reaches beyond what it said last. It must not wait.
	Size() int64
}

// New returns a File over f, which stays the caller's.
func New(f Fetcher, o *Options) *File {
	s, err := o.check()
	b := &fetchSource{f: f}
	if n, ok := f.(interface{ Name() string }); ok {
		b.name = n.Name()
	}
	if err == nil && s.kind != Auto {
		err = fmt.Errorf("%w: %v of a Fetcher", window.ErrRefused, s.kind)
	}
	t := newFile(b.name, b, s, "a Fetcher of the caller")
	t.err = err
	_, _ = t.look() // a size that cannot be had is an error of the first read
	return t
}

type fetchSource struct {
	f    Fetcher
	name string
}

func (b *fetchSource) kind() string { return "fetch" }

func (b *fetchSource) resident([]byte, int64) int { return 0 }

func (b *fetchSource) read(ctx context.Context, p []byte, off int64) (n int, err error) {
	size, err := b.size()
	if err != nil {
		return 0, err
	}
	want := int(max(min(int64(len(p)), size-off), 0))
	for n < want {
		m, err := b.fetch(ctx, p[n:want], off+int64(n))
		switch n += m; {
		case err == io.EOF && n == want:
		case err == io.EOF:
			return n, fmt.Errorf("%w: Fetch ended at %d, before the Size of %d: %w", window.ErrFetcher, off+int64(n), size, io.ErrUnexpectedEOF)
		case err != nil:
			return n, err
		case m == 0 && n < want:
			return n, fmt.Errorf("%w: Fetch returned nothing and no error", window.ErrFetcher)
		}
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// fetch calls Fetch and does not believe it.
func (b *fetchSource) fetch(ctx context.Context, p []byte, off int64) (n int, err error) {
	defer recovered(&n, &err, "Fetch")
	n, err = b.f.Fetch(ctx, p, off)
	return checkCount(n, len(p), err, "Fetch")
}

func (b *fetchSource) size() (n int64, err error) {
	var none int
	defer recovered(&none, &err, "Size")
	if n = b.f.Size(); n < 0 {
		return 0, fmt.Errorf("%w: Size is %d", window.ErrFetcher, n)
	}
	return n, nil
}

func (b *fetchSource) stat() (fs.FileInfo, error) {
	n, err := b.size()
	return fileInfo{b.name, n}, err
}

func (b *fetchSource) close() error { return nil }

// checkCount returns what a method of the caller's returned for a buffer of
// limit bytes, if it can be true.
func checkCount(n, limit int, err error, method string) (int, error) {
	if n < 0 || n > limit {
		return 0, fmt.Errorf("%w: %s returned %d for %d bytes", window.ErrFetcher, method, n, limit)
	}
	return n, err
}

// recovered is deferred around a method of the caller's: its panic would end
// the process from a goroutine that is not the caller's own.
func recovered(n *int, err *error, method string) {
	if p := recover(); p != nil {
		*n, *err = 0, fmt.Errorf("%w: %s panicked: %v", window.ErrFetcher, method, p)
	}
}

// fileInfo describes what is no file.
type fileInfo struct {
	name string
	size int64
}

func (i fileInfo) Name() string       { return i.name }
func (i fileInfo) Size() int64        { return i.size }
func (i fileInfo) Mode() fs.FileMode  { return 0o444 }
func (i fileInfo) ModTime() time.Time { return time.Time{} }
func (i fileInfo) IsDir() bool        { return false }
func (i fileInfo) Sys() any           { return nil }
