package source

import (
	"errors"
	"math"
	"sync"
	"testing"

	"github.com/oriel-go/oriel/internal/probe"
	"github.com/oriel-go/oriel/uringsrc/uringtest"
	"github.com/oriel-go/oriel/window"
)

// crowdOf returns a Runtime with a simulated ring, and a file of which every read
// waits. Nobody looks whether the processors are busy.
func crowdOf(t *testing.T, o Options) (*Runtime, *File, []byte) {
	rt, _ := simulated(t, Limits{LockBytes: -1}, 1, uringtest.Options{})
	rt.crowd.looked.Store(math.MaxInt64)
	o.Runtime = rt
	text := random(2 << 20)
	return rt, waits(openAt(t, write(t, text), &o)), text
}

// Where many wait, one more goes through the ring, until few do.
func TestACrowdGoesThroughTheRing(t *testing.T) {
	rt, f, text := crowdOf(t, Options{})
	var ringed int64
	for i, tt := range []struct {
		waiting int64 // others
		by      string
	}{
		{0, "pread"}, {2, "pread"}, {crowdFrom - 2, "pread"},
		{crowdFrom - 1, "uring"}, {20, "uring"}, {crowdTo, "uring"}, {0, "uring"}, {crowdFrom - 2, "uring"},
	} {
		rt.crowd.waiting.Store(tt.waiting)
		if by := wantAt(t, f, text, int64(i)*100_000, 5000); by != tt.by {
			t.Errorf("%d: where %d others wait a read is by %s, want %s", i, tt.waiting, by, tt.by)
		}
		if tt.by == "uring" {
			ringed++
		}
		if n := rt.crowd.waiting.Load(); n != tt.waiting {
			t.Errorf("%d: %d wait when the read is over, want %d", i, n, tt.waiting)
		}
		if s := f.Stats(); s.Ringed != ringed {
			t.Errorf("%d: %d reads through the ring are counted, want %d", i, s.Ringed, ringed)
		}
	}
	rt.crowd.waiting.Store(0)
}

// Looks at the processors, and at how many wait, end a crowd and begin one.
func TestWhatIsLookedAtMakesACrowd(t *testing.T) {
	idle, ready := probe.Processors{Count: 2, Running: 1}, probe.Processors{Count: 2, Running: 1, Runnable: crowdFrom}
	rt, f, text := crowdOf(t, Options{})
	by := func(want, when string) {
		t.Helper()
		if by := wantAt(t, f, text, 4096, 100); by != want {
			t.Errorf("%s a read is by %s, want %s", when, by, want)
		}
	}
	rt.crowd.observe(crowdSome, idle)
	by("pread", "where some wait and nobody is ready")
	rt.crowd.observe(crowdSome, ready)
	by("uring", "where some wait and many are ready")
	for range smallLooks - 1 {
		rt.crowd.observe(1, idle)
	}
	by("uring", "where few wait for a moment")
	rt.crowd.observe(crowdTo+1, idle)
	rt.crowd.observe(1, idle)
	by("uring", "where few wait for another")
	for range smallLooks - 1 {
		rt.crowd.observe(1, idle)
	}
	by("pread", "where few have waited for long")
}

// Who is parked would wait for processors that all compute.
func TestACrowdBesideBusyProcessors(t *testing.T) {
	rt, f, text := crowdOf(t, Options{})
	rt.crowd.waiting.Store(20)
	defer rt.crowd.waiting.Store(0)
	rt.crowd.looked.Store(math.MaxInt64) // nobody looks
	for _, looks := range []int32{busyLooks, busyLooks - 1, 0, busyLooks + 1} {
		rt.crowd.busy.Store(looks)
		busy, want := looks >= busyLooks, "uring"
		if busy {
			want = "pread"
		}
		if by := wantAt(t, f, text, 4096, 100); by != want {
			t.Errorf("with busy processors (%v) a read is by %s, want %s", busy, by, want)
		}
	}
}

