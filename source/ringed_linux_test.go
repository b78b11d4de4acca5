package source

import (
	"errors"
	"runtime"
	"testing"

	"github.com/oriel-go/oriel/uringsrc"
	"github.com/oriel-go/oriel/uringsrc/uringtest"
	"github.com/oriel-go/oriel/window"
	"github.com/oriel-go/oriel/window/windowtest"
)

// ringing skips a test where there is no ring, or the test's folder cannot be
// read as the options say.
func ringing(t testing.TB, o *Options) {
	t.Helper()
	f, err := Open(t.Context(), write(t, random(100)), o)
	if errors.Is(err, window.ErrRefused) {
		t.Skip("no ring here: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}

// ringed opens what write made to be read through the ring, as far as o says
// otherwise; every read waits, so that pread has none of them.
func ringed(t testing.TB, rt *Runtime, name string, o Options) *File {
	t.Helper()
	o.Runtime, o.Source = rt, Uring
	ringing(t, &o)
	return waits(openAt(t, name, &o))
}

// waits has every read of f wait, so that it goes through the ring.
func waits(f *File) *File { f.pread.nowait.Store(false); return f }

// ringModes are the ways in which files are read through the ring.
var ringModes = map[string]Options{
	"buffered": {Direct: DirectNever},
	"once":     {Direct: DirectNever, Pattern: Once},
	"direct":   {Direct: DirectAlways},
}

// tryUntilReady tries until a range is there. Trying moves the clock of a
// simulation on.
func tryUntilReady(t testing.TB, f *File, off int64, n int) (window.Window, error) {
	t.Helper()
	for range 10_000_000 {
		if w, err := f.TryReadManagedAt(t.Context(), off, n); !errors.Is(err, window.ErrNotReady) {
			return w, err
		}
		runtime.Gosched()
	}
	t.Fatalf("waited in vain for %d bytes at %d", n, off)
	return window.Window{}, nil
}

// simulated returns a Runtime with a ring that is simulated. Its files are real
// unless the options say otherwise.
func simulated(t testing.TB, l Limits, seed uint64, o uringtest.Options) (*Runtime, *uringtest.Simulation) {
	t.Helper()
	if o.Content == nil {
		o.Content = uringtest.Pread
	}
	e, sim, err := uringtest.New(seed, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // after the Runtime's end
		if err := sim.Check(); err != nil {
			t.Error(err)
		}
	})
	rt := newRuntime(t, l)
	rt.engine = e
	return rt, sim
}

// engineOf are the options of an engine that has so many reads in flight.
func engineOf(inFlight int) uringsrc.Options { return uringsrc.Options{InFlight: inFlight} }

func TestUringConforms(t *testing.T) {
	for name, o := range map[string]Options{
		"buffered":      {Direct: DirectNever},
		"once":          {Direct: DirectNever, Pattern: Once},
		"direct":        {Direct: DirectAlways},
		"direct, small": {Direct: DirectAlways, WindowBytes: 4 << 10},
		"auto":          {Pattern: Once},
		"small":         {WindowBytes: 4 << 10},
	} {
		for what, limits := range map[string]Limits{
			"as it comes":   {},
			"one in flight": {InFlight: 1},
			"little memory": {MemoryBytes: 4 << 20},
		} {
			if raceEnabled && name != "direct" && what != "as it comes" {
				continue // the suite is slow then
			}
			t.Run(name+"/"+what, func(t *testing.T) {
				t.Parallel()
				conform(t, newRuntime(t, limits), o)
			})
		}
	}
}

// A ring that is late, short of bytes and interrupted serves as well.
func TestUringConformsWithFaults(t *testing.T) {
	seeds := uint64(12)
	if raceEnabled {
		seeds = 3
	}
	for seed := range seeds {
		name := []string{"buffered", "direct", "once"}[seed%3]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rt, _ := simulated(t, Limits{}, seed, uringtest.Options{
				Kernel: uringtest.Kernel(seed / 3 % 3),
				Seats:  int(seed % 4),
				Faults: uringtest.Random(seed),
			})
			conform(t, rt, ringModes[name])
		})
	}
}

func conform(t *testing.T, rt *Runtime, o Options) {
	o.Runtime, o.Source = rt, Uring
	ringing(t, &o)
	windowtest.Run(t, windowtest.Source{
		Reader: func(t testing.TB, p []byte) window.Reader {
			r := waits(openAt(t, write(t, p), &o)).NewReader(nil)
			t.Cleanup(func() { r.Close() })
			return cancellable{r}
		},
		ReaderAt:  func(t testing.TB, p []byte) window.ReaderAt { return waits(openAt(t, write(t, p), &o)) },
		HeldBytes: func() int64 { return rt.Memory().Stats().InUseBytes },
	})
}
