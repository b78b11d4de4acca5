package windowtest

import (
	"context"
	"errors"
	"io"
	"math"
	"runtime"
	"testing"

	"github.com/oriel-go/oriel/window"
)

// readerAtChecks lists what is checked of a window.ReaderAt; what several
// goroutines do with one is in concurrent.go.
func readerAtChecks(s Source) []check {
	const group = "ReaderAt"
	var list []check
	for i, n := range s.sizes() {
		list = append(list, check{group, sized("Content", n), func(t testing.TB) { s.atRanges(t, n, uint64(i)) }})
	}
	for _, n := range []int{0, 1, 4096, 4097, s.size(256<<10 + 1)} {
		if n <= s.MaxBytes {
			list = append(list, check{group, sized("End", n), func(t testing.TB) { s.atEnd(t, n) }})
		}
	}
	return append(list,
		check{group, "Empty", s.atEmpty},
		check{group, "BadRange", s.atBadRange},
		check{group, "HugeLength", s.atHugeLength},
		check{group, "Cancelled", s.atCancelled},
		check{group, "SameRangeTwice", s.atTwice},
		check{group, "Unchanged", s.atUnchanged},
		check{group, "Independent", s.atIndependent},
		check{group, "Close", s.atClose},
		check{group, "Concurrent", s.atConcurrent},
		check{group, "ContextsApart", s.atContextsApart},
		check{group, "CloseWhileReading", s.atCloseWhileReading},
	)
}

// exactly reads the range [off, off+n) of r, which is cut at the end of source.
func exactly(t testing.TB, r window.ReaderAt, source []byte, off, n int) bool {
	t.Helper()
	w, err := at(context.Background(), t, r, int64(off), n)
	if err != nil {
		t.Errorf("reading %d bytes at %d of %d: %v", n, off, len(source), err)
		return false
	}
	defer release(t, w)
	want := source[off:]
	if n < len(want) {
		want = want[:n]
	}
	return sameBytes(t, w.Bytes(), want, int64(off))
}

// atRanges reads n bytes as a whole, around the granularities, up and down,
// and at random.
func (s Source) atRanges(t testing.TB, n int, seed uint64) {
	want := content(n, seed)
	r := s.ReaderAt(t, content(n, seed))
	if n == 0 {
		atNothing(t, r, 0, 1)
		return
	}
	if !exactly(t, r, want, 0, n) {
		return
	}
	for _, g := range []int{1, 512, 4096, 64 << 10, 256 << 10, 1 << 20} {
		for _, off := range []int{0, g - 1, g, g + 1, n - g - 1, n - g, n - 1} {
			for _, length := range []int{1, g - 1, g, g + 1} {
				if off >= 0 && off < n && length > 0 && !exactly(t, r, want, off, length) {
					return
				}
			}
		}
	}
	rnd := random(seed)
	for i := range 64 {
		off := rnd.IntN(n)
		length := 1 + rnd.IntN(min(n-off, 1<<(1+i%20)))
		if !exactly(t, r, want, off, length) {
			return
		}
	}
}

// atNothing reads where there is nothing.
func atNothing(t testing.TB, r window.ReaderAt, off int64, n int) {
	t.Helper()
	w, err := at(context.Background(), t, r, off, n)
	release(t, w)
	if err != io.EOF {
		broke(t, "where there are no bytes the error is io.EOF", "reading %d bytes at %d returned %v, %v", n, off, w, err)
	}
}

// atEnd reads over and past the end of n bytes.
func (s Source) atEnd(t testing.TB, n int) {
	want := content(n, 20)
	r := s.ReaderAt(t, content(n, 20))
	for _, before := range []int{1, 2, 511, 4096, 4097, n} {
		for _, past := range []int{1, 4096, 64 << 10} {
			if before > 0 && before <= n {
				exactly(t, r, want, n-before, before+past)
			}
		}
	}
	end := int64(n)
	for _, off := range []int64{end, end + 1, end + 4096, end + 1<<20, 1 << 32, 1 << 62, math.MaxInt64 - 4096, math.MaxInt64 - 1} {
		atNothing(t, r, off, 1)
		if off <= math.MaxInt64-4096 {
			atNothing(t, r, off, 4096)
		}
	}
}

