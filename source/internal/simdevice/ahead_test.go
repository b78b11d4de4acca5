package simdevice

import (
	"fmt"
	"testing"
	"time"

	"github.com/oriel-go/oriel/source/internal/access"
)

const maxBytes = 64 * mib

// depths says how deep the Ahead was at each step, for a test that fails.
func depths(r *Report, window int64) string {
	s := ""
	for i, x := range r.Steps {
		if i == 200 {
			return s + "…"
		}
		s += fmt.Sprintf("%c%d ", "HWAN"[x.Event], x.Depth/window)
	}
	return s
}

type cell struct {
	v      Speed
	window int64
}

func (c cell) String() string {
	return fmt.Sprintf("%v, %d MB/s, windows of %d KiB", c.v.Latency, c.v.BytesPerSecond/1e6, c.window/kib)
}

// cells are devices whose bandwidth times latency is at most most windows.
func cells(most float64) []cell {
	var list []cell
	for _, latency := range []time.Duration{20, 60, 100, 200, 500, 1000, 2000} { // µs
		for _, mb := range []int64{200, 500, 1000, 2000, 3500, 8000} {
			for _, window := range []int64{64 * kib, 128 * kib, 256 * kib, 512 * kib, mib, 2 * mib} {
				v := Speed{Latency: latency * time.Microsecond, BytesPerSecond: mb * 1e6}
				if v.Latency.Seconds()*float64(v.BytesPerSecond) <= most*float64(window) {
					list = append(list, cell{v, window})
				}
			}
		}
	}
	return list
}

// What the issue asks for: 95 % of the limit within 16 windows.
func TestReachesTheLimitWithinSixteenWindows(t *testing.T) {
	const within, then = 16, 48
	list := cells(4)
	if len(list) < 100 {
		t.Fatalf("only %d devices", len(list))
	}
	least := 1.0
	for _, queue := range []int{0, 4, 32} {
		for _, share := range []float64{0, 0.1, 0.5, 0.9, 1, 1.1, 3} { // of the bandwidth
			for _, x := range list {
				c := Consumer{
					BytesPerSecond: int64(share * float64(x.v.BytesPerSecond)),
					Visits:         []Visit{{0, then + 1}},
				}
				l := access.Limits{WindowBytes: x.window, MaxBytes: maxBytes}
				var a access.Ahead
				r := Run(Device{Speed: x.v, Queue: queue}, c, &a, l)
				limit := Limit(x.v, queue, c, l)
				got := r.Rate(within, then)
				least = min(least, got/limit)
				if got < 0.95*limit {
					t.Errorf("%v, queue %d, consumer %.1f: %.0f MB/s of %.0f\n%s",
						x, queue, share, got/1e6, limit/1e6, depths(&r, x.window))
				}
				checkWaste(t, x, &r)
			}
		}
	}
	t.Logf("%d devices, at least %.3f of the limit", len(list), least)
}

// checkWaste fails if more than a quarter of what was fetched was thrown away,
// beside a window: the one that a session may waste before anything is known of it.
func checkWaste(t *testing.T, x cell, r *Report) {
	t.Helper()
	visits := 1
	for i, s := range r.Steps[1:] {
		if s.Off != r.Steps[i].Off+x.window {
			visits++
		}
	}
	over := r.Wasted
	if visits > 1 {
		over -= x.window
	}
	if r.Wasted > x.window && 4*over > r.Fetched {
		t.Errorf("%v: wasted %d of %d windows\n%s", x,
			r.Wasted/x.window, r.Fetched/x.window, depths(r, x.window))
	}
}

func TestLimitLikeConsumersWasteAQuarterAtMost(t *testing.T) {
	for _, x := range cells(1000) {
		for _, windows := range []int{1, 2, 3, 4, 5, 6, 7, 10, 15, 20, 50, 100} {
			for _, share := range []float64{0, 0.5, 1} {
				c := Consumer{
					BytesPerSecond: int64(share * float64(x.v.BytesPerSecond)),
					Visits:         []Visit{{0, windows}},
				}
				var a access.Ahead
				r := Run(Device{Speed: x.v}, c, &a,
					access.Limits{WindowBytes: x.window, MaxBytes: maxBytes})
				checkWaste(t, x, &r)
			}
		}
	}
}

// visits are n of so many windows each, far from each other and in no order.
func visits(n, windows int, window int64) []Visit {
	list := make([]Visit, n)
	for i := range list {
		const prime, places = 7919, 10007 // so that no two are near or repeat a distance
		place := int64(i) * int64(i) * prime % places
		list[i] = Visit{place * 1000 * window, windows}
	}
	return list
}

