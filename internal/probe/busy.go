package probe

import (
	"runtime"
	"runtime/metrics"
)

// Processors is what the processors of the process do: its Ps.
type Processors struct {
	Count    int // GOMAXPROCS
	Running  int // goroutines that run, the caller's among them
	Runnable int // goroutines that are ready to, and wait for a P
}

// ProcessorsNow looks at the processors. A goroutine in a system call does not run.
//
// It is of this moment, and of the process: ask more than once before much depends
// on it. It costs 0.2 µs and an allocation; the runtime's lock of all scheduling
// is held meanwhile. It knows since Go 1.26; before, nothing is runnable.
func ProcessorsNow() Processors {
	s := [...]metrics.Sample{
		{Name: "/sched/goroutines/runnable:goroutines"},
		{Name: "/sched/goroutines/running:goroutines"},
		{Name: "/sched/gomaxprocs:threads"},
	}
	metrics.Read(s[:])
	for i := range s {
		if s[i].Value.Kind() != metrics.KindUint64 {
			return Processors{Count: runtime.GOMAXPROCS(0), Running: 1}
		}
	}
	return Processors{
		Runnable: int(s[0].Value.Uint64()),
		Running:  int(s[1].Value.Uint64()),
		Count:    int(s[2].Value.Uint64()),
	}
}

// Busy reports whether all processors compute and somebody waits for one. Whoever
// becomes ready then waits in line, for up to 10 ms behind each that only computes.
//
// A P whose goroutine is in a system call does not compute: the runtime takes it
// away for whoever is ready. So many readers alone keep nobody busy, and with one
// P the answer is whether anybody else is ready.
func (p Processors) Busy() bool { return p.Running >= p.Count && p.Runnable > 0 }
