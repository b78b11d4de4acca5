package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/cockroachdb/pebble/v2/objstorage"
	"github.com/parquet-go/parquet-go"

	"github.com/oriel-go/oriel"
	"github.com/oriel-go/oriel/source"
	"github.com/oriel-go/oriel/window"
)

type row struct {
	A int64
	B string
}

// Pebble: caller's memory, all or error, sessions with notes.
type readable struct{ f *oriel.File }
type handle struct {
	s *oriel.Reader
	f *oriel.File
}

func full(n int, err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
func (r readable) ReadAt(ctx context.Context, p []byte, off int64) error {
	return full(r.f.ReadInto(ctx, p, off))
}
func (r readable) Close() error { return r.f.Close() }
func (r readable) Size() int64  { return r.f.Size() }
func (r readable) NewReadHandle(objstorage.ReadBeforeSize) objstorage.ReadHandle {
	return handle{r.f.NewReader(nil), r.f}
}
func (h handle) ReadAt(ctx context.Context, p []byte, off int64) error {
	return full(h.f.ReadInto(ctx, p, off))
}
func (h handle) Close() error                                   { return h.s.Close() }
func (h handle) SetupForCompaction()                            { h.s.SetPattern(source.Once) }
func (h handle) RecordCacheHit(_ context.Context, off, n int64) { h.s.NoteHit(off, int(n)) }

var _ objstorage.Readable = readable{}

type dirFS string

func (d dirFS) Open(name string) (fs.File, error) {
	f, err := oriel.Open(context.Background(), string(d)+"/"+name, nil)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return fsFile{f, f.NewReader(nil)}, nil
}

type fsFile struct {
	*oriel.File
	r *oriel.Reader
}

func (f fsFile) Read(p []byte) (int, error) { // or (*source.Reader).Read, if it is an io.Reader itself
	w, err := f.r.ReadManaged(context.Background())
	n := copy(p, w.Bytes())
	w.Release()
	return n, err
}

// A third-party source: one method that fills memory of the library, and the size. Read-ahead, planner, windows,
// Queue, Lines, budgets come from source.New.
type s3 struct{ raw []byte }

func (s s3) Size() int64 { return int64(len(s.raw)) }
func (s s3) Fetch(ctx context.Context, p []byte, off int64) (int, error) {
	return bytes.NewReader(s.raw).ReadAt(p, off)
}

func main() {
	ctx := context.Background()
	dir, _ := os.MkdirTemp("", "c8")
	defer os.RemoveAll(dir)

	zp := dir + "/a.zip"
	zf, _ := os.Create(zp)
	zw := zip.NewWriter(zf)
	e, _ := zw.Create("hello")
	io.WriteString(e, "hello\nworld\n")
	zw.Close()
	zf.Close()
	f, err := oriel.Open(ctx, zp, nil)
	if err != nil {
		panic(err)
	}
	zr, err := zip.NewReader(f.WithContext(ctx), f.Size())
	if err != nil {
		panic(err)
	}
	r, _ := zr.File[0].Open()
	b, _ := io.ReadAll(r)
	fmt.Printf("zip %q\n", b)
	f.Close()

	pp := dir + "/a.parquet"
	parquet.WriteFile(pp, make([]row, 1000))
	f, _ = oriel.Open(ctx, pp, nil)
	rows, err := parquet.Read[row](f, f.Size())
	fmt.Println("parquet", len(rows), err)
	rd := readable{f}
	p := make([]byte, 10)
	fmt.Println("pebble", rd.ReadAt(ctx, p, 0), rd.ReadAt(ctx, p, f.Size()-5))

	lp := dir + "/a.log"
	os.WriteFile(lp, bytes.Repeat([]byte("line\n"), 1000), 0o600)
	lr, _ := oriel.OpenReader(ctx, lp, nil)
	n := 0
	for sc := bufio.NewScanner(window.NewCursor(ctx, lr, nil)); sc.Scan(); {
		n++
	}
	fmt.Println("scanner", n)
	ff, _ := dirFS(dir).Open("a.log")
	st, err := ff.Stat()
	fmt.Println("fs", st.Size(), err)

	o := source.New(s3{bytes.Repeat([]byte("x\n"), 1500)}, nil)
	w, err := o.ReadManagedAt(ctx, 2990, 10)
	fmt.Println("s3", w, err)
	w.Release()
	n = 0
	for _, err := range window.NewCursor(ctx, o.NewReader(nil), nil).Lines() {
		if err != nil {
			panic(err)
		}
		n++
	}
	fmt.Println("s3 lines", n)
}