// In every way in which a range can be asked for.
func TestEveryReadOfACrowdGoesThroughTheRing(t *testing.T) {
	rt, f, text := crowdOf(t, Options{})
	rt.crowd.waiting.Store(20)
	defer rt.crowd.waiting.Store(0)
	w, err := tryUntilReady(t, f, 777, 10_000)
	if err != nil || string(w.Bytes()) != string(text[777:10_777]) || w.Info().Source != "uring" {
		t.Errorf("tried: %v by %s, %v", w, w.Info().Source, err)
	}
	w.Release()
	q, err := rt.NewQueue(4)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	if n, err := q.Submit(t.Context(), QueueRead{File: f, Off: 888, Len: 10_000, Tag: 5}); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	res, err := q.Next(t.Context())
	if err != nil || res.Tag != 5 || string(res.Window.Bytes()) != string(text[888:10_888]) || res.Window.Info().Source != "uring" {
		t.Errorf("queued: %+v, %v", res, err)
	}
	res.Window.Release()
	r := f.NewReader(&Options{WindowBytes: 64 << 10})
	defer r.Close()
	for off := range 3 {
		w, err := r.ReadManaged(t.Context())
		if err != nil || w.Off() != int64(off)<<16 || string(w.Bytes()) != string(text[w.Off():][:w.Len()]) || w.Info().Source != "uring" {
			t.Errorf("in order: %v by %s, %v", w, w.Info().Source, err)
		}
		w.Release()
	}
	if s := r.Stats(); s.Ringed != 3 {
		t.Errorf("the Reader counts %+v", s)
	}
}

// What is forced stays as it is, and where there is no ring pread reads on.
func TestACrowdThatMayNotUseTheRing(t *testing.T) {
	rt, f, text := crowdOf(t, Options{Source: Pread})
	rt.crowd.waiting.Store(20)
	if by := wantAt(t, f, text, 4096, 100); by != "pread" {
		t.Errorf("where pread is forced a read is by %s", by)
	}
	rt.crowd.waiting.Store(0)

	rt = newRuntime(t, Limits{InFlight: -1, LockBytes: -1})
	rt.crowd.looked.Store(math.MaxInt64)
	rt.crowd.waiting.Store(20)
	defer rt.crowd.waiting.Store(0)
	f = waits(openAt(t, write(t, text), &Options{Runtime: rt}))
	if by := wantAt(t, f, text, 4096, 100); by != "pread" {
		t.Errorf("where there is no ring a read is by %s", by)
	}
	if _, noRing := f.ways.refusals(); !errors.Is(noRing, window.ErrRefused) {
		t.Errorf("the File remembers %v", noRing)
	}
}

// Every read that waits is counted, and when none does the count is nothing.
func TestACrowdIsCounted(t *testing.T) {
	rt := newRuntime(t, Limits{LockBytes: -1, Threads: 1})
	if _, err := rt.ring(); err != nil { // which nobody knows before it is tried
		t.Skip("no ring here: ", err)
	}
	text := random(2 << 20)
	f := waits(openAt(t, write(t, text), &Options{Runtime: rt}))
	if err := rt.threads.Acquire(t.Context()); err != nil { // so that pread waits
		t.Fatal(err)
	}
	rt.crowd.looked.Store(math.MaxInt64) // nobody looks who is ready: they may all be, at first
	const readers = crowdFrom - 1
	var all sync.WaitGroup
	for i := range int64(readers) {
		all.Go(func() {
			w, err := f.ReadManagedAt(t.Context(), i*4096, 4096)
			if err != nil || string(w.Bytes()) != string(text[i*4096:][:4096]) {
				t.Errorf("reader %d: %v, %v", i, w, err)
			}
			w.Release()
		})
	}
	waitFor(t, "all to wait", func() bool { return rt.crowd.waiting.Load() == readers })
	if by := wantAt(t, f, text, 1<<20, 4096); by != "uring" { // though no thread is to be had
		t.Errorf("one more is read by %s", by)
	}
	rt.threads.Release()
	all.Wait()
	if n := rt.crowd.waiting.Load(); n != 0 {
		t.Errorf("%d wait when all have come", n)
	}
}
