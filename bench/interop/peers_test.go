package interop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"testing/fstest"

	"github.com/cockroachdb/pebble/v2/objstorage"
	"github.com/parquet-go/parquet-go"

	"github.com/oriel-go/oriel"
	"github.com/oriel-go/oriel/source"
	"github.com/oriel-go/oriel/window"
)

type row struct {
	ID    int64             `parquet:"id"`
	Name  string            `parquet:"name,dict"`
	Score float64           `parquet:"score"`
	Tags  map[string]string `parquet:"tags"`
}

func TestParquet(t *testing.T) {
	name := filepath.Join(t.TempDir(), "rows.parquet")
	rows := make([]row, 50_000)
	for i := range rows {
		rows[i] = row{int64(i), fmt.Sprint("name ", i%100), float64(i) / 7, map[string]string{"k": fmt.Sprint(i)}}
	}
	if err := parquet.WriteFile(name, rows, parquet.MaxRowsPerRowGroup(10_000)); err != nil {
		t.Fatal(err)
	}
	std, ours := both(t, name)
	want, err := parquet.Read[row](std, ours.Size())
	if err != nil {
		t.Fatal(err)
	}
	for what, r := range map[string]io.ReaderAt{"File": ours, "WithContext": ours.WithContext(t.Context())} {
		got, err := parquet.Read[row](r, ours.Size())
		if err != nil || len(got) != len(rows) || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %d rows (%v), want %d", what, len(got), err, len(want))
		}
	}
}

// readable is Pebble's view of a File: into the caller's memory, all or an
// error, with handles that take notes.
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

func TestPebbleReadable(t *testing.T) {
	p := content(300_001)
	_, ours := both(t, file(t, p))
	var r objstorage.Readable = readable{ours}
	h := r.NewReadHandle(objstorage.NoReadBefore)
	h.SetupForCompaction()
	h.RecordCacheHit(t.Context(), 0, 100)
	if r.Size() != int64(len(p)) {
		t.Errorf("size %d", r.Size())
	}
	for what, read := range map[string]func(context.Context, []byte, int64) error{"Readable": r.ReadAt, "ReadHandle": h.ReadAt} {
		got := make([]byte, 100_000)
		same(t, what, p[1000:101_000], nil, got, read(t.Context(), got, 1000))
		if err := read(t.Context(), got, int64(len(p))-5); err != io.ErrUnexpectedEOF {
			t.Errorf("%s: over the end: %v", what, err)
		}
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	if hits := ours.Stats().Hits; hits != 1 {
		t.Errorf("%d hits were noted", hits)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if err := r.ReadAt(t.Context(), make([]byte, 1), 0); err == nil {
		t.Error("reading after Close is no error")
	}
}

// dirFS is a folder as an fs.FS whose files are read through Oriel.
type dirFS struct {
	name string
	o    *oriel.Options
}

func (d dirFS) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	path := filepath.Join(d.name, name)
	if fi, err := os.Stat(path); err == nil && fi.IsDir() {
		return os.Open(path)
	}
	f, err := oriel.Open(context.Background(), path, d.o)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	r := f.NewReader(nil)
	return &fsFile{f, r, window.NewCursor(context.Background(), r, nil)}, nil
}

type fsFile struct {
	*oriel.File
	r *oriel.Reader
	c *window.Cursor
}

func (f *fsFile) Read(p []byte) (int, error) { return f.c.Read(p) }

func (f *fsFile) Close() error {
	f.c.Close()
	f.r.Close()
	return f.File.Close()
}

func TestFS(t *testing.T) {
	dir := t.TempDir()
	for name, n := range map[string]int{"empty": 0, "small": 10, "large": 1 << 20, "sub/other": 4097} {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, content(n), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fsys := dirFS{dir, options(t)}
	if err := fstest.TestFS(fsys, "empty", "small", "large", "sub/other"); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"empty", "small", "large", "sub/other"} {
		want, wantErr := fs.ReadFile(os.DirFS(dir), name)
		got, gotErr := fs.ReadFile(fsys, name)
		same(t, name, want, wantErr, got, gotErr)
	}
	if _, err := fs.Stat(fsys, "missing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is missing: %v", err)
	}
}