func TestVisitsWasteAQuarterAtMost(t *testing.T) {
	for _, x := range cells(1000) {
		for _, windows := range []int{1, 2, 3, 4, 7, 20, 60} {
			var a access.Ahead
			r := Run(Device{Speed: x.v}, Consumer{Visits: visits(30, windows, x.window)}, &a,
				access.Limits{WindowBytes: x.window, MaxBytes: maxBytes})
			checkWaste(t, x, &r)
			if r.Recent > 0.25 {
				t.Errorf("%v: %.0f %% of what was fetched last was wasted\n%s", x,
					100*r.Recent, depths(&r, x.window))
			}
		}
	}
}

// After a habit of long runs, short ones must not waste what the long ones earned.
func TestHabitsChange(t *testing.T) {
	for _, x := range cells(8) {
		for _, windows := range []int{1, 2, 3, 10} {
			list := append([]Visit{{0, 300}}, visits(40, windows, x.window)[1:]...)
			var a access.Ahead
			r := Run(Device{Speed: x.v}, Consumer{Visits: list}, &a,
				access.Limits{WindowBytes: x.window, MaxBytes: maxBytes})
			checkWaste(t, x, &r)
			if windows > 2 {
				continue // found to be random
			}
			for _, s := range r.Steps[320:] {
				if s.Depth > x.window {
					t.Fatalf("%v, %d: depth %d\n%s", x, windows, s.Depth, depths(&r, x.window))
				}
			}
		}
	}
}

func TestReadTwoSkipTwoEndsAtTheInitialSize(t *testing.T) {
	for _, x := range cells(1000) {
		var list []Visit
		for i := range int64(100) {
			list = append(list, Visit{i * 4 * x.window, 2})
		}
		var a access.Ahead
		r := Run(Device{Speed: x.v}, Consumer{Visits: list}, &a,
			access.Limits{WindowBytes: x.window, MaxBytes: maxBytes})
		checkWaste(t, x, &r)
		for _, s := range r.Steps {
			if s.Depth > x.window {
				t.Fatalf("%v: depth %d\n%s", x, s.Depth, depths(&r, x.window))
			}
		}
	}
}

func TestFullSpeedAtOnceWithAGoodHistory(t *testing.T) {
	const run = 200
	for _, x := range cells(4) {
		var a access.Ahead
		list := []Visit{{0, run}, {1 << 40, run}}
		l := access.Limits{WindowBytes: x.window, MaxBytes: 8 * x.window}
		r := Run(Device{Speed: x.v}, Consumer{Visits: list}, &a, l)
		limit := Limit(x.v, 0, Consumer{}, l)
		// The second window is asked for when the first has come.
		if got := r.Rate(run+1, run+16); got < 0.95*limit {
			t.Errorf("%v: %.0f MB/s of %.0f after the jump\n%s", x, got/1e6, limit/1e6,
				depths(&r, x.window))
		}
		for _, s := range r.Steps[run:] {
			if s.Depth != l.MaxBytes {
				t.Fatalf("%v: depth %d after the jump", x, s.Depth)
			}
		}
		checkWaste(t, x, &r)
	}
}

func TestRecoversWhenTheSpeedChanges(t *testing.T) {
	const turn, within, then = 200, 32, 100
	slower := func(v Speed) Speed { return Speed{10 * v.Latency, v.BytesPerSecond / 10} }
	for _, x := range cells(4) {
		farther := Speed{10 * x.v.Latency, x.v.BytesPerSecond}
		for _, y := range []struct {
			name     string
			from, to Speed
		}{
			{"slower", x.v, slower(x.v)},
			{"faster", slower(x.v), x.v},
			{"less bandwidth", x.v, Speed{x.v.Latency, x.v.BytesPerSecond / 10}},
			{"more bandwidth", Speed{x.v.Latency, x.v.BytesPerSecond / 10}, x.v},
			{"farther", x.v, farther},
			{"nearer", farther, x.v},
		} {
			for _, share := range []float64{0, 0.5} { // of the slower bandwidth
				c := Consumer{
					BytesPerSecond: int64(share * float64(min(y.from.BytesPerSecond, y.to.BytesPerSecond))),
					Visits:         []Visit{{0, turn + then + 1}},
				}
				d := Device{Speed: y.from, TurnOff: turn * x.window, Turned: y.to}
				l := access.Limits{WindowBytes: x.window, MaxBytes: 128 * x.window}
				var a access.Ahead
				r := Run(d, c, &a, l)
				limit := Limit(y.to, 0, c, l)
				if got := r.Rate(turn+within, turn+then); got < 0.95*limit {
					t.Errorf("%s than %v, consumer %.1f: %.0f MB/s of %.0f\n%s", y.name, x, share,
						got/1e6, limit/1e6, depths(&r, x.window))
				}
				checkWaste(t, x, &r)
			}
		}
	}
}

