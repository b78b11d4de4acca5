package source

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/oriel-go/oriel/window"
)

func TestWhatCannotBeOpened(t *testing.T) {
	dir := t.TempDir()
	dangling := filepath.Join(dir, "dangling")
	if err := os.Symlink(filepath.Join(dir, "nowhere"), dangling); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	missing := filepath.Join(dir, "missing")
	for _, tt := range []struct {
		what, name string
		want       error
	}{
		{"missing", missing, fs.ErrNotExist},
		{"dangling link", dangling, fs.ErrNotExist},
		{"directory", dir, errIsDir},
		{"below a file", filepath.Join(write(t, []byte("x")), "y"), errNotDir},
		{"NUL in the name", "a\x00b", syscall.EINVAL},
		{"no name", "", fs.ErrNotExist},
	} {
		f, err := Open(t.Context(), tt.name, nil)
		if f != nil {
			t.Errorf("%s: Open returned a File with the error", tt.what)
		}
		r, err2 := OpenReader(t.Context(), tt.name, nil)
		if r != nil {
			t.Errorf("%s: OpenReader returned a Reader with the error", tt.what)
		}
		for _, err := range []error{err, err2} {
			wantError(t, err, tt.want, "open", tt.name, 0)
		}
	}
}

func TestAnUnreadableFile(t *testing.T) {
	name := write(t, []byte("secret"))
	if err := os.Chmod(name, 0); err != nil {
		t.Fatal(err)
	}
	asNobody(t, func() {
		_, err := Open(t.Context(), name, nil)
		wantError(t, err, fs.ErrPermission, "open", name, 0)
		_, err = OpenReader(t.Context(), name, nil)
		wantError(t, err, fs.ErrPermission, "open", name, 0)
	})
}

func TestOpenWithAContextThatHasEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	name := write(t, []byte("x"))
	_, err := Open(ctx, name, nil)
	wantError(t, err, context.Canceled, "open", name, 0)
}

func TestInvalidOptions(t *testing.T) {
	small := newRuntime(t, Limits{MemoryBytes: 64 << 10})
	name := write(t, random(10_000))
	for _, o := range []*Options{
		{WindowBytes: -4096},
		{WindowBytes: 1000},
		{WindowBytes: 4097},
		{WindowBytes: LargestWindowBytes + Granularity},
		{WindowBytes: 128 << 10, Runtime: small},
		{Source: 99},
		{Pattern: 99},
	} {
		_, err := Open(t.Context(), name, o)
		wantError(t, err, window.ErrOption, "open", name, 0)
		_, err = OpenReader(t.Context(), name, o)
		wantError(t, err, window.ErrOption, "open", name, 0)
		f := FromBytes([]byte("x"), o)
		_, err = f.ReadManagedAt(t.Context(), 0, 1)
		wantError(t, err, window.ErrOption, "read", "", 0)
		f.Close()
		r := NewStream(bytes.NewReader(nil), o)
		_, err = r.ReadManaged(t.Context())
		wantError(t, err, window.ErrOption, "read", "", 0)
		r.Close()
	}
	f := openAt(t, name, nil)
	for _, o := range []*Options{{WindowBytes: 5}, {Pattern: 99}} {
		r := f.NewReader(o)
		_, err := r.ReadManaged(t.Context())
		if !errors.Is(err, window.ErrOption) {
			t.Errorf("a Reader with %+v reads: %v, want ErrOption", o, err)
		}
		r.Close()
	}
}

func TestInvalidWindowSizesChangeNothing(t *testing.T) {
	rt := newRuntime(t, Limits{MemoryBytes: 1 << 20})
	r := openSeq(t, write(t, random(10_000)), &Options{Runtime: rt, WindowBytes: 8 << 10})
	if g, m := r.Granularity(), r.MaxWindowSize(); g != 4096 || m != 1<<20 {
		t.Errorf("granularity %d and largest window %d, want 4096 and the budget of 1 MiB", g, m)
	}
	for _, n := range []int{0, -1, 1, 4095, 4097, 1<<20 + 4096, math.MaxInt} {
		if err := r.SetWindowSize(n); !errors.Is(err, window.ErrOption) {
			t.Errorf("SetWindowSize(%d) = %v, want ErrOption", n, err)
		}
	}
	if r.WindowSize() != 8<<10 {
		t.Errorf("the window size is %d after refused changes, want 8192", r.WindowSize())
	}
	if err := r.SetWindowSize(4 << 10); err != nil {
		t.Fatal(err)
	}
	w, err := r.ReadManaged(t.Context())
	if err != nil || w.Len() != 4<<10 {
		t.Errorf("after SetWindowSize(4096): %v, %v", w, err)
	}
	w.Release()
}

