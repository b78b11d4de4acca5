package source

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/iotest"

	"github.com/oriel-go/oriel/window"
)

// wantRange fails unless the n bytes at off of f are those of h, or as many as
// there are.
func wantRange(t testing.TB, f *File, h io.ReaderAt, off int64, n int) {
	t.Helper()
	want := make([]byte, n)
	m, err := h.ReadAt(want, off)
	if err != nil && err != io.EOF {
		t.Fatal(err)
	}
	w, err := f.ReadManagedAt(t.Context(), off, n)
	if m == 0 && n > 0 && err == io.EOF {
		return
	}
	if err != nil || w.Off() != off || !bytes.Equal(w.Bytes(), want[:m]) {
		t.Errorf("%d bytes at %d: %v, %v; want %d, the same ones: %v", n, off, w, err, m, bytes.Equal(w.Bytes(), want[:m]))
	}
	if i := w.Info(); err == nil && m > 0 && (i.Source != "uring" || i.Residency != window.Private) {
		t.Errorf("%d bytes at %d: %+v, want them through the ring", n, off, i)
	}
	w.Release()
}

// someRange returns a range of lengths of every magnitude.
func someRange(rnd *rand.Rand, size int64) (off int64, n int) {
	off = rnd.Int64N(size)
	if rnd.IntN(4) == 0 {
		off &^= Granularity - 1
	}
	return off, 1 + rnd.IntN(1<<rnd.IntN(22))
}

func TestRingReadsWhatPreadReads(t *testing.T) {
	const size = 64<<20 + 1234
	text := random(size)
	name := write(t, text)
	for mode, o := range ringModes {
		t.Run(mode, func(t *testing.T) {
			f := ringed(t, newRuntime(t, Limits{}), name, o)
			var readers sync.WaitGroup
			for i := range 8 {
				readers.Go(func() {
					rnd := rand.New(rand.NewPCG(uint64(i), 1))
					for range 60 {
						off, n := someRange(rnd, size)
						wantRange(t, f, bytes.NewReader(text), off, n)
					}
				})
			}
			readers.Wait()
			r := f.NewReader(nil)
			defer r.Close()
			for at := 0; at < size; {
				w, err := r.ReadManaged(t.Context())
				if err != nil || !bytes.Equal(w.Bytes(), text[at:at+w.Len()]) {
					t.Fatalf("in order at %d: %v, %v", at, w, err)
				}
				at += w.Len()
				w.Release()
			}
		})
	}
}

// Islands of data beyond what 32 bits count, among holes.
func TestRingReadsASparseFileBeyond4GiB(t *testing.T) {
	const four = 1 << 32
	name := write(t, nil)
	h, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	island := random(50_000)
	islands := []int64{four - 20_000, four + 40_000, four + 1<<31 - 333, 2*four - 1}
	if err := h.Truncate(2*four + 1<<20 + 77); err != nil {
		t.Skip("no large files here: ", err)
	}
	for _, at := range islands {
		if _, err := h.WriteAt(island, at); err != nil {
			t.Fatal(err)
		}
	}
	for mode, o := range ringModes {
		t.Run(mode, func(t *testing.T) {
			rt := newRuntime(t, Limits{})
			f := ringed(t, rt, name, o)
			for _, at := range islands {
				w, err := f.ReadManagedAt(t.Context(), at, len(island))
				if err != nil || !bytes.Equal(w.Bytes(), island) {
					t.Errorf("the island at %d: %v, %v", at, w, err)
				}
				w.Release()
				for _, d := range []int64{-1 << 20, -70_000, -4096, -1, 1, 511, 49_999, 50_000} {
					wantRange(t, f, h, at+d, 100_000)
				}
				r := f.NewReader(nil)
				if err := r.SeekTo(at - 12_345); err != nil {
					t.Fatal(err)
				}
				for range 3 {
					w, err := r.ReadManaged(t.Context())
					want := make([]byte, w.Len())
					if _, failed := h.ReadAt(want, w.Off()); err != nil || failed != nil || !bytes.Equal(w.Bytes(), want) {
						if err != io.EOF {
							t.Errorf("in order at %d: %v, %v", w.Off(), w, err)
						}
					}
					w.Release()
				}
				r.Close()
			}
			wantRange(t, f, h, 2*four+1<<20+70, 100)
			_, err := f.ReadManagedAt(t.Context(), 2*four+1<<20+77, 1)
			if err != io.EOF {
				t.Errorf("at the end: %v", err)
			}
		})
	}
}

