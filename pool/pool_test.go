package pool

import (
	"context"
	"errors"
	"math"
	"os"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/oriel-go/oriel/window"
)

const kib = 1 << 10

var bg = context.Background()

// newPool returns a pool that must be closed with nothing out at the end.
func newPool(t testing.TB, o *Options) *Pool {
	t.Helper()
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if n := p.Stats().MappedBytes; n != 0 {
			t.Errorf("%d bytes mapped after Close", n)
		}
	})
	return p
}

// plainPool is newPool with the debug mode off, for tests that look at what is
// idle: a quarantine would hold it.
func plainPool(t testing.TB, o *Options) *Pool {
	t.Helper()
	p := newPool(t, o)
	p.SetDebug(Debug{})
	return p
}

func get(t testing.TB, m interface {
	Get(context.Context, int) (*Buffer, error)
}, n int) *Buffer {
	t.Helper()
	b, err := m.Get(bg, n)
	if err != nil {
		t.Fatalf("Get(%d): %v", n, err)
	}
	return b
}

// wantErr checks that err is a *window.Error that wraps target.
func wantErr(t testing.TB, err, target error) {
	t.Helper()
	var we *window.Error
	if !errors.As(err, &we) || !errors.Is(err, target) {
		t.Errorf("error is %v (%T), want a *window.Error that wraps %v", err, err, target)
	}
}

func mustPanic(t testing.TB, what string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		r := recover()
		if s, ok := r.(string); !ok || !strings.HasPrefix(s, "pool: ") {
			t.Errorf("%s: panic is %v, want one of the pool's", what, r)
		}
	}()
	f()
}

func TestClassSize(t *testing.T) {
	page := os.Getpagesize()
	floor := max(4*kib, page)
	for _, c := range []struct{ n, want int }{
		{math.MinInt, 0}, {-1, 0}, {0, 0},
		{1, floor}, {floor, floor}, {floor + 1, 2 * floor},
		{65 * kib, 128 * kib}, {1 << 20, 1 << 20}, {1<<20 + 1, 2 << 20},
		{4 << 20, 4 << 20}, {4<<20 + 1, 4<<20 + page}, {5 << 20, 5 << 20},
		{math.MaxInt, math.MaxInt},
	} {
		if got := ClassSize(c.n); got != c.want {
			t.Errorf("ClassSize(%d) = %d, want %d", c.n, got, c.want)
		}
	}
	for c := range numClasses {
		n := slotsPerSlab(c)
		if n < 1 || n > slabSlots || n > 1 && n*classBytes(c) > slabBytes {
			t.Errorf("class %d has %d slots in a slab", c, n)
		}
	}
}

func TestOptionsOutOfRangeAreReportedTogether(t *testing.T) {
	_, err := New(&Options{BudgetBytes: 100, LowBytes: -1, HighBytes: -2})
	wantErr(t, err, window.ErrOption)
	for _, name := range []string{"BudgetBytes", "LowBytes", "HighBytes"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%q does not name %s", err, name)
		}
	}
	_, err = New(&Options{LowBytes: 2 << 20, HighBytes: 1 << 20})
	wantErr(t, err, window.ErrOption)
	_, err = New(&Options{HighBytes: DefaultBudgetBytes + 1})
	wantErr(t, err, window.ErrOption)
}

func TestDefaults(t *testing.T) {
	st := newPool(t, nil).Stats()
	if st.BudgetBytes != 64<<20 || st.ReserveBytes != 64<<20 || st.LowBytes != 8<<20 || st.HighBytes != 32<<20 {
		t.Errorf("defaults are %+v", st)
	}
	if st := newPool(t, &Options{ReserveBytes: -1}).Stats(); st.ReserveBytes != 0 {
		t.Errorf("a negative reserve became %d", st.ReserveBytes)
	}
}

