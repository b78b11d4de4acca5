package stall

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/bench/child"
	"github.com/oriel-go/oriel/bench/slowfs"
)

// A Way is a way of reading windows.
type Way string

const (
	// Touch touches every page of a mapping.
	Touch Way = "touch"
	// Populate loads a window of a mapping by a system call before it touches
	// the pages.
	Populate Way = "populate"
	// Pread copies by pread(2).
	Pread Way = "pread"
	// Auto reads windows of Oriel's, which chooses how.
	Auto Way = "oriel auto"
	// Mmap reads windows of Oriel's with its mapping forced.
	Mmap Way = "oriel mmap"
)

// A Load says what is read. The file holds what slowfs.Content says.
type Load struct {
	Way         Way
	File        string
	WindowBytes int // windows begin at multiples of it; a multiple of the page size
	Goroutines  int
	Processors  int           // GOMAXPROCS
	For         time.Duration // how long windows are begun
	Seed        uint64        // of the order in which windows are read
	InOrder     bool          // or they are read from front to back, as a Reader does that is not to come back (source.Once)
	LockBytes   int64         // of Oriel's Limits
}

// A Result says what happened.
type Result struct {
	Reads        int     // windows that were read and had the right bytes
	Seconds      float64 // until the last of them
	CPUSeconds   float64
	Late         []float64 // seconds that the timer was late, each time it fired
	GC           []float64 // seconds that each collection took
	Mapped       int       // windows of Oriel's that were slices of the mapping
	Bytes        int64     // that Oriel says it has read
	Source       string    // what Oriel's Explain says
	Why          string
	LoadedBefore float64 // share of the file that was cached at the beginning
}

const taskName = "stall"

// Tasks are what a copy of the program does for this package, for child.Serve.
func Tasks() map[string]child.Task { return map[string]child.Task{taskName: serve} }

// Run reads in a process of its own.
func Run(l Load) (Result, error) { return child.Ask[Result](taskName, l) }

// limit is how much longer than it should a process may take.
const limit = 60 * time.Second

func serve(args []string) (string, error) {
	var l Load
	if len(args) != 1 {
		return "", fmt.Errorf("stall: %d arguments", len(args))
	}
	if err := json.Unmarshal([]byte(args[0]), &l); err != nil {
		return "", err
	}
	runtime.GOMAXPROCS(l.Processors)
	time.AfterFunc(l.For+limit, func() { panic("stall: the reads do not end") })
	r, err := l.run()
	if err != nil {
		return "", err
	}
	b, err := json.Marshal(r)
	return string(b), err
}

// run reads in this process.
func (l *Load) run() (r Result, err error) {
	f, err := os.Open(l.File)
	if err != nil {
		return r, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return r, err
	}
	if r.LoadedBefore, err = drop(f); err != nil {
		return r, err
	}
	t, err := l.reader(f, fi.Size())
	if err != nil {
		return r, err
	}
	cpu, err := cpuSeconds()
	if err != nil {
		return r, err
	}
	began := time.Now()
	watched := watch()
	order := l.order(fi.Size())
	r.Reads, err = l.readAll(t, order, began.Add(l.For))
	r.Seconds = time.Since(began).Seconds()
	r.Late, r.GC = watched()
	end, err2 := cpuSeconds()
	r.CPUSeconds = end - cpu
	if o, ok := t.(*windows); ok {
		e := o.file.Explain()
		r.Mapped, r.Bytes, r.Source, r.Why = int(o.mapped.Load()), e.Stats.Bytes, e.Source, e.Why
	}
	return r, errors.Join(err, err2, t.close())
}

// readAll reads windows in the given order until the deadline. The goroutines
// look at the clock themselves: it is timers that may not work. Each reads a window
// before it looks: on a busy machine the time may be over when it first runs.
func (l *Load) readAll(t target, order []int32, deadline time.Time) (int, error) {
	var next, done atomic.Int64
	errs := make([]error, l.Goroutines)
	var all sync.WaitGroup
	for g := range l.Goroutines {
		all.Go(func() {
			buf := make([]byte, l.WindowBytes)
			for first := true; errs[g] == nil && (first || time.Now().Before(deadline)); first = false {
				i := next.Add(1) - 1
				if i >= int64(len(order)) {
					return
				}
				off := int64(order[i]) * int64(l.WindowBytes)
				if errs[g] = t.read(buf, off); errs[g] == nil {
					done.Add(1)
				}
			}
		})
	}
	all.Wait()
	return int(done.Load()), errors.Join(errs...)
}

// watch lets a timer fire every millisecond and the collector run, both at least
// once, until the returned function is called.
func watch() func() (late, gc []float64) {
	const period, pause = time.Millisecond, 20 * time.Millisecond
	var over atomic.Bool
	var both sync.WaitGroup
	late, gc := make([]float64, 0, 1<<16), make([]float64, 0, 1<<10)
	both.Go(func() {
		for len(late) == 0 || !over.Load() {
			due := time.Now().Add(period)
			time.Sleep(period)
			late = append(late, time.Since(due).Seconds())
		}
	})
	both.Go(func() {
		for len(gc) == 0 || !over.Load() {
			began := time.Now()
			runtime.GC()
			gc = append(gc, time.Since(began).Seconds())
			time.Sleep(pause)
		}
	})
	return func() ([]float64, []float64) {
		over.Store(true)
		both.Wait()
		return late, gc
	}
}

// Quantile returns the q-quantile of values, 0 for none: q is 0.5 for the median
// and 1 for the largest.
func Quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[int(q*float64(len(sorted)-1)+0.5)]
}

// check returns an error unless p holds what the file does at off, at both ends
// of every page.
func check(p []byte, off int64) error {
	const word = 8
	var want [word]byte
	for i := 0; i < len(p); i += os.Getpagesize() {
		for _, at := range []int{i, i + os.Getpagesize() - word} {
			slowfs.Content(want[:], off+int64(at))
			if [word]byte(p[at:]) != want {
				return fmt.Errorf("at %d: % x instead of % x", off+int64(at), p[at:at+word], want)
			}
		}
	}
	return nil
}

func cpuSeconds() (float64, error) {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0, os.NewSyscallError("getrusage", err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9, nil
}