// The unit of O_DIRECT is 512 or 4096 bytes, and a file ends anywhere.
func TestRingReadsUnalignedRangesAndTails(t *testing.T) {
	sizes := []int{1, 2, 511, 512, 513, 1023, 1024, 1025, 4095, 4096, 4097, 8191, 8192, 8193, 12_288 + 511, 1<<20 - 1, 1 << 20, 1<<20 + 1, 1<<20 + 4095}
	edges := []int{0, 1, 510, 511, 512, 513, 4094, 4095, 4096, 4097, 8192}
	for mode, o := range ringModes {
		t.Run(mode, func(t *testing.T) {
			rt := newRuntime(t, Limits{})
			for _, size := range sizes {
				text := random(size)
				f := ringed(t, rt, write(t, text), o)
				h := bytes.NewReader(text)
				for _, off := range edges {
					for _, n := range []int{1, 511, 512, 513, 4096, 4097, size - off, size - off - 1, size - off + 1, size} {
						if n > 0 {
							wantRange(t, f, h, int64(off), n)
						}
					}
					if back := size - off; back >= 0 { // from the end
						wantRange(t, f, h, int64(back), off+1)
					}
				}
				for _, windowBytes := range []int{4 << 10, 64 << 10} {
					r := f.NewReader(&Options{WindowBytes: windowBytes})
					wantBytes(t, r, text)
					r.Close()
				}
				f.Close()
			}
		})
	}
}

// What is resident is not worth a ring.
func TestRingLeavesWhatIsCachedToPread(t *testing.T) {
	rt := newRuntime(t, Limits{})
	text := random(1 << 20)
	o := Options{Runtime: rt, Source: Uring, Direct: DirectNever, WindowBytes: 64 << 10}
	ringing(t, &o)
	name := write(t, text)
	var wrong []string
	if !tries(func() bool { // what the machine has dropped goes through the ring, and rightly
		warm(t, name)
		f := openAt(t, name, &o)
		if !f.Explain().NeverWaits {
			t.Skip("this file system cannot tell what is resident")
		}
		wrong = notLeftToPread(t, f, text)
		return len(wrong) == 0
	}) {
		t.Errorf("of what is cached: %s", strings.Join(wrong, "; "))
	}
}

// notLeftToPread reads a file in all ways, and returns what says that some of it did
// not come by pread, at once.
func notLeftToPread(t *testing.T, f *File, text []byte) (wrong []string) {
	t.Helper()
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	before := f.rt.Stats().Ring.Reads
	r := f.NewReader(nil)
	defer r.Close()
	wantBytes(t, r, text)
	if by := wantAt(t, f, text, 1000, 5000); by != "pread" {
		say("a range is read by %s", by)
	}
	w, err := f.TryReadManagedAt(t.Context(), 70_000, 100)
	if err != nil || w.Info().Source != "pread" {
		say("it is tried by %s, %v", w.Info().Source, err)
	}
	w.Release()
	p := make([]byte, 5000)
	if n, err := f.ReadAt(p, 77); n != len(p) || err != nil || !bytes.Equal(p, text[77:5077]) {
		t.Errorf("ReadAt = %d, %v", n, err)
	}
	if n := f.rt.Stats().Ring.Reads - before; n != 0 {
		say("%d reads go through the ring", n)
	}
	if s, n := r.Stats(), f.Stats().Ringed; n != 0 || s.Waits != 0 || s.AheadBytes != 0 {
		say("%d are counted as ringed, and the Reader has %+v", n, s)
	}
	return wrong
}