func TestBufferHasTheLengthAskedForAndNoMore(t *testing.T) {
	p := newPool(t, &Options{BudgetBytes: 256 << 20})
	for _, n := range []int{0, 1, 4095, 4096, 4097, 100 * kib, 1 << 20, 2<<20 - 1, 3 << 20, 4 << 20, 4<<20 + 1, 9 << 20} {
		b := get(t, p, n)
		if len(b.Bytes()) != n || cap(b.Bytes()) != n || b.Size() != ClassSize(n) {
			t.Errorf("Get(%d): len %d, cap %d, size %d", n, len(b.Bytes()), cap(b.Bytes()), b.Size())
		}
		for i := 0; i < n; i += 509 {
			b.Bytes()[i] = 1
		}
		if n >= hugeBytes && address(b.Bytes())%hugeBytes != 0 {
			t.Errorf("Get(%d) is not aligned to a huge page", n)
		}
		if n > 0 && address(b.Bytes())%uintptr(pageBytes) != 0 {
			t.Errorf("Get(%d) is not aligned to a page", n)
		}
		b.Free()
	}
}

func TestAppendDoesNotTouchTheNeighbour(t *testing.T) {
	p := newPool(t, nil)
	a, b := get(t, p, 4096), get(t, p, 4096)
	defer a.Free()
	defer b.Free()
	clear(a.Bytes())
	clear(b.Bytes())
	_ = append(a.Bytes(), 1)
	_ = append(b.Bytes(), 1)
	if a.Bytes()[0]|b.Bytes()[0] != 0 {
		t.Error("append wrote into a neighbour")
	}
}

func TestNegativeLengthIsOutOfRange(t *testing.T) {
	p := newPool(t, nil)
	for _, n := range []int{-1, math.MinInt} {
		_, err := p.Get(bg, n)
		wantErr(t, err, window.ErrRange)
		if b, ok := p.TryGet(n); ok || b != nil {
			t.Errorf("TryGet(%d) succeeded", n)
		}
	}
}

func TestNoBytesCostNothing(t *testing.T) {
	p := newPool(t, &Options{BudgetBytes: 4 * kib, ReserveBytes: -1})
	full := get(t, p, 1)
	b := get(t, p, 0)
	b.Free()
	mustPanic(t, "second Free", b.Free)
	full.Free()
}

func TestSecondFreePanics(t *testing.T) {
	p := newPool(t, nil)
	for _, n := range []int{1, 1 << 20, 5 << 20} {
		b := get(t, p, n)
		b.Free()
		mustPanic(t, "second Free", b.Free)
		mustPanic(t, "Bytes after Free", func() { b.Bytes() })
	}
	if n := p.Stats().InUseBytes; n != 0 {
		t.Errorf("%d bytes in use", n)
	}
}

func TestOneOfManyFreesSucceeds(t *testing.T) {
	p := newPool(t, nil)
	b := get(t, p, 1)
	var freed atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			defer func() { recover() }()
			b.Free()
			freed.Add(1)
		})
	}
	wg.Wait()
	if freed.Load() != 1 {
		t.Errorf("%d of 8 calls of Free succeeded", freed.Load())
	}
}

func TestStaleFreeOfASampledBufferHarmsNobody(t *testing.T) {
	p := newPool(t, nil)
	p.SetDebug(Debug{Level: Stacks, SampleEvery: 1})
	old := get(t, p, 1)
	old.Free()
	b := get(t, p, 1) // the same slot
	mustPanic(t, "stale Free", old.Free)
	clear(b.Bytes())
	b.Free()
}

func TestDescribe(t *testing.T) {
	p := newPool(t, nil)
	b := get(t, p, 5000)
	b.SetSource("pread")
	want := window.Info{Residency: window.Private, Source: "pread", PinnedBytes: int64(ClassSize(5000))}
	w := window.New(b, p, b.Bytes(), 7)
	if got := w.Info(); got != want {
		t.Errorf("Info is %+v, want %+v", got, want)
	}
	w.Release()
	b = get(t, p, 5000)
	if got := b.Describe().Source; got != "" {
		t.Errorf("the next holder's source is %q", got)
	}
	b.Free()
}

