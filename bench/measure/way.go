package measure

import (
	"fmt"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/bench/child"
)

// A Way is one way of doing the work of an experiment. Exactly one of Run and
// Process is set.
type Way struct {
	Name string

	// Amount is how much of the experiment's unit one run does: bytes or calls.
	Amount float64

	// Source is what has to serve all Bytes of a run, or of each unit where a
	// run says how many it did; "" for what is not Oriel's, and Chosen where
	// Oriel is free to choose.
	Source string
	Bytes  int64

	// Prepare, if not nil, runs before every run and is not measured.
	Prepare func() error

	// Run does the work in this process.
	Run func() (Outcome, error)

	// Process does it in one of its own.
	Process func() (child.Result, Outcome, error)
}

// Chosen is the Source of a way that Oriel chooses the sources of: whichever, but
// its run says which.
const Chosen = "chosen"

// An Outcome says what a run did.
type Outcome struct {
	Answer uint64 // what was computed; the same for all ways of an experiment
	Source string // what served, of Oriel's ways
	Bytes  int64  // and how many bytes
	Waits  int64  // and how often it was waited for

	// Unanswered says that nothing was computed that can be compared: the run
	// has seen to its bytes itself, or is another program's.
	Unanswered bool

	Amount  float64            // of the unit, where it is not Way.Amount in every run
	Allocs  uint64             // of a process that says
	Figures map[string]float64 // what else is to be said about the run
}

// A Sample is the cost of one run.
type Sample struct {
	Seconds      float64 `json:"seconds"`
	CPUSeconds   float64 `json:"cpuSeconds"`             // user and system
	Allocs       uint64  `json:"allocs"`                 // on the Go heap, opening included; 0 of a process that does not say
	PeakRSSBytes int64   `json:"peakRSSBytes,omitempty"` // of a process of its own
	Waits        int64   `json:"waits,omitempty"`        // of Oriel, for the device

	Amount  float64            `json:"amount,omitempty"` // of the unit, where runs differ in it
	Figures map[string]float64 `json:"figures,omitempty"`
}

// sample runs the way once.
func (w *Way) sample() (s Sample, o Outcome, err error) {
	if w.Prepare != nil {
		if err := w.Prepare(); err != nil {
			return s, o, fmt.Errorf("%s: preparing: %w", w.Name, err)
		}
	}
	if w.Process != nil {
		var r child.Result
		r, o, err = w.Process()
		s = Sample{Seconds: r.Seconds, CPUSeconds: r.CPUSeconds, PeakRSSBytes: r.PeakRSSBytes, Allocs: o.Allocs}
	} else {
		s, o, err = inProcess(w.Run)
	}
	if err == nil {
		err = w.check(o)
	}
	if err != nil {
		return s, o, fmt.Errorf("%s: %w", w.Name, err)
	}
	s.Waits, s.Amount, s.Figures = o.Waits, o.Amount, o.Figures
	return s, o, nil
}

// check returns an error if something else served than has to.
func (w *Way) check(o Outcome) error {
	if o.Source != w.Source && (w.Source != Chosen || o.Source == "") {
		return fmt.Errorf("served by %q, not by %q", o.Source, w.Source)
	}
	want := w.Bytes
	if o.Amount > 0 {
		want *= int64(o.Amount)
	}
	if w.Source != "" && o.Bytes != want {
		return fmt.Errorf("%s served %d bytes of %d", o.Source, o.Bytes, want)
	}
	return nil
}

// inProcess measures a run in this process, which begins without garbage.
func inProcess(run func() (Outcome, error)) (s Sample, o Outcome, err error) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	cpu, err := cpuSeconds()
	if err != nil {
		return s, o, err
	}
	began := time.Now()
	o, err = run()
	s.Seconds = time.Since(began).Seconds()
	if err != nil {
		return s, o, err
	}
	end, err := cpuSeconds()
	runtime.ReadMemStats(&after)
	s.CPUSeconds = end - cpu
	s.Allocs = after.Mallocs - before.Mallocs
	return s, o, err
}

// cpuSeconds returns the CPU time that the process has used.
func cpuSeconds() (float64, error) {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0, os.NewSyscallError("getrusage", err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9, nil
}
