package source

import (
	"context"
	"fmt"
	"io"
	"io/fs"

	"github.com/oriel-go/oriel/pool"
	"github.com/oriel-go/oriel/window"
)

// FromBytes returns a File over b without copying it: its windows are slices
// of b, which must not be written while the File or a window of it is in use.
// Their Info says window.Trusted.
func FromBytes(b []byte, o *Options) *File {
	s, err := o.check()
	if err == nil && s.kind != Auto {
		err = fmt.Errorf("%w: %v of a slice", window.ErrRefused, s.kind)
	}
	f := newFile("", &byteSource{b}, s, "a slice of the caller")
	f.err = err
	f.length.Store(int64(len(b)))
	return f
}

// A lender is a backend that has its bytes in memory and lends them.
type lender interface {
	lent(off int64, n int) (window.Backing, []byte)
}

// lend returns a window of n bytes at off that the lender lends; n may be 0,
// and there is no lender then.
func (f *File) lend(sess *pool.Session, off int64, n int) window.Window {
	if n == 0 {
		return window.New(nothing{}, sess, nil, off)
	}
	b, p := f.lender.lent(off, n)
	return window.New(b, sess, p, off)
}

// lendAt is lend with a look at ctx.
func (f *File) lendAt(ctx context.Context, sess *pool.Session, off int64, n int) (window.Window, error) {
	if err := ctx.Err(); err != nil {
		return f.none("read", off, n, err)
	}
	return f.lend(sess, off, n), nil
}

// nothing is the memory of an empty window.
type nothing struct{}

func (nothing) Free() {}

type byteSource struct{ p []byte }

func (b *byteSource) kind() string { return "bytes" }

func (b *byteSource) lent(off int64, n int) (window.Backing, []byte) {
	return b, b.p[off : off+int64(n) : off+int64(n)]
}

// Free does nothing: the garbage collector has the bytes.
func (b *byteSource) Free() {}

func (b *byteSource) Describe() window.Info {
	return window.Info{Residency: window.Trusted, Source: b.kind(), PinnedBytes: int64(len(b.p))}
}

func (b *byteSource) resident(p []byte, off int64) int { return copy(p, b.p[off:]) }

func (b *byteSource) read(_ context.Context, p []byte, off int64) (int, error) {
	n := copy(p, b.p[min(off, int64(len(b.p))):])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (b *byteSource) size() (int64, error) { return int64(len(b.p)), nil }

func (b *byteSource) stat() (fs.FileInfo, error) { return fileInfo{"", int64(len(b.p))}, nil }

func (b *byteSource) close() error { return nil }
