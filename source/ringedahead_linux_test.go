package source

import (
	"bytes"
	"errors"
	"io"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/internal/probe"
	"github.com/oriel-go/oriel/uringsrc/uringtest"
	"github.com/oriel-go/oriel/window"
)

// slow has every read complete up to 20 ms after it was begun, by the clock of
// the simulation.
var slow = uringtest.Faults{Late: 1000, Latest: 20 * time.Millisecond}

// isDirect reports whether a descriptor reads past the page cache.
func isDirect(fd int) bool {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	return err == nil && flags&unix.O_DIRECT != 0
}

// ahead reads r to its end, compares, and returns the most windows that were
// pending after a read.
func ahead(t *testing.T, r *Reader, text []byte) (most int) {
	t.Helper()
	for {
		w, err := r.ReadManaged(t.Context())
		if err == io.EOF {
			return most
		}
		if err != nil || !bytes.Equal(w.Bytes(), text[w.Off():][:w.Len()]) {
			t.Fatalf("%v, %v", w, err)
		}
		w.Release()
		most = max(most, r.pending.n)
	}
}

// Of what is declared to be read once, past the page cache, the second window is
// fetched beside the first: nobody else reads ahead of it.
func TestTheWindowBehindTheFirstIsFetchedBesideIt(t *testing.T) {
	text := random(3 * leastDirect)
	for p, want := range map[Pattern]int{Detect: 1, Sequential: 1, Once: 2} {
		rt, _ := simulated(t, Limits{}, 1, uringtest.Options{Faults: slow})
		f := ringed(t, rt, write(t, text), Options{Direct: DirectAlways, Pattern: p})
		r := f.NewReader(nil)
		if _, err := r.TryReadManaged(t.Context()); !errors.Is(err, window.ErrNotReady) || r.pending.n != want {
			t.Errorf("%v: %d windows are under way, want %d; %v", p, r.pending.n, want, err)
		}
		wantBytes(t, r, text)
		if err := r.SeekTo(int64(len(text)) - 10); err != nil {
			t.Fatal(err)
		}
		wantBytes(t, r, text[len(text)-10:]) // and none behind the last
		r.Close()
		if s := r.Stats(); s.WastedBytes != 0 {
			t.Errorf("%v: %+v", p, s)
		}
	}
}

func TestRingReadAheadGrowsToItsLimit(t *testing.T) {
	for windowBytes, limit := range map[int]int{
		4 << 10:  maxPending,
		64 << 10: maxPending,
		1 << 20:  8,
		4 << 20:  2,
	} {
		rt, _ := simulated(t, Limits{}, 1, uringtest.Options{Faults: slow, Engine: engineOf(256)})
		text := random(max(12*windowBytes, 40<<20)) // a third of what was read may be ahead
		f := ringed(t, rt, write(t, text), Options{Direct: DirectNever, WindowBytes: windowBytes})
		r := f.NewReader(nil)
		most := ahead(t, r, text)
		r.Close()
		if s := r.Stats(); most != limit || s.WastedBytes != 0 || s.AheadBytes == 0 || s.Waits == 0 {
			t.Errorf("windows of %d: at most %d ahead, want %d; %+v", windowBytes, most, limit, s)
		}
	}
}

// A consumer that never waits has one window read ahead, and no more.
func TestRingReadAheadStaysShortForWhoDoesNotWait(t *testing.T) {
	rt, _ := simulated(t, Limits{}, 1, uringtest.Options{}) // every read completes as it is submitted
	text := random(4 << 20)
	f := ringed(t, rt, write(t, text), Options{Direct: DirectNever, WindowBytes: 64 << 10})
	r := f.NewReader(nil)
	defer r.Close()
	if most := ahead(t, r, text); most > 1 || r.Stats().Waits != 0 {
		t.Errorf("at most %d ahead; %+v", most, r.Stats())
	}
}

func TestRingReadsNothingAheadOfRandom(t *testing.T) {
	rt, _ := simulated(t, Limits{}, 1, uringtest.Options{Faults: slow})
	text := random(1 << 20)
	f := ringed(t, rt, write(t, text), Options{Direct: DirectNever, WindowBytes: 64 << 10, Pattern: Random})
	r := f.NewReader(nil)
	defer r.Close()
	if most := ahead(t, r, text); most != 0 || r.Stats().AheadBytes != 0 || r.Stats().Waits == 0 {
		t.Errorf("at most %d ahead; %+v", most, r.Stats())
	}
}