// Every window says which source served it, and Stats counts the ring's.
func TestRingWindowsSayWhatServed(t *testing.T) {
	text := random(256 << 10)
	name := write(t, text)
	rt := newRuntime(t, Limits{})
	f := ringed(t, rt, name, Options{Direct: DirectAlways, WindowBytes: 64 << 10})
	r := f.NewReader(nil)
	defer r.Close()
	sources := func(r window.Reader) string {
		t.Helper()
		var said []string
		for {
			w, err := r.ReadManaged(t.Context())
			if err == io.EOF {
				return strings.Join(said, " ")
			}
			if err != nil {
				t.Fatal(err)
			}
			said = append(said, w.Info().Source)
			w.Release()
		}
	}
	if got := sources(r); got != "uring uring uring uring" || r.Stats().Ringed != 4 {
		t.Errorf("%s, and %d are counted", got, r.Stats().Ringed)
	}
	refused := error(errors.New("for the test"))
	f.ring.failed.Store(&refused)
	if err := r.SeekTo(0); err != nil {
		t.Fatal(err)
	}
	if got := sources(r); got != "pread pread pread pread" || r.Stats().Ringed != 4 {
		t.Errorf("without the ring: %s, and %d are counted", got, r.Stats().Ringed)
	}
	if e := f.Explain(); e.Source != "uring" || !strings.Contains(e.String(), "for the test") {
		t.Errorf("Explain does not say why the ring does not serve:\n%v", e)
	}
}

func TestRingTryReadManagedAt(t *testing.T) {
	text := random(1 << 20)
	name := write(t, text)
	for mode, o := range ringModes {
		t.Run(mode, func(t *testing.T) {
			rt := newRuntime(t, Limits{})
			f := ringed(t, rt, name, o)
			for i := range 20 {
				off := int64(i) * 37_000
				_, err := f.TryReadManagedAt(t.Context(), off, 5000)
				wantError(t, err, window.ErrNotReady, "read", name, off)
			}
			for i := range 20 {
				off := int64(i) * 37_000
				w, err := tryUntilReady(t, f, off, 5000)
				if err != nil {
					t.Fatal(err)
				}
				if w.Info().Source != "uring" || !bytes.Equal(w.Bytes(), text[off:off+5000]) {
					t.Errorf("%v of %+v", w, w.Info())
				}
				w.Release()
			}
		})
	}
}

func TestRingTryReadManagedAndReady(t *testing.T) {
	text := random(1<<20 + 5)
	name := write(t, text)
	for mode, o := range ringModes {
		t.Run(mode, func(t *testing.T) {
			o.WindowBytes = 64 << 10
			r := ringed(t, newRuntime(t, Limits{}), name, o).NewReader(nil)
			defer r.Close()
			var got []byte
			for notReady := 0; ; {
				w, err := r.TryReadManaged(t.Context())
				if errors.Is(err, window.ErrNotReady) {
					notReady++
					<-r.Ready()
					continue
				}
				if err == io.EOF {
					if notReady == 0 && mode == "direct" {
						t.Error("every window was ready at once")
					}
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, w.Bytes()...)
				w.Release()
			}
			if !bytes.Equal(got, text) {
				t.Errorf("%d bytes, want %d", len(got), len(text))
			}
		})
	}
}

// Reads into memory of the caller's: the Go heap's, while it is collected.
func TestRingReadsIntoTheGoHeap(t *testing.T) {
	text := random(4 << 20)
	f := ringed(t, newRuntime(t, Limits{}), write(t, text), Options{Direct: DirectNever})
	before := f.rt.Stats().Ring.Reads
	var readers sync.WaitGroup
	for i := range 8 {
		readers.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(i), 2))
			for range 50 {
				off, n := someRange(rnd, int64(len(text)))
				p := make([]byte, n+2) // with a byte on each side that nobody may write
				p[0], p[n+1] = 0xa5, 0x5a
				want := text[off:min(int(off)+n, len(text))]
				m, err := f.ReadInto(t.Context(), p[1:n+1], off)
				if m != len(want) || (err == io.EOF) != (m < n) || err != nil && err != io.EOF {
					t.Errorf("%d bytes at %d: %d, %v", n, off, m, err)
				}
				if p[0] != 0xa5 || p[n+1] != 0x5a || !bytes.Equal(p[1:m+1], want) {
					t.Errorf("%d bytes at %d: other bytes", n, off)
				}
				if rnd.IntN(20) == 0 {
					runtime.GC()
				}
			}
		})
	}
	readers.Wait()
	if f.rt.Stats().Ring.Reads == before {
		t.Error("nothing went through the ring")
	}
	if n, err := f.ReadAt(make([]byte, 10), int64(len(text))); n != 0 || err != io.EOF {
		t.Errorf("at the end: %d, %v", n, err)
	}
	_, err := f.ReadAt(make([]byte, 10), -1)
	wantError(t, err, window.ErrRange, "read", f.Name(), -1)
}