func TestInvalidLimits(t *testing.T) {
	for _, l := range []Limits{{MemoryBytes: 100}, {MemoryBytes: -1}, {Threads: -1}, {Files: -1}} {
		if _, err := NewRuntime(l); !errors.Is(err, window.ErrOption) {
			t.Errorf("NewRuntime(%+v) = %v, want ErrOption", l, err)
		}
	}
	rt := newRuntime(t, Limits{MemoryBytes: 1 << 20})
	for _, l := range []Limits{{MemoryBytes: 100}, {Threads: -1}, {Files: -1}, {ReserveBytes: 5}} {
		if err := rt.SetLimits(l); !errors.Is(err, window.ErrOption) {
			t.Errorf("SetLimits(%+v) = %v, want ErrOption", l, err)
		}
	}
}

func TestInvalidRanges(t *testing.T) {
	name := write(t, random(1000))
	f := openAt(t, name, nil)
	for _, r := range []struct {
		off int64
		n   int
	}{{-1, 1}, {0, -1}, {math.MinInt64, 1}, {math.MaxInt64, 1}, {math.MaxInt64 - 4, 5 + 1}} {
		_, err := f.ReadManagedAt(t.Context(), r.off, r.n)
		wantError(t, err, window.ErrRange, "read", name, r.off)
		_, err = f.TryReadManagedAt(t.Context(), r.off, r.n)
		wantError(t, err, window.ErrRange, "read", name, r.off)
	}
	if _, err := f.ReadManagedAt(t.Context(), math.MaxInt64-1, 1); err != io.EOF {
		t.Errorf("a byte near 1<<63 = %v, want io.EOF", err)
	}
	_, err := f.ReadAt(make([]byte, 2), math.MaxInt64-1)
	wantError(t, err, window.ErrRange, "read", name, math.MaxInt64-1)
	_, err = f.ReadAt(make([]byte, 2), -1)
	wantError(t, err, window.ErrRange, "read", name, -1)
	if n, err := f.ReadAt(nil, 5); n != 0 || err != nil {
		t.Errorf("ReadAt of nothing = %d, %v", n, err)
	}
	err = f.Prefetch(t.Context(), window.Range{Off: 0, Len: 10}, window.Range{Off: 5, Len: -1})
	wantError(t, err, window.ErrRange, "prefetch", name, 5)
	r := f.NewReader(nil)
	defer r.Close()
	wantError(t, r.SeekTo(-5), window.ErrRange, "seek", name, -5)
}

func TestARangeBeyondTheBudgetTakesNoMemory(t *testing.T) {
	rt := newRuntime(t, Limits{MemoryBytes: 64 << 10, ReserveBytes: -1})
	name := write(t, random(300_000))
	f := openAt(t, name, &Options{Runtime: rt})
	_, err := f.ReadManagedAt(t.Context(), 0, 200_000)
	wantError(t, err, window.ErrNoMemory, "read", name, 0)
	if s := rt.Stats().Memory; s.InUseBytes != 0 {
		t.Errorf("%d bytes are in use after the refusal", s.InUseBytes)
	}
	// At the end of the file little is left of a hostile length.
	w, err := f.ReadManagedAt(t.Context(), 299_990, math.MaxInt-300_000)
	if err != nil || w.Len() != 10 {
		t.Errorf("a hostile length at the end = %v, %v, want 10 bytes", w, err)
	}
	w.Release()
}

func TestAFileThatShrinks(t *testing.T) {
	p := random(40_000)
	name := write(t, p)
	f := openAt(t, name, &Options{WindowBytes: 16 << 10, Pattern: Random}) // of which nothing is read before it is asked for
	r := f.NewReader(nil)
	defer r.Close()
	first, err := r.ReadManaged(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, 20_000); err != nil {
		t.Fatal(err)
	}
	rest, err := readAll(t.Context(), r)
	if err != nil || !bytes.Equal(rest, p[16<<10:20_000]) {
		t.Errorf("after truncation: %d bytes, %v; want up to the new end", len(rest), err)
	}
	if !bytes.Equal(first.Bytes(), p[:16<<10]) {
		t.Error("truncation changed a window that was held")
	}
	first.Release()
	if _, err := f.ReadManagedAt(t.Context(), 30_000, 10); err != io.EOF {
		t.Errorf("a read beyond the new end = %v, want io.EOF", err)
	}
	if f.Size() != 20_000 {
		t.Errorf("Size = %d after truncation was seen, want 20000", f.Size())
	}
}