// Who takes a few windows and closes has as many read in vain as the distance had
// grown to, and they are counted.
func TestRingCountsWhatWasReadInVain(t *testing.T) {
	const windowBytes = 64 << 10
	for taken, atMost := range map[int]int64{0: 0, 1: 2, 2: 4, 3: 8} {
		rt, _ := simulated(t, Limits{}, 1, uringtest.Options{Faults: slow, Engine: engineOf(256)})
		f := ringed(t, rt, write(t, random(10<<20)), Options{Direct: DirectNever, WindowBytes: windowBytes})
		r := f.NewReader(nil)
		for range taken {
			w, err := r.ReadManaged(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			w.Release()
		}
		r.Close()
		s := r.Stats()
		unused := s.AheadBytes - int64(max(taken-1, 0))*windowBytes
		if s.WastedBytes != unused || s.WastedBytes > atMost*windowBytes || f.Stats().WastedBytes != s.WastedBytes {
			t.Errorf("%d windows taken: %+v, want %d wasted, and at most %d", taken, s, unused, atMost*windowBytes)
		}
	}
}

func TestRingSeekToDropsWhatIsAhead(t *testing.T) {
	rt, sim := simulated(t, Limits{}, 1, uringtest.Options{Faults: slow, Engine: engineOf(256)})
	text := random(10 << 20)
	f := ringed(t, rt, write(t, text), Options{Direct: DirectNever, WindowBytes: 64 << 10})
	r := f.NewReader(nil)
	defer r.Close()
	wasted := int64(0)
	for _, off := range []int64{5 << 20, 1, 9<<20 + 77, 0} {
		for range 5 {
			w, err := r.ReadManaged(t.Context())
			if err != nil || !bytes.Equal(w.Bytes(), text[w.Off():][:w.Len()]) {
				t.Fatalf("%v, %v", w, err)
			}
			w.Release()
		}
		if r.pending.n == 0 {
			t.Error("nothing is ahead")
		}
		begun := sim.Counts().Submitted
		if err := r.SeekTo(r.pos); err != nil || r.pending.n == 0 || sim.Counts().Submitted != begun {
			t.Errorf("a seek to where the Reader is: %v, and %d are pending", err, r.pending.n)
		}
		if err := r.SeekTo(off); err != nil || r.pending.n != 0 || r.Stats().WastedBytes <= wasted {
			t.Errorf("a seek to %d: %v, %d are pending; %+v", off, err, r.pending.n, r.Stats())
		}
		wasted = r.Stats().WastedBytes
		w, err := r.ReadManaged(t.Context())
		if err != nil || w.Off() != off {
			t.Fatalf("behind a seek to %d: %v, %v", off, w, err)
		}
		w.Release()
	}
}

// Reading ahead takes no more memory than there is, and waits for none.
func TestRingReadsAheadAsFarAsThereIsMemory(t *testing.T) {
	const windowBytes = 64 << 10
	rt, _ := simulated(t, Limits{MemoryBytes: 4 * windowBytes, ReserveBytes: -1}, 1, uringtest.Options{Faults: slow})
	text := random(2 << 20)
	f := ringed(t, rt, write(t, text), Options{Direct: DirectNever, WindowBytes: windowBytes})
	r := f.NewReader(nil)
	defer r.Close()
	if most := ahead(t, r, text); most < 2 || most > 3 {
		t.Errorf("at most %d windows ahead where there is memory for 4", most)
	}
}

// cold has the page cache forget a file that write made, or skips.
func cold(t testing.TB, name string) {
	t.Helper()
	h, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if err := errors.Join(h.Sync(), unix.Fadvise(int(h.Fd()), 0, 0, unix.FADV_DONTNEED)); err != nil {
		t.Skip("the page cache cannot be emptied here: ", err)
	}
	if pages, _, err := probe.Cached(int(h.Fd()), 0, 1<<30); pages > 0 || err != nil {
		t.Skip("what is written stays in the page cache here, or it cannot be told")
	}
}

// Left the choice, what is read once in large windows goes past the page cache
// while nothing of it is cached.
func TestRingReadsPastTheCacheWherePays(t *testing.T) {
	var direct, buffered atomic.Int64
	rt, _ := simulated(t, Limits{}, 1, uringtest.Options{Content: func(fd int, p []byte, off int64) (int, error) {
		if isDirect(fd) {
			direct.Add(1)
		} else {
			buffered.Add(1)
		}
		return uringtest.Pread(fd, p, off)
	}})
	text := random(4 << 20)
	name := write(t, text)
	ringing(t, &Options{Source: Uring, Direct: DirectAlways, Runtime: rt})
	for _, tt := range []struct {
		what             string
		o                Options
		cold             bool
		direct, buffered bool
	}{
		{"cold, once", Options{Pattern: Once}, true, true, false},
		{"cached, once", Options{Pattern: Once}, false, false, true},
		{"cold, once, small windows", Options{Pattern: Once, WindowBytes: 128 << 10}, true, false, true},
		{"cold, sequential", Options{Pattern: Sequential}, true, false, true},
		{"cold, once, never", Options{Pattern: Once, Direct: DirectNever}, true, false, true},
		{"cached, always", Options{Direct: DirectAlways}, false, true, false},
	} {
		if tt.cold {
			cold(t, name)
		} else if _, err := os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
		direct.Store(0)
		buffered.Store(0)
		f := ringed(t, rt, name, tt.o)
		r := f.NewReader(nil)
		wantBytes(t, r, text)
		if d, b := direct.Load() > 0, buffered.Load() > 0; d != tt.direct || b != tt.buffered {
			t.Errorf("%s: past the page cache %v, through it %v; want %v, %v", tt.what, d, b, tt.direct, tt.buffered)
		}
		r.Close()
		f.Close()
	}
}

// A read of a range that is partly resident fetches what is missing.
func TestRingFetchesWhatIsMissing(t *testing.T) {
	rt := newRuntime(t, Limits{})
	text := random(8 << 20)
	name := write(t, text)
	cold(t, name)
	o := Options{Runtime: rt, Source: Uring, Direct: DirectNever, Pattern: Random}
	ringing(t, &o)
	f := openAt(t, name, &o)
	if !f.Explain().NeverWaits {
		t.Skip("this file system cannot tell what is resident")
	}
	for _, n := range []int{4096, 300_000, 2 << 20, 4 << 20} { // each begins with what the last has left in the cache
		w, err := f.ReadManagedAt(t.Context(), 0, n)
		if err != nil || !bytes.Equal(w.Bytes(), text[:n]) {
			t.Fatalf("%v, %v", w, err)
		}
		w.Release()
	}
	if s := f.Stats(); s.Ringed == 0 || s.Waits == 0 {
		t.Errorf("nothing came through the ring: %+v", s)
	}
	w, err := tryUntilReady(t, f, 5<<20, 1<<20)
	if err != nil || !bytes.Equal(w.Bytes(), text[5<<20:6<<20]) {
		t.Errorf("a fetch that was begun: %v, %v", w, err)
	}
	w.Release()
}