func TestWindowsLiveInThePool(t *testing.T) {
	p := newPool(t, nil)
	s := p.NewSession(1 << 20)
	defer s.Close()
	for _, m := range []window.Memory{p, s} {
		b, err := m.Acquire(bg, 10)
		if err != nil || m.Secure() {
			t.Fatal(err, m.Secure())
		}
		copy(b.Bytes(), "0123456789")
		w := window.New(b, m, b.Bytes(), 0)
		part := w.Slice(2, 5)
		small, err := part.Compact(bg, nil)
		part.Release()
		if err != nil || string(small.Bytes()) != "234" {
			t.Fatalf("Compact: %v", err)
		}
		small.Release()
		w.Release()
		if b, err := m.Acquire(bg, -1); b != nil || err == nil {
			t.Errorf("Acquire(-1) = %v, %v", b, err)
		}
	}
	if s.Pool() != p {
		t.Error("Pool is another")
	}
}

func TestGetFreeNoAlloc(t *testing.T) {
	switch {
	case raceEnabled:
		t.Skip("the race detector allocates")
	case debugBuild:
		t.Skip("orieldebug samples every Get, which allocates")
	}
	p := newPool(t, nil)
	s := p.NewSession(1 << 20)
	defer s.Close()
	if n := testing.AllocsPerRun(1000, func() {
		a, b, c := get(t, p, 4096), get(t, s, 256*kib), get(t, p, 1<<20)
		a.Free()
		b.Free()
		c.Free()
	}); n != 0 {
		t.Errorf("%v allocations per run", n)
	}
}

func TestAfterCloseGetFails(t *testing.T) {
	p := newPool(t, nil)
	b := get(t, p, 1)
	b.Free()
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, 5 << 20} {
		_, err := p.Get(bg, n)
		wantErr(t, err, window.ErrClosed)
		if _, ok := p.TryGet(n); ok {
			t.Error("TryGet after Close succeeded")
		}
	}
	p.Trim()
	if err := p.SetBudget(1 << 20); err != nil {
		t.Error(err)
	}
	if err := p.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestCloseWithBuffersOut(t *testing.T) {
	p := newPool(t, nil)
	p.SetDebug(Debug{Level: Stacks, SampleEvery: 1})
	a, b, c := get(t, p, 10), get(t, p, 10), get(t, p, 6<<20)
	err := p.Close()
	var held *HeldError
	if !errors.As(err, &held) || errors.Is(err, window.ErrClosed) {
		t.Fatalf("Close: %v", err)
	}
	wantErr(t, err, held)
	if held.Buffers != 3 || held.Bytes != int64(2*ClassSize(10)+6<<20) {
		t.Errorf("held: %+v", held)
	}
	if !strings.Contains(err.Error(), "TestCloseWithBuffersOut") {
		t.Errorf("%q does not name the holder", err)
	}
	for _, b := range []*Buffer{c, a, b} {
		if p.Stats().MappedBytes == 0 {
			t.Error("unmapped while a buffer is out")
		}
		for i := range b.Bytes() {
			b.Bytes()[i]++ // still valid
		}
		b.Free()
	}
	if st := p.Stats(); st.MappedBytes != 0 || st.InUseBytes != 0 {
		t.Errorf("after the last Free: %+v", st)
	}
}

func TestRefusedMappingIsATypedError(t *testing.T) {
	p := newPool(t, nil)
	refused := errors.New("no address space")
	mapMemory := p.mapMemory
	p.mapMemory = func(int, bool) (region, error) { return region{}, refused }
	for _, n := range []int{1, 1 << 20, 5 << 20} {
		_, err := p.Get(bg, n)
		wantErr(t, err, refused)
		_, err = p.NewSession(1<<20).Get(bg, n)
		wantErr(t, err, refused)
		if _, ok := p.TryGet(n); ok {
			t.Error("TryGet succeeded")
		}
	}
	if st := p.Stats(); st.InUseBytes != 0 || st.MappedBytes != 0 || st.Waiters != 0 {
		t.Errorf("left over: %+v", st)
	}
	p.mapMemory = mapMemory
	get(t, p, 1).Free()
}