func TestAFileThatGrows(t *testing.T) {
	name := write(t, []byte("one"))
	f := openAt(t, name, nil)
	r := f.NewReader(nil)
	defer r.Close()
	if p, err := readAll(t.Context(), r); string(p) != "one" || err != nil {
		t.Fatalf("%q, %v", p, err)
	}
	h, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	h.WriteString(" two")
	if p, err := readAll(t.Context(), r); string(p) != " two" || err != nil {
		t.Errorf("a Reader at the end of a file that grew: %q, %v", p, err)
	}
	if w, err := f.ReadManagedAt(t.Context(), 0, 100); err != nil || string(w.Bytes()) != "one two" {
		t.Errorf("ReadManagedAt of a file that grew: %v, %v", w, err)
	} else {
		w.Release()
	}
}

func TestADeletedFileIsRead(t *testing.T) {
	p := random(50_000)
	name := write(t, p)
	f := openAt(t, name, nil)
	if err := os.Remove(name); err != nil {
		t.Skip("an open file cannot be removed here: ", err)
	}
	r := f.NewReader(nil)
	defer r.Close()
	wantBytes(t, r, p)
}

// A lying Fetcher, by what its Fetch and Size do.
type liar struct {
	fetch func(p []byte, off int64) (int, error)
	size  func() int64
}

func (l liar) Fetch(_ context.Context, p []byte, off int64) (int, error) { return l.fetch(p, off) }
func (l liar) Size() int64                                               { return l.size() }
func (l liar) Name() string                                              { return "liar" }

func TestFetchersThatBreakTheirContract(t *testing.T) {
	rt := newRuntime(t, Limits{})
	good := func(p []byte, off int64) (int, error) {
		if off >= 10_000 {
			return 0, nil
		}
		return min(len(p), int(10_000-off)), nil
	}
	tooLarge := func() int64 { return 20_000 }
	for _, tt := range []struct {
		what   string
		l      liar
		want   error
		off    int64 // where it fails
		prefix int64 // bytes delivered before
	}{
		{"ends before its size", liar{func(p []byte, off int64) (int, error) {
			if off >= 10_000 {
				return 0, io.EOF
			}
			return good(p, off)
		}, tooLarge}, io.ErrUnexpectedEOF, 10_000, 10_000},
		{"returns nothing and no error", liar{good, tooLarge}, window.ErrFetcher, 10_000, 10_000},
		{"returns too much", liar{func(p []byte, off int64) (int, error) { return len(p) + 1, nil }, tooLarge}, window.ErrFetcher, 0, 0},
		{"returns less than nothing", liar{func(p []byte, off int64) (int, error) { return -1, nil }, tooLarge}, window.ErrFetcher, 0, 0},
		{"panics", liar{func(p []byte, off int64) (int, error) {
			if off >= 10_000 {
				panic("at the disco")
			}
			return good(p, off)
		}, tooLarge}, window.ErrFetcher, 10_000, 10_000},
		{"has a negative size", liar{good, func() int64 { return -1 }}, window.ErrFetcher, 0, 0},
		{"panics in Size", liar{good, func() int64 { panic("no idea") }}, window.ErrFetcher, 0, 0},
	} {
		for _, ctx := range []context.Context{context.Background(), t.Context()} {
			f := New(tt.l, &Options{Runtime: rt})
			r := f.NewReader(nil)
			p, err := readAll(ctx, r)
			wantError(t, err, tt.want, "read", "liar", tt.off)
			if !errors.Is(err, window.ErrFetcher) || int64(len(p)) != tt.prefix {
				t.Errorf("%s: %d bytes, then %v; want %d, then ErrFetcher", tt.what, len(p), err, tt.prefix)
			}
			w, err := f.ReadManagedAt(ctx, 0, 20_000)
			if !errors.Is(err, window.ErrFetcher) || w.Len() != 0 {
				t.Errorf("%s: ReadManagedAt = %v, %v, want ErrFetcher", tt.what, w, err)
			}
			if n, err := f.ReadAt(make([]byte, 20_000), 0); !errors.Is(err, window.ErrFetcher) || int64(n) != tt.prefix {
				t.Errorf("%s: ReadAt = %d, %v, want %d, ErrFetcher", tt.what, n, err, tt.prefix)
			}
			r.Close()
			f.Close()
		}
	}
}

// All bytes and an error, as of a checksum: the window goes first in order, and
// there is none at an offset.
func TestAnErrorBesideAllBytesIsNotLost(t *testing.T) {
	bad := errors.New("checksum")
	f := New(liar{func(p []byte, off int64) (int, error) { return len(p), bad }, func() int64 { return 100 }}, nil)
	defer f.Close()
	_, err := f.ReadManagedAt(t.Context(), 0, 100)
	wantError(t, err, bad, "read", "liar", 100)
	r := f.NewReader(nil)
	defer r.Close()
	p, err := readAll(t.Context(), r)
	if wantError(t, err, bad, "read", "liar", 100); len(p) != 100 {
		t.Errorf("%d bytes before the error, want 100", len(p))
	}
}

