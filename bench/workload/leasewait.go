package workload

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/bench/child"
	"github.com/oriel-go/oriel/bench/measure"
	"github.com/oriel-go/oriel/bench/stats"
	"github.com/oriel-go/oriel/source"
	"github.com/oriel-go/oriel/window"
)

const (
	writtenBytes    = 128 << 20 // of the file whose writers wait
	pinnedLockBytes = 32 << 20  // as many extents as may be pinned
	againBreaks     = 10        // after which it is looked how soon the file is mapped again
	againWithin     = 10 * time.Second
)

// unread is the number of pinned extents where the file is not even open: what
// the writer's own calls take.
const unread = -1

// pinnedExtents are how many extents are pinned when a writer comes.
var pinnedExtents = []int{unread, 0, 1, 4, 16}

// A write is what a process does to a file that is mapped by another.
type write struct {
	does string // "opens it"
	// wait is what is measured, and undo is not.
	wait, undo func(name string) error
}

var writes = map[string]write{
	"open":     {"opens it for writing", openForWriting, func(string) error { return nil }},
	"truncate": {"truncates it", truncateTo(writtenBytes - blockBytes), truncateTo(writtenBytes)},
}

func openForWriting(name string) error {
	fd, err := unix.Open(name, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	for err == unix.EINTR {
		fd, err = unix.Open(name, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

func truncateTo(size int64) func(name string) error {
	return func(name string) error {
		err := unix.Truncate(name, size)
		for err == unix.EINTR {
			err = unix.Truncate(name, size)
		}
		return err
	}
}

// waits are those of a process that comes again and again.
type waits struct {
	name   string
	how    string // a key of writes
	rt     *source.Runtime
	pinned int
	busy   bool
	breaks int
	took   []float64 // milliseconds, of each break
	told   int       // of took
}

// limits are what is claimed of the waits: all of them, and how long 99 of 100
// are.
func (w *waits) limits() []measure.Limit {
	name := fmt.Sprintf("%d extents pinned", w.pinned)
	switch w.pinned {
	case unread:
		name = "nobody reads it"
	case 1:
		name = "1 extent pinned"
	}
	every := measure.Limit{Name: name, Unit: "ms", Bound: stats.AtMost(worstMilliseconds), Runs: w.breaks, Every: true, Measure: w.next}
	p99 := measure.Limit{Name: name + ", 99th percentile", Unit: "ms", Bound: stats.AtMost(p99Milliseconds), Runs: 1, Every: true,
		Measure: func() (float64, error) { return percentile(w.took, 99), nil }}
	if w.pinned == unread {
		every.Bound, p99.Bound = nil, nil
	}
	return []measure.Limit{every, p99}
}

// percentile returns the least of the values that p of 100 do not exceed.
func percentile(values []float64, p int) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[(len(sorted)*p+99)/100-1]
}

// next returns one wait after the other. The first call measures them all.
func (w *waits) next() (float64, error) {
	if w.took == nil {
		if err := w.measure(); err != nil {
			return 0, err
		}
	}
	w.told++
	return w.took[w.told-1], nil
}

func (w *waits) measure() (err error) {
	p, err := startWriter(w.how, w.name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	for range w.breaks {
		took, err := w.one(p)
		if err != nil {
			return err
		}
		w.took = append(w.took, float64(took.Nanoseconds())/1e6)
	}
	return nil
}

// one opens the file, so that it is mapped whatever came before, pins extents,
// has the writer come and says how long that took.
func (w *waits) one(p *writer) (took time.Duration, err error) {
	var held []window.Window
	if w.pinned != unread {
		f, err := openPinned(w.name, w.rt)
		if err != nil {
			return 0, err
		}
		defer f.Close()
		if held, err = pin(f, max(w.pinned, 1)); err != nil {
			return 0, err
		}
		defer func() { release(held) }()
		if w.pinned == 0 {
			held = release(held)
		}
		if err := expectLeases(1); err != nil {
			return 0, err
		}
	}
	if w.busy {
		defer compute()()
	}
	if took, err = p.write(); err != nil {
		return 0, err
	}
	for _, h := range held {
		if i := h.Info(); i.Residency != window.Private {
			return 0, fmt.Errorf("the window at %d is %v when the writer has come", h.Off(), i.Residency)
		}
	}
	if w.pinned != unread {
		err = expectLeases(0)
	}
	return took, err
}

// openPinned opens a file that windows are pinned of.
func openPinned(name string, rt *source.Runtime) (*source.File, error) {
	return source.Open(context.Background(), name, &source.Options{Runtime: rt, Source: source.Mmap, Pattern: source.Reuse})
}

// pin returns windows of so many extents, all of them guarded. Memory that was
// locked for those of a writer before may be given back a moment later.
func pin(f *source.File, extents int) ([]window.Window, error) {
	for began := time.Now(); ; time.Sleep(100 * time.Microsecond) {
		held, copied, err := tryPin(f, extents)
		if err != nil || copied == nil {
			return held, err
		}
		if waited := time.Since(began); waited > againWithin {
			return nil, fmt.Errorf("%v after the file was opened: %w", waited, copied)
		}
	}
}

// tryPin is pin; copied says what is not guarded, if anything is not, and then
// there are no windows.
func tryPin(f *source.File, extents int) (held []window.Window, copied, err error) {
	for i := range extents {
		w, err := f.ReadManagedAt(context.Background(), int64(i)*extentBytes, blockBytes)
		if err != nil {
			return release(held), nil, err
		}
		held = append(held, w)
		if copied := isGuarded(w); copied != nil {
			return release(held), copied, nil
		}
	}
	return held, nil, nil
}

// release releases windows and returns none.
func release(held []window.Window) []window.Window {
	for _, w := range held {
		w.Release()
	}
	return nil
}

// compute has as many goroutines compute as there are processors for them, until
// stop is called.
func compute() (stop func()) {
	var done atomic.Bool
	var began, ended sync.WaitGroup
	sums := make([]uint64, runtime.GOMAXPROCS(0))
	began.Add(len(sums))
	for i := range sums {
		ended.Go(func() {
			began.Done()
			x := uint64(i)
			for !done.Load() {
				for range 1000 {
					x = x*6364136223846793005 + 1
				}
			}
			sums[i] = x
		})
	}
	began.Wait()
	return func() {
		done.Store(true)
		ended.Wait()
	}
}

// again returns how long it takes from when a writer has gone to when the file
// is mapped again: of one File, whose writers come one after the other.
func again(name string, rt *source.Runtime, breaks int) measure.Limit {
	var took []float64
	run := func() (err error) {
		p, err := startWriter("open", name)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, p.stop()) }()
		f, err := openPinned(name, rt)
		if err != nil {
			return err
		}
		defer f.Close()
		for range breaks {
			if _, err := p.write(); err != nil {
				return err
			}
			waited, err := untilGuarded(f)
			if err != nil {
				return err
			}
			took = append(took, float64(waited.Nanoseconds())/1e6)
		}
		return nil
	}
	told := 0
	return measure.Limit{Name: "until it is mapped again", Unit: "ms", Runs: breaks, Measure: func() (float64, error) {
		if told == 0 {
			if err := run(); err != nil {
				return 0, err
			}
		}
		told++
		return took[told-1], nil
	}}
}

// untilGuarded reads until what it reads is guarded.
func untilGuarded(f *source.File) (time.Duration, error) {
	began := time.Now()
	for {
		w, err := f.ReadManagedAt(context.Background(), 0, blockBytes)
		if err != nil {
			return 0, err
		}
		copied := isGuarded(w)
		w.Release()
		switch waited := time.Since(began); {
		case copied == nil:
			return waited, nil
		case waited > againWithin:
			return 0, fmt.Errorf("%v after the writer has gone: %w", waited, copied)
		}
		time.Sleep(100 * time.Microsecond)
	}
}

// A writer is a process that writes when it is told to.
type writer struct {
	c      *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr strings.Builder
}

func startWriter(how, name string) (p *writer, err error) {
	p = &writer{}
	if p.c, err = child.Command("write", how, name); err != nil {
		return nil, err
	}
	p.c.Stderr = &p.stderr
	if p.in, err = p.c.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	return p, p.c.Start()
}

// write has it write and returns how long that took.
func (p *writer) write() (time.Duration, error) {
	if _, err := io.WriteString(p.in, "write\n"); err != nil {
		return 0, err
	}
	line, err := p.out.ReadString('\n')
	if err != nil {
		return 0, fmt.Errorf("the writer is gone: %w", err) // stop says why
	}
	n, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
	return time.Duration(n), err
}

// stop ends the process.
func (p *writer) stop() error {
	p.in.Close()
	if err := p.c.Wait(); err != nil {
		return fmt.Errorf("the writer: %w: %s", err, strings.TrimSpace(p.stderr.String()))
	}
	return nil
}

// writeTask writes each time that it reads a line: how, the file. It prints how
// many nanoseconds that took.
func writeTask(args []string) (string, error) {
	if len(args) != 2 {
		return "", fmt.Errorf("write: %d arguments", len(args))
	}
	w, ok := writes[args[0]]
	if !ok {
		return "", fmt.Errorf("write: there is no way %q", args[0])
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		began := time.Now()
		err := w.wait(args[1])
		took := time.Since(began)
		if err == nil {
			err = w.undo(args[1])
		}
		if err != nil {
			return "", &os.PathError{Op: args[0], Path: args[1], Err: err}
		}
		fmt.Println(took.Nanoseconds())
	}
	return "", nil
}