// A consumer that does not wait gets no more than it needs.
func TestDepthGrowsOnlyForThoseWhoWait(t *testing.T) {
	for _, x := range cells(1) {
		// Slower than one window at a time comes.
		turn := x.v.Latency + transfer(x.window, x.v.BytesPerSecond)
		c := Consumer{
			BytesPerSecond: int64(0.9 * float64(x.window) / turn.Seconds()),
			Visits:         []Visit{{0, 500}},
		}
		var a access.Ahead
		r := Run(Device{Speed: x.v}, c, &a, access.Limits{WindowBytes: x.window, MaxBytes: maxBytes})
		for i, s := range r.Steps {
			if s.Depth != x.window || i > 0 && s.Event != access.Arrived {
				t.Fatalf("%v: step %d: depth %d\n%s", x, i, s.Depth, depths(&r, x.window))
			}
		}
	}
}

func TestDepthDecaysWhenTheConsumerSlowsDown(t *testing.T) {
	const window = mib
	d := Device{Speed: Speed{Latency: 2 * time.Millisecond, BytesPerSecond: 1e9}}
	var a access.Ahead
	l := access.Limits{WindowBytes: window, MaxBytes: 16 * window}
	fast := Run(d, Consumer{Visits: []Visit{{0, 100}}}, &a, l)
	if got := fast.Steps[99].Depth; got != 16*window {
		t.Fatalf("depth %d for one who always waits", got)
	}
	slow := Run(d, Consumer{BytesPerSecond: 1e8, Visits: []Visit{{100 * window, 1000}}}, &a, l)
	last := slow.Steps[999].Depth
	if last > 2*window {
		t.Errorf("depth %d for one who needs one window\n%s", last, depths(&slow, window))
	}
	for i := 1; i < 1000; i++ {
		was, is := slow.Steps[i-1].Depth, slow.Steps[i].Depth
		if slow.Steps[i].Event == access.Arrived && was-is > window {
			t.Errorf("step %d: from %d to %d", i, was, is)
		}
	}
}

func TestCachedIsReadSynchronously(t *testing.T) {
	const window = 256 * kib
	d := Device{
		Speed: Speed{Latency: time.Millisecond, BytesPerSecond: 1e9},
		Cache: Cache{Period: gib, Cached: gib, BytesPerSecond: 1e10},
	}
	var a access.Ahead
	r := Run(d, Consumer{Visits: []Visit{{0, 1000}}}, &a,
		access.Limits{WindowBytes: window, MaxBytes: maxBytes})
	if r.Fetched != 0 || r.Waits != 0 {
		t.Errorf("fetched %d, waited %d times", r.Fetched, r.Waits)
	}
	for i, s := range r.Steps {
		if s.Depth != 0 {
			t.Fatalf("step %d: depth %d", i, s.Depth)
		}
	}
}

// A file that is cached here and there: the cold parts are read at the device's
// speed, but for their first windows, and nothing is wasted.
func TestHalfCached(t *testing.T) {
	const window, part = 256 * kib, 64
	v := Speed{Latency: 500 * time.Microsecond, BytesPerSecond: 2e9}
	d := Device{Speed: v, Cache: Cache{Period: 2 * part * window, Cached: part * window}}
	var a access.Ahead
	l := access.Limits{WindowBytes: window, MaxBytes: maxBytes}
	r := Run(d, Consumer{Visits: []Visit{{0, 20 * part}}}, &a, l)
	if r.Fetched != 10*part*window || r.Wasted != 0 {
		t.Errorf("fetched %d windows, wasted %d", r.Fetched/window, r.Wasted)
	}
	for i, s := range r.Steps {
		if hit := i%(2*part) < part; hit != (s.Event == access.Hit) || hit && s.Depth != 0 {
			t.Fatalf("step %d: event %d, depth %d", i, s.Event, s.Depth)
		}
	}
	const first = 19 * part
	if got, limit := r.Rate(first+16, first+part-1), Limit(v, 0, Consumer{}, l); got < 0.95*limit {
		t.Errorf("%.0f MB/s of %.0f\n%s", got/1e6, limit/1e6, depths(&r, window))
	}
}
