package simdevice

import (
	"testing"
	"time"

	"github.com/oriel-go/oriel/source/internal/access"
)

const (
	kib = 1 << 10
	mib = 1 << 20
	gib = 1 << 30
)

func TestServiceTime(t *testing.T) {
	const ms = time.Millisecond
	// 1 MB takes 1 ms to move.
	speed := Speed{Latency: 2 * ms, BytesPerSecond: 1e9}
	for _, x := range []struct {
		name   string
		device Device
		offs   []int64         // requests of 1 MB, all at once
		want   []time.Duration // when they are done
	}{
		{"one", Device{Speed: speed}, []int64{0}, []time.Duration{3 * ms}},
		{"latency is shared, bandwidth is not", Device{Speed: speed},
			[]int64{0, 1e6, 2e6}, []time.Duration{3 * ms, 4 * ms, 5 * ms}},
		{"a queue of one", Device{Speed: speed, Queue: 1},
			[]int64{0, 1e6, 2e6}, []time.Duration{3 * ms, 6 * ms, 9 * ms}},
		{"a queue of two", Device{Speed: speed, Queue: 2},
			[]int64{0, 1e6, 2e6, 3e6}, []time.Duration{3 * ms, 4 * ms, 6 * ms, 7 * ms}},
		{"it turns slow", Device{Speed: speed, TurnOff: 1e6, Turned: Speed{20 * ms, 1e8}},
			[]int64{0, 1e6, 2e6}, []time.Duration{3 * ms, 30 * ms, 40 * ms}},
	} {
		s := service{d: &x.device}
		for i, off := range x.offs {
			if got := s.submit(0, off, 1e6); got != x.want[i] {
				t.Errorf("%s: request %d is done at %v, want %v", x.name, i, got, x.want[i])
			}
		}
	}
}

func TestCacheHolds(t *testing.T) {
	for _, x := range []struct {
		cache  Cache
		off, n int64
		want   bool
	}{
		{Cache{}, 0, 1, false},
		{Cache{Period: 8, Cached: 4}, 0, 4, true},
		{Cache{Period: 8, Cached: 4}, 1, 4, false},
		{Cache{Period: 8, Cached: 4}, 9, 3, true},
		{Cache{Period: 8, Cached: 4}, 4, 1, false},
		{Cache{Period: 8, Cached: 8}, 5, 100, true},
	} {
		if got := x.cache.holds(x.off, x.n); got != x.want {
			t.Errorf("%+v holds %d at %d: %v", x.cache, x.n, x.off, got)
		}
	}
}

func TestLimitIsTheLeast(t *testing.T) {
	// A window takes 1 ms of latency and 1 ms to move.
	v := Speed{Latency: time.Millisecond, BytesPerSecond: 1000 * mib}
	for _, x := range []struct {
		name     string
		queue    int
		max      int64
		consumer int64
		want     float64
	}{
		{"bandwidth", 0, 16 * mib, 0, 1000 * mib},
		{"one in flight", 0, 1 * mib, 0, 500 * mib},
		{"read synchronously", 0, 0, 0, 500 * mib},
		{"queue", 1, 16 * mib, 0, 500 * mib},
		{"consumer", 0, 16 * mib, 100 * mib, 100 * mib},
	} {
		l := access.Limits{WindowBytes: mib, MaxBytes: x.max}
		got := Limit(v, x.queue, Consumer{BytesPerSecond: x.consumer}, l)
		if off := got/x.want - 1; off < -1e-9 || off > 1e-9 {
			t.Errorf("%s: %.0f, want %.0f", x.name, got, x.want)
		}
	}
}

func TestRunCounts(t *testing.T) {
	d := Device{Speed: Speed{Latency: time.Millisecond, BytesPerSecond: 1e9}}
	c := Consumer{Visits: []Visit{{0, 3}, {gib, 1}}}
	var a access.Ahead
	r := Run(d, c, &a, access.Limits{WindowBytes: mib, MaxBytes: 8 * mib})
	if r.Read != 4*mib || r.Fetched != r.Read+r.Wasted || r.Wasted == 0 {
		t.Errorf("read %d, fetched %d, wasted %d", r.Read, r.Fetched, r.Wasted)
	}
	if len(r.Steps) != 4 || r.Steps[3].Off != gib || r.Time != r.Steps[3].At {
		t.Errorf("%+v", r)
	}
}