// Packages that know nothing of windows read through the ring.
func TestRingBelowOtherPackages(t *testing.T) {
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	var names []string
	for i := range 30 {
		names = append(names, fmt.Sprintf("folder%d/file%d", i%4, i))
		h := &zip.FileHeader{Name: names[i], Method: []uint16{zip.Store, zip.Deflate}[i%2]}
		w, err := z.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(random(i * 500)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	text := archive.Bytes()
	for mode, o := range ringModes {
		t.Run(mode, func(t *testing.T) {
			rt := newRuntime(t, Limits{})
			f := ringed(t, rt, write(t, text), o)
			tree, err := zip.NewReader(f.WithContext(t.Context()), f.Size())
			if err != nil {
				t.Fatal(err)
			}
			if err := fstest.TestFS(tree, names...); err != nil {
				t.Error(err)
			}
			if err := iotest.TestReader(io.NewSectionReader(f, 100, 5000), text[100:5100]); err != nil {
				t.Error(err)
			}
			r := f.NewReader(&Options{WindowBytes: 4 << 10})
			defer r.Close()
			c := window.NewCursor(t.Context(), r, nil)
			defer c.Close()
			if err := iotest.TestReader(struct{ io.Reader }{c}, text); err != nil {
				t.Error(err)
			}
			if fi, err := f.Stat(); err != nil || fi.Size() != int64(len(text)) {
				t.Errorf("Stat = %v, %v", fi, err)
			}
		})
	}
}

// Many Readers share one engine, and each gets its own bytes.
func TestRingServesAThousandReaders(t *testing.T) {
	const readers, part = 1000, 16 << 10
	text := random(readers * part)
	name := write(t, text)
	for mode, o := range ringModes {
		t.Run(mode, func(t *testing.T) {
			o.WindowBytes = 4 << 10
			f := ringed(t, newRuntime(t, Limits{MemoryBytes: 32 << 20, ReserveBytes: 32 << 20}), name, o)
			var all sync.WaitGroup
			for i := range readers {
				all.Go(func() {
					r := f.NewReader(nil)
					defer r.Close()
					lo := i * part
					if err := r.SeekTo(int64(lo)); err != nil {
						t.Error(err)
						return
					}
					for at := lo; at < lo+part; {
						w, err := r.ReadManaged(t.Context())
						if err != nil || !bytes.Equal(w.Bytes(), text[at:at+w.Len()]) {
							t.Errorf("reader %d at %d: %v, %v", i, at, w, err)
							w.Release()
							return
						}
						at += w.Len()
						w.Release()
					}
				})
			}
			all.Wait()
			if s := f.Stats(); s.Reads != readers*part/(4<<10) {
				t.Errorf("%+v, want %d reads", s, readers*part/(4<<10))
			}
		})
	}
}

// Sizes that a file has while it is read are the ends that its reads find.
func TestRingReadsAGrowingFile(t *testing.T) {
	for mode, o := range ringModes {
		t.Run(mode, func(t *testing.T) {
			text := random(100_000)
			name := write(t, text[:1000])
			h, err := os.OpenFile(name, os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer h.Close()
			f := ringed(t, newRuntime(t, Limits{}), name, o)
			r := f.NewReader(&Options{WindowBytes: 8 << 10})
			defer r.Close()
			var got []byte
			for _, end := range []int{1000, 1001, 4096, 4097, 30_000, 30_000, 100_000} {
				if _, err := h.WriteAt(text[len(got):end], int64(len(got))); err != nil {
					t.Fatal(err)
				}
				p, err := readAll(t.Context(), r)
				if got = slices.Concat(got, p); err != nil || !bytes.Equal(got, text[:end]) {
					t.Fatalf("%d bytes, %v; want %d", len(got), err, end)
				}
				wantRange(t, f, bytes.NewReader(text[:end]), int64(end)-900, 5000)
			}
		})
	}
}
