package probe

import "runtime/metrics"

// Busy reports whether all processors of the process compute and somebody waits
// for one: every P runs a goroutine, the caller's among them, and another is
// ready. Whoever becomes ready then waits in line, for up to 10 ms behind each
// that only computes.
//
// A P whose goroutine is in a system call does not compute: the runtime takes it
// away for whoever is ready. So many readers alone keep nobody busy, and with one
// P the answer is whether anybody else is ready.
//
// It is of this moment, and of the process: ask more than once before much depends
// on it. It costs 0.2 µs and an allocation; the runtime's lock of all scheduling
// is held meanwhile. It knows since Go 1.26.
func Busy() bool {
	s := [...]metrics.Sample{
		{Name: "/sched/goroutines/runnable:goroutines"},
		{Name: "/sched/goroutines/running:goroutines"},
		{Name: "/sched/gomaxprocs:threads"},
	}
	metrics.Read(s[:])
	for i := range s {
		if s[i].Value.Kind() != metrics.KindUint64 {
			return false
		}
	}
	runnable, running, procs := s[0].Value.Uint64(), s[1].Value.Uint64(), s[2].Value.Uint64()
	return running >= procs && runnable > 0
}