func TestTrimGivesEverythingBack(t *testing.T) {
	p := newPool(t, nil)
	var out []*Buffer
	for _, n := range []int{1, 1, 10 * kib, 100 * kib, 1 << 20, 4 << 20} {
		out = append(out, get(t, p, n))
	}
	last := out[0]
	for _, b := range out[1:] {
		b.Free()
	}
	p.Trim()
	st := p.Stats()
	if st.IdleBytes != 0 || st.QuarantinedBytes != 0 || st.InUseBytes != int64(last.Size()) {
		t.Errorf("after Trim: %+v", st)
	}
	last.Free()
	p.Trim()
	if st := p.Stats(); st.MappedBytes != 0 {
		t.Errorf("%d bytes mapped with nothing in use or idle", st.MappedBytes)
	}
}

func TestIdleMemoryIsBoundedByHighBytes(t *testing.T) {
	p := plainPool(t, &Options{BudgetBytes: 32 << 20, HighBytes: 4 << 20, LowBytes: 1 << 20})
	for _, n := range []int{4 * kib, 64 * kib, 1 << 20} {
		var out []*Buffer
		for range 16 << 20 / n {
			out = append(out, get(t, p, n))
		}
		for _, b := range out {
			b.Free()
			if st := p.Stats(); st.IdleBytes > st.HighBytes {
				t.Fatalf("%d bytes idle, high is %d", st.IdleBytes, st.HighBytes)
			}
		}
		if st := p.Stats(); st.IdleBytes == 0 {
			t.Error("nothing is kept")
		}
	}
}

func TestOneClassUsesWhatAnotherLeft(t *testing.T) {
	p := plainPool(t, &Options{BudgetBytes: 1 << 20, HighBytes: 1 << 20, ReserveBytes: -1})
	for _, n := range []int{4 * kib, 1 << 20, 16 * kib, 256 * kib, 4 * kib} {
		var out []*Buffer
		for range 1 << 20 / n {
			b, ok := p.TryGet(n)
			if !ok {
				t.Fatalf("%d bytes: only %d of %d to be had: %+v", n, len(out), 1<<20/n, p.Stats())
			}
			out = append(out, b)
		}
		if _, ok := p.TryGet(n); ok {
			t.Error("more than the budget to be had")
		}
		for _, b := range out {
			b.Free()
		}
	}
}

func TestLoweredBudget(t *testing.T) {
	p := plainPool(t, &Options{BudgetBytes: 8 << 20})
	var out []*Buffer
	for range 8 {
		out = append(out, get(t, p, 1<<20))
	}
	if err := p.SetBudget(2 << 20); err != nil {
		t.Fatal(err)
	}
	for i, b := range out {
		st := p.Stats()
		if st.InUseBytes != int64(8-i)<<20 || st.InUseBytes > st.BudgetBytes && st.IdleBytes != 0 {
			t.Errorf("after %d frees: %+v", i, st)
		}
		if b, ok := p.TryGet(1 << 20); ok != (i == 7) {
			t.Error("memory beyond the budget was handed out, or none within it")
		} else if ok {
			b.Free()
		}
		b.Free()
	}
	if st := p.Stats(); st.IdleBytes > st.HighBytes || st.HighBytes != 1<<20 || st.ReserveBytes != 2<<20 {
		t.Errorf("at the end: %+v", st)
	}
	wantErr(t, p.SetBudget(4095), window.ErrOption)
}

func TestNeighboursDoNotShareACacheLine(t *testing.T) {
	typ := reflect.TypeFor[Buffer]()
	if typ.Size()%64 != 0 && math.MaxInt == math.MaxInt64 {
		t.Errorf("a Buffer is %d bytes", typ.Size())
	}
	if f, ok := typ.FieldByName("source"); !ok || f.Offset > 64 {
		t.Errorf("what a hand-out writes reaches to byte %d", f.Offset)
	}
}