func TestAnEmptyFileAndALargeRead(t *testing.T) {
	f := openAt(t, write(t, nil), nil)
	if _, err := f.ReadManagedAt(t.Context(), 0, 8<<20); err != io.EOF {
		t.Errorf("8 MiB of an empty file = %v, want io.EOF", err)
	}
	r := f.NewReader(nil)
	defer r.Close()
	if err := r.SeekTo(math.MaxInt64 - 10); err != nil {
		t.Fatal(err)
	}
	if _, err := r.ReadManaged(t.Context()); err != io.EOF && !errors.Is(err, window.ErrRange) && !errors.Is(err, syscall.EINVAL) {
		t.Errorf("a read near 1<<63 of an empty file = %v", err)
	}
	g := openAt(t, write(t, []byte("x")), nil)
	if n, err := g.ReadAt(make([]byte, 10), 0); n != 1 || err != io.EOF || g.Stats().Bytes != 1 || g.Stats().Reads != 1 {
		t.Errorf("ReadAt across the end = %d, %v, counted as %+v", n, err, g.Stats())
	}
}

// resuming ends once and then goes on, as a terminal does.
type resuming struct{ steps []string }

func (r *resuming) Read(p []byte) (int, error) {
	if len(r.steps) == 0 || r.steps[0] == "" {
		r.steps = r.steps[min(1, len(r.steps)):]
		return 0, io.EOF
	}
	n := copy(p, r.steps[0])
	r.steps = r.steps[1:]
	return n, nil
}

func TestTheEndOfAStreamIsItsEnd(t *testing.T) {
	r := NewStream(&resuming{[]string{"last line", "", "typed after the end\n"}}, nil)
	defer r.Close()
	c := window.NewCursor(t.Context(), r, nil)
	defer c.Close()
	for line, err := range c.Lines() {
		if err != nil || string(line.Bytes()) != "last line" {
			t.Errorf("a line %q, %v", line.Bytes(), err)
		}
	}
}

func TestReadersThatBreakTheirContract(t *testing.T) {
	for what, read := range map[string]func(p []byte) (int, error){
		"nothing for ever": func(p []byte) (int, error) { return 0, nil },
		"too much":         func(p []byte) (int, error) { return len(p) + 1, nil },
		"less than zero":   func(p []byte) (int, error) { return -1, nil },
		"panic":            func(p []byte) (int, error) { panic("no") },
	} {
		for _, ctx := range []context.Context{context.Background(), t.Context()} {
			r := NewStream(readerFunc(read), nil)
			_, err := r.ReadManaged(ctx)
			if !errors.Is(err, window.ErrFetcher) {
				t.Errorf("%s: %v, want ErrFetcher", what, err)
			}
			wantError(t, err, window.ErrFetcher, "read", "", 0)
			r.Close()
		}
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestAnErrorInTheMiddleComesAfterTheGoodPrefix(t *testing.T) {
	bad := errors.New("bad sector")
	healed := false
	text := random(100_000)
	l := liar{func(p []byte, off int64) (int, error) {
		if end := off + int64(len(p)); end > 50_000 && !healed {
			return copy(p, text[off:max(off, 50_000)]), bad
		}
		return copy(p, text[off:]), nil
	}, func() int64 { return int64(len(text)) }}
	for _, ctx := range []context.Context{context.Background(), t.Context()} {
		healed = false
		r := New(l, &Options{WindowBytes: 32 << 10}).NewReader(nil)
		got, err := readAll(ctx, r)
		wantError(t, err, bad, "read", "liar", 50_000)
		again, err := readAll(ctx, r)
		if len(again) != 0 {
			t.Errorf("%d bytes came from behind the error", len(again))
		}
		wantError(t, err, bad, "read", "liar", 50_000)
		healed = true
		rest, err := readAll(ctx, r)
		if err != nil || !bytes.Equal(append(got, rest...), text) {
			t.Errorf("prefix of %d and rest of %d bytes, %v; want all of the text", len(got), len(rest), err)
		}
		r.Close()
	}
}

func TestForcedPreadIsRefusedWhereItCannotServe(t *testing.T) {
	o := &Options{Source: Pread}
	r := NewStream(bytes.NewReader(nil), o)
	_, err := r.ReadManaged(t.Context())
	wantError(t, err, window.ErrRefused, "read", "", 0)
	r.Close()
	f := New(memoryFetcher("x"), o)
	_, err = f.ReadManagedAt(t.Context(), 0, 1)
	wantError(t, err, window.ErrRefused, "read", "", 0)
	f.Close()
	if _, err := os.Stat("/dev/null"); err == nil {
		_, err = OpenReader(t.Context(), "/dev/null", o)
		wantError(t, err, window.ErrRefused, "open", "/dev/null", 0)
		_, err = Open(t.Context(), "/dev/null", nil)
		wantError(t, err, window.ErrUnsupported, "open", "/dev/null", 0)
	}
}
