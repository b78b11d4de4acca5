package interop

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/oriel-go/oriel"
	"github.com/oriel-go/oriel/source"
	"github.com/oriel-go/oriel/window"
)

// views are the io.Readers that Oriel has over the same bytes, each made anew.
func views(t *testing.T, p []byte) map[string]func() io.Reader {
	t.Helper()
	name := file(t, p)
	cursor := func(r *oriel.Reader) io.Reader {
		c := window.NewCursor(t.Context(), r, nil)
		t.Cleanup(func() {
			if err := errors.Join(c.Close(), r.Close()); err != nil {
				t.Error(err)
			}
		})
		return c
	}
	o := options(t)
	_, ours := both(t, name)
	small := *o
	small.WindowBytes = source.Granularity
	return map[string]func() io.Reader{
		"Cursor of OpenReader": func() io.Reader {
			r, err := oriel.OpenReader(t.Context(), name, o)
			if err != nil {
				t.Fatal(err)
			}
			return cursor(r)
		},
		"Cursor of small windows": func() io.Reader {
			r, err := oriel.OpenReader(t.Context(), name, &small)
			if err != nil {
				t.Fatal(err)
			}
			return cursor(r)
		},
		"Cursor of File.NewReader": func() io.Reader { return cursor(ours.NewReader(nil)) },
		"Cursor of NewStream":      func() io.Reader { return cursor(source.NewStream(bytes.NewReader(p), o)) },
		"Cursor of a slow stream": func() io.Reader {
			return cursor(source.NewStream(iotest.HalfReader(iotest.DataErrReader(bytes.NewReader(p))), o))
		},
		"Cursor of FromBytes": func() io.Reader { return cursor(source.FromBytes(p, o).NewReader(nil)) },
		"SectionReader of File": func() io.Reader {
			return io.NewSectionReader(ours, 0, ours.Size())
		},
		"SectionReader of WithContext": func() io.Reader {
			return io.NewSectionReader(ours.WithContext(t.Context()), 0, ours.Size())
		},
		"SectionReader of FromBytes": func() io.Reader {
			return io.NewSectionReader(source.FromBytes(p, o), 0, int64(len(p)))
		},
		"SectionReader of a Fetcher": func() io.Reader {
			return io.NewSectionReader(source.New(&store{objects: p}, o), 0, int64(len(p)))
		},
	}
}

// TestReaderViews holds every io.Reader to what testing/iotest knows about
// them.
func TestReaderViews(t *testing.T) {
	for _, n := range []int{0, 1, 4097, 300_001} {
		p := content(n)
		for what, open := range views(t, p) {
			if err := iotest.TestReader(open(), p); err != nil {
				t.Errorf("%s, %d bytes: %v", what, n, err)
			}
		}
	}
}

func TestGzip(t *testing.T) {
	want := content(3 << 20)
	var b bytes.Buffer
	for _, part := range [][]byte{want[:1<<20], want[1<<20:]} { // two members
		w := gzip.NewWriter(&b)
		if _, err := w.Write(part); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for what, open := range views(t, b.Bytes()) {
		z, err := gzip.NewReader(open())
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		got, err := io.ReadAll(z)
		same(t, what, want, nil, got, err)
	}
	// A Cursor is an io.ByteReader, so that gzip reads no byte too many: what
	// follows is still there.
	r := source.FromBytes(append(b.Bytes(), "what follows"...), options(t)).NewReader(nil)
	defer r.Close()
	c := window.NewCursor(t.Context(), r, nil)
	defer c.Close()
	z, err := gzip.NewReader(c)
	if err != nil {
		t.Fatal(err)
	}
	z.Multistream(false)
	first, err := io.ReadAll(z)
	same(t, "the first member", want[:1<<20], nil, first, err)
	if c.Off() >= int64(b.Len()) {
		t.Errorf("after the first of two members the cursor is at %d of %d", c.Off(), b.Len())
	}
}

// TestGzipTruncated: an error of the decoder is what it is through os.File.
func TestGzipTruncated(t *testing.T) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(content(1 << 20)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	cut := b.Bytes()[:b.Len()/2]
	read := func(r io.Reader) ([]byte, error) {
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, err
		}
		return io.ReadAll(z)
	}
	std, err := os.Open(file(t, cut))
	if err != nil {
		t.Fatal(err)
	}
	defer std.Close()
	want, wantErr := read(std)
	for what, open := range views(t, cut) {
		got, gotErr := read(open())
		same(t, what, want, wantErr, got, gotErr)
	}
}

func TestScanner(t *testing.T) {
	p := append(content(300_001), "\r\n\n\nno newline"...)
	scan := func(r io.Reader) (lines []string, err error) {
		s := bufio.NewScanner(r)
		for s.Scan() {
			lines = append(lines, s.Text())
		}
		return lines, s.Err()
	}
	std, err := os.Open(file(t, p))
	if err != nil {
		t.Fatal(err)
	}
	defer std.Close()
	want, err := scan(std)
	if err != nil {
		t.Fatal(err)
	}
	for what, open := range views(t, p) {
		got, err := scan(open())
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %d lines (%v), want %d", what, len(got), err, len(want))
		}
	}
	// And Cursor.Lines gives what bufio.Scanner does.
	var got []string
	for line, err := range oriel.Lines(t.Context(), std.Name(), options(t)) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(line.Bytes()))
	}
	if !slices.Equal(got, want) {
		t.Errorf("Lines: %d lines, want %d", len(got), len(want))
	}
}