// atEmpty reads no bytes, anywhere.
func (s Source) atEmpty(t testing.TB) {
	for _, n := range []int{0, s.size(4097)} {
		r := s.ReaderAt(t, content(n, 21))
		for _, off := range []int64{0, int64(n) / 2, int64(n), int64(n) + 1, math.MaxInt64} {
			w, err := at(context.Background(), t, r, off, 0)
			if err != nil {
				broke(t, "n == 0 gives an empty window", "at %d of %d bytes the error is %v", off, n, err)
			}
			if w.Len() != 0 || len(w.Bytes()) != 0 {
				broke(t, "n == 0 gives an empty window", "at %d of %d bytes it is %v", off, n, w)
			}
			release(t, w)
		}
	}
}

// atBadRange asks for what is no range at all.
func (s Source) atBadRange(t testing.TB) {
	n := s.size(4097)
	r := s.ReaderAt(t, content(n, 22))
	type bad struct {
		off int64
		n   int
	}
	list := []bad{
		{-1, 1}, {-1, 0}, {-4096, 8192}, {math.MinInt64, 1}, {math.MinInt64, math.MaxInt},
		{0, -1}, {5, -1}, {0, math.MinInt}, {-1, -1}, {int64(n) + 1, -1},
		{math.MaxInt64, 1}, {math.MaxInt64 - 4095, 4097}, {math.MaxInt64, math.MaxInt},
	}
	for _, b := range list {
		w, err := at(context.Background(), t, r, b.off, b.n)
		release(t, w)
		if !errors.Is(err, window.ErrRange) {
			broke(t, "a negative offset or length, or a sum beyond 1<<63 - 1, is ErrRange", "%d bytes at %d returned %v, %v", b.n, b.off, w, err)
			continue
		}
		if e, ok := errors.AsType[*window.Error](err); ok && (e.Off != b.off || e.Len != int64(b.n)) {
			broke(t, "an *Error names the range that is missing", "%d bytes at %d returned %q", b.n, b.off, err)
		}
	}
	exactly(t, r, content(n, 22), 0, n)
}

// roomBytes is the most that a read of a small source may take.
const roomBytes = 128 << 20

