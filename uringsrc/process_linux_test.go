package uringsrc_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/internal/childtest"
	"github.com/oriel-go/oriel/uringsrc"
)

// needEngineHere is needEngine in a child, which tells its parent to skip.
func needEngineHere(t *testing.T, o uringsrc.Options) *uringsrc.Engine {
	e, err := uringsrc.New(o)
	if err != nil {
		childtest.Tell("skip: ", err)
		t.Skip(err)
	}
	return e
}

// TestAChildProcessHasNothingOfTheEngine while reads are in flight, and they go
// on.
func TestAChildProcessHasNothingOfTheEngine(t *testing.T) {
	e := needEngine(t, uringsrc.Options{})
	in, out := pipe(t)
	r := ask(in, -1, 4)
	e.Start(nil, &r.Read)
	c := childtest.Start(t, "waits")
	dir := fmt.Sprintf("/proc/%d/", c.Process().Pid)
	fds, err := os.ReadDir(dir + "fd")
	if err != nil || len(fds) < 3 {
		t.Fatalf("%d descriptors, %v", len(fds), err)
	}
	for _, fd := range fds {
		if to, err := os.Readlink(filepath.Join(dir, "fd", fd.Name())); err == nil && strings.Contains(to, "io_uring") {
			t.Errorf("descriptor %s is %s", fd.Name(), to)
		}
	}
	if maps, err := os.ReadFile(dir + "maps"); err != nil || strings.Contains(string(maps), "io_uring") {
		t.Errorf("the ring is mapped, %v", err)
	}
	if r.Done() {
		t.Error("the read has ended")
	}
	write(t, out, "late")
	if err := r.Wait(within(t, patience)); err != nil || string(r.Buf) != "late" {
		t.Errorf("%v, %q", err, r.Buf)
	}
	c.Good()
}

// exitsRole ends the process with reads in flight.
func exitsRole(t *testing.T) {
	e := needEngineHere(t, uringsrc.Options{})
	in, _ := pipe(t)
	const block = 1 << 20
	fd := file(t, pattern(16*block, 1), unix.O_DIRECT)
	p := memory(t, 16*block)
	for i := range 16 {
		r, q := ask(in, -1, 4), ask(fd, int64(i)*block, 0)
		q.Buf = p[i*block:][:block]
		e.Start(nil, &r.Read, &q.Read)
	}
	childtest.Tell("in flight")
	os.Exit(7)
}

func TestAProcessEndsWithReadsInFlight(t *testing.T) {
	c := childtest.Start(t, "exits")
	if got := c.Hear(); got != "in flight" {
		t.Fatal(got)
	}
	began := time.Now()
	err := c.Wait()
	if state := c.State().Sys().(syscall.WaitStatus); state.ExitStatus() != 7 {
		t.Errorf("the child: %v\n%s", err, c.Said())
	}
	t.Logf("it took %v", time.Since(began))
}

// tasks returns the threads of this process, and how many of them are workers of
// io_uring.
func tasks(t testing.TB) (all, workers int) {
	names, err := filepath.Glob("/proc/self/task/*/comm")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		comm, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		all++
		if strings.HasPrefix(string(comm), "iou-wrk") {
			workers++
		}
	}
	return all, workers
}

