package source

import (
	"bytes"
	"context"
	"io"
	"os"
	"testing"
	"testing/iotest"

	"github.com/oriel-go/oriel/window"
	"github.com/oriel-go/oriel/window/windowtest"
)

func TestPreadConforms(t *testing.T) {
	rt := newRuntime(t, Limits{})
	o := &Options{Runtime: rt, Source: Pread}
	windowtest.Run(t, windowtest.Source{
		Reader:    func(t testing.TB, p []byte) window.Reader { return openSeq(t, write(t, p), o) },
		ReaderAt:  func(t testing.TB, p []byte) window.ReaderAt { return openAt(t, write(t, p), o) },
		HeldBytes: func() int64 { return rt.Memory().Stats().InUseBytes },
	})
}

// The same with small windows, with a file system that cannot tell what is
// resident, and with a context that can end, so that every read is handed over.
func TestPreadThatAlwaysWaitsConforms(t *testing.T) {
	rt := newRuntime(t, Limits{Threads: 2})
	o := &Options{Runtime: rt, WindowBytes: 4 << 10}
	slow := func(f *File) *File { f.b.(*preadSource).nowait.Store(false); return f }
	windowtest.Run(t, windowtest.Source{
		Reader: func(t testing.TB, p []byte) window.Reader {
			f := openAt(t, write(t, p), o)
			r := slow(f).NewReader(nil)
			t.Cleanup(func() { r.Close() })
			return cancellable{r}
		},
		ReaderAt:  func(t testing.TB, p []byte) window.ReaderAt { return slow(openAt(t, write(t, p), o)) },
		HeldBytes: func() int64 { return rt.Memory().Stats().InUseBytes },
		MaxBytes:  300 << 10,
	})
}

// cancellable reads with a context that can end.
type cancellable struct{ *Reader }

func (c cancellable) ReadManaged(ctx context.Context) (window.Window, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	return c.Reader.ReadManaged(ctx)
}

func TestStreamConforms(t *testing.T) {
	rt := newRuntime(t, Limits{})
	o := &Options{Runtime: rt}
	for name, view := range map[string]func(io.Reader) io.Reader{
		"whole":  func(r io.Reader) io.Reader { return r },
		"halves": iotest.HalfReader,
		"late":   iotest.DataErrReader,
	} {
		t.Run(name, func(t *testing.T) {
			windowtest.Run(t, windowtest.Source{
				Reader: func(t testing.TB, p []byte) window.Reader {
					r := NewStream(view(bytes.NewReader(p)), o)
					t.Cleanup(func() { r.Close() })
					return cancellable{r}
				},
				HeldBytes: func() int64 { return rt.Memory().Stats().InUseBytes },
				MaxBytes:  1 << 20,
			})
		})
	}
}

func TestPipeConforms(t *testing.T) {
	rt := newRuntime(t, Limits{})
	windowtest.Run(t, windowtest.Source{
		Reader: func(t testing.TB, p []byte) window.Reader {
			pr, pw, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { pr.Close() })
			go func() {
				pw.Write(p)
				pw.Close()
			}()
			r := NewStream(pr, &Options{Runtime: rt})
			t.Cleanup(func() { r.Close() })
			return r
		},
		HeldBytes: func() int64 { return rt.Memory().Stats().InUseBytes },
		MaxBytes:  1 << 20,
	})
}

// memoryFetcher is a third party's source.
type memoryFetcher []byte

func (m memoryFetcher) Size() int64 { return int64(len(m)) }

func (m memoryFetcher) Fetch(ctx context.Context, p []byte, off int64) (int, error) {
	return bytes.NewReader(m).ReadAt(p[:min(len(p), 100_000)], off) // short reads are continued
}

func TestFetcherConforms(t *testing.T) {
	rt := newRuntime(t, Limits{})
	o := &Options{Runtime: rt}
	open := func(t testing.TB, p []byte) *File {
		f := New(memoryFetcher(p), o)
		t.Cleanup(func() { f.Close() })
		return f
	}
	windowtest.Run(t, windowtest.Source{
		Reader: func(t testing.TB, p []byte) window.Reader {
			r := open(t, p).NewReader(nil)
			t.Cleanup(func() { r.Close() })
			return r
		},
		ReaderAt:  func(t testing.TB, p []byte) window.ReaderAt { return open(t, p) },
		HeldBytes: func() int64 { return rt.Memory().Stats().InUseBytes },
	})
}

func TestBytesConforms(t *testing.T) {
	rt := newRuntime(t, Limits{})
	o := &Options{Runtime: rt}
	windowtest.Run(t, windowtest.Source{
		Reader: func(t testing.TB, p []byte) window.Reader {
			r := FromBytes(p, o).NewReader(nil)
			t.Cleanup(func() { r.Close() })
			return r
		},
		ReaderAt: func(t testing.TB, p []byte) window.ReaderAt {
			f := FromBytes(p, o)
			t.Cleanup(func() { f.Close() })
			return f
		},
		HeldBytes: func() int64 { return rt.Memory().Stats().InUseBytes },
	})
}

func TestIOReaderViews(t *testing.T) {
	text := random(70_000)
	name := write(t, text)
	views := map[string]window.Reader{
		"file":   openSeq(t, name, &Options{WindowBytes: 4 << 10}),
		"stream": NewStream(bytes.NewReader(text), nil),
		"bytes":  FromBytes(text, nil).NewReader(nil),
		"fetch":  New(memoryFetcher(text), nil).NewReader(nil),
	}
	for what, r := range views {
		c := window.NewCursor(t.Context(), r, nil)
		if err := iotest.TestReader(c, text); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		c.Close()
		r.(io.Closer).Close()
	}
	f := openAt(t, name, nil)
	if err := iotest.TestReader(io.NewSectionReader(f, 0, f.Size()), text); err != nil {
		t.Errorf("section of a File: %v", err)
	}
	if err := iotest.TestReader(io.NewSectionReader(f.WithContext(t.Context()), 0, f.Size()), text); err != nil {
		t.Errorf("section of a File with a context: %v", err)
	}
}