// atHugeLength asks for much more than there is: the source has to find out
// how much there is before it takes memory for it. It begins with a length
// that does no harm to those who don't.
func (s Source) atHugeLength(t testing.TB) {
	n := s.size(4097)
	want := content(n, 23)
	r := s.ReaderAt(t, content(n, 23))
	for _, huge := range []int64{256 << 20, 1 << 40, math.MaxInt} {
		length := int(min(huge, math.MaxInt))
		for _, off := range []int{0, n / 2} {
			if off > 0 && huge > math.MaxInt64-int64(off) {
				continue
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			w, err := at(context.Background(), t, r, int64(off), length)
			runtime.ReadMemStats(&after)
			held := int64(0)
			if s.HeldBytes != nil {
				held = s.HeldBytes()
			}
			if err == nil {
				sameBytes(t, w.Bytes(), want[off:], int64(off))
			} else if err == io.EOF {
				broke(t, "io.EOF only where there are no bytes", "%d bytes at %d of %d", length, off, n)
			}
			release(t, w)
			if took := after.TotalAlloc - before.TotalAlloc; took > roomBytes || held > roomBytes {
				t.Fatalf("rule %q is broken: reading %d bytes at %d of %d allocated %d bytes, with %d held in windows",
					"a length that comes from data takes no memory", length, off, n, took, held)
			}
		}
	}
}

// atCancelled calls with contexts that have ended; served or not, it makes no
// difference to later calls.
func (s Source) atCancelled(t testing.TB) {
	n := s.size(64<<10 + 1)
	want := content(n, 24)
	r := s.ReaderAt(t, content(n, 24))
	over, stop := endedContexts()
	defer stop()
	for range 2 { // the second time around it may be served from memory
		for _, ctx := range over {
			for _, off := range []int{0, n / 2} {
				atOnce(t, "ReadManagedAt", func() {
					w, err := at(ctx, t, r, int64(off), 100)
					isContext(t, ctx, err)
					release(t, w)
					if e, ok := errors.AsType[*window.Error](err); ok && (e.Off != int64(off) || e.Len != 100) {
						broke(t, "an *Error names the range that is missing", "100 bytes at %d returned %q", off, err)
					}
				})
			}
		}
		exactly(t, r, want, 0, n)
		exactly(t, r, want, n/2, 100)
	}
}

// atTwice reads the same range twice; each window has an owner of its own.
func (s Source) atTwice(t testing.TB) {
	n := s.size(64<<10 + 1)
	want := content(n, 25)
	r := s.ReaderAt(t, content(n, 25))
	a, errA := at(context.Background(), t, r, 1, n-1)
	b, errB := at(context.Background(), t, r, 1, n-1)
	if errA != nil || errB != nil {
		t.Fatalf("reading a range twice: %v, %v", errA, errB)
	}
	release(t, a)
	if errB := dead(t, b, nil); errB == nil {
		sameBytes(t, b.Bytes(), want[1:], 1)
		release(t, b)
	}
}

// atUnchanged holds windows while others are read and released.
func (s Source) atUnchanged(t testing.TB) {
	n := s.size(1<<20 + 3)
	want := content(n, 26)
	r := s.ReaderAt(t, content(n, 26))
	rnd := random(26)
	held := make([]kept, s.MaxHeld)
	for range 40 * s.MaxHeld {
		k := &held[rnd.IntN(len(held))]
		if k.want != nil {
			k.unchanged(t, "other windows were read and released")
			release(t, k.w)
			*k = kept{}
			if t.Failed() {
				break
			}
		}
		off := rnd.IntN(n)
		w, err := at(context.Background(), t, r, int64(off), 1+rnd.IntN(min(n, 64<<10)))
		if err != nil {
			t.Errorf("reading at %d of %d: %v", off, n, err)
			break
		}
		*k = keep(t, w, want)
	}
	for _, k := range held {
		if k.want != nil {
			k.unchanged(t, "other windows were read and released")
			release(t, k.w)
		}
	}
}

// atIndependent reads two readers in turn, one of which ends early.
func (s Source) atIndependent(t testing.TB) {
	n := s.size(64<<10 + 1)
	a, b := s.ReaderAt(t, content(n, 27)), s.ReaderAt(t, content(n, 28))
	for i := range 8 {
		off := i * n / 8
		exactly(t, a, content(n, 27), off, n/8)
		exactly(t, b, content(n, 28), off, n/8)
	}
	if c, ok := a.(io.Closer); ok {
		c.Close()
	}
	exactly(t, b, content(n, 28), 0, n)
}

// atClose closes a reader with windows out.
func (s Source) atClose(t testing.TB) {
	n := s.size(64<<10 + 1)
	want := content(n, 29)
	r := s.ReaderAt(t, content(n, 29))
	c, ok := r.(io.Closer)
	if !ok {
		t.Skip("the reader has no Close")
	}
	w, err := at(context.Background(), t, r, 0, n)
	if err != nil {
		t.Fatalf("the first window: %v", err)
	}
	k := keep(t, w, want)
	closed(t, c)
	k.unchanged(t, "Close")
	for range 2 {
		_, err = at(context.Background(), t, r, 0, n)
		isClosed(t, err)
		closed(t, c)
	}
	k.unchanged(t, "a second Close")
	release(t, w)
}