// threadsRole reads with ten thousand goroutines.
func threadsRole(t *testing.T) {
	const block, blocks, readers = 4096, 4096, 10_000
	past := 0
	if childtest.Argument() == "direct" {
		past = unix.O_DIRECT
	}
	content := pattern(block*blocks, 1)
	fd := file(t, content, past)
	if past == 0 {
		// Cold, so that the device is asked.
		if err := unix.Fadvise(fd, 0, 0, unix.FADV_DONTNEED); err != nil {
			t.Error(err)
		}
	}
	e := needEngineHere(t, uringsrc.Options{})
	p := memory(t, readers*block)
	before, _ := tasks(t)
	var wg sync.WaitGroup
	var stop atomic.Bool
	for i := range readers {
		wg.Go(func() {
			r := ask(fd, 0, 0)
			r.Buf, r.Need, r.Owner = p[i*block:][:block], block, nil
			rng := rand.New(rand.NewPCG(3, uint64(i)))
			for range 3 {
				r.Off = rng.Int64N(blocks) * block
				if err := e.Read(context.Background(), &r.Read); err != nil {
					t.Error(err)
				}
				wantFile(t, &r.Read, content)
			}
		})
	}
	var most, workers int
	var watch sync.WaitGroup
	watch.Go(func() {
		for !stop.Load() {
			all, w := tasks(t)
			most, workers = max(most, all-w), max(workers, w)
			runtime.Gosched()
		}
	})
	wg.Wait()
	stop.Store(true)
	watch.Wait()
	if err := e.Close(within(t, patience)); err != nil {
		t.Error(err)
	}
	childtest.Tell(before, " ", most, " ", workers)
}

// TestTenThousandReaders need no more threads than a few readers do.
func TestTenThousandReaders(t *testing.T) {
	for _, how := range []string{"direct", "buffered"} {
		t.Run(how, func(t *testing.T) {
			c := childtest.Start(t, "threads", how)
			var before, most, workers int
			line := c.Hear()
			if _, err := fmt.Sscan(line, &before, &most, &workers); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			c.Good()
			t.Logf("%d threads before, at most %d, and %d workers of io_uring", before, most, workers)
			if workers > 16 {
				t.Errorf("%d workers of io_uring", workers)
			}
			// One for each ring, the runtime's own, and those that it starts where others
			// keep the processors: far from one for each of ten thousand.
			if bound := runtime.GOMAXPROCS(0) + 64; most > bound {
				t.Errorf("%d threads, at most %d may be", most, bound)
			}
		})
	}
}

// TestAStormOfSignals to all threads, as the Go runtime sends them: nothing of it
// is seen.
func TestAStormOfSignals(t *testing.T) {
	const block, blocks, readers = 4096, 256, 16
	content := pattern(block*blocks, 1)
	fd := file(t, content, unix.O_DIRECT)
	e := needEngine(t, uringsrc.Options{InFlight: 8})
	p := memory(t, readers*block)
	var stop atomic.Bool
	var signals atomic.Int64
	var storm, wg sync.WaitGroup
	storm.Go(func() {
		pid := os.Getpid()
		for !stop.Load() {
			dirs, err := os.ReadDir("/proc/self/task")
			if err != nil {
				t.Error(err)
				return
			}
			for _, d := range dirs {
				tid := 0
				fmt.Sscan(d.Name(), &tid)
				for range 20 {
					if unix.Tgkill(pid, tid, unix.SIGURG) == nil {
						signals.Add(1)
					}
				}
			}
			runtime.Gosched()
		}
	})
	rounds := scale(2000)
	for i := range readers {
		wg.Go(func() {
			r := ask(fd, 0, 0)
			r.Buf, r.Need, r.Owner = p[i*block:][:block], block, nil
			for n := range rounds {
				r.Off = int64((n*readers+i)*13%blocks) * block
				if err := e.Read(context.Background(), &r.Read); err != nil {
					t.Error(err)
				}
				wantFile(t, &r.Read, content)
			}
		})
	}
	wg.Wait()
	stop.Store(true)
	storm.Wait()
	t.Logf("%d reads, %d signals", rounds*readers, signals.Load())
}

// TestThreadsThatEnd take what they submitted with them, which is begun again.
func TestThreadsThatEnd(t *testing.T) {
	e := needEngine(t, uringsrc.Options{})
	in, out := pipe(t)
	for range scale(400) {
		r := ask(in, -1, 2)
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			runtime.LockOSThread() // and ends with it
			e.Start(nil, &r.Read)
		}()
		<-gone
		write(t, out, "ok")
		if err := r.Wait(within(t, patience)); err != nil || r.Err != nil || string(r.Buf) != "ok" {
			t.Fatalf("%v, %v, %q", err, r.Err, r.Buf)
		}
	}
	t.Logf("%d were begun again", e.Stats().Continued)
}
