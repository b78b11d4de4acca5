package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/oriel-go/oriel/uringsrc"
	"github.com/oriel-go/oriel/uringsrc/uringtest"
	"github.com/oriel-go/oriel/window"
)

var (
	stuck  = uringtest.Faults{Stuck: 1000} // no read completes before Release, whatever is done to it
	silent = uringtest.Faults{Never: 1000} // none does before it is cancelled, or Release
)

// openOn returns how many descriptors of the process are open on a file.
func openOn(t testing.TB, name string) (n int) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no ", err)
	}
	for _, e := range entries {
		if target, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && target == name {
			n++
		}
	}
	return n
}

// A context ends while the device does not answer: the call returns, and its
// memory is nobody's until the kernel has done with it.
func TestRingReadIsCancelledAndItsMemoryStaysTheKernels(t *testing.T) {
	for mode, o := range ringModes {
		t.Run(mode, func(t *testing.T) {
			const n = 16 << 10
			rt, sim := simulated(t, Limits{MemoryBytes: n, ReserveBytes: -1}, 1, uringtest.Options{Faults: uringtest.Faults{}})
			name := write(t, random(100_000))
			f := ringed(t, rt, name, o)
			sim.SetFaults(stuck)
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			begun := sim.Counts().Submitted
			go func() {
				w, err := f.ReadManagedAt(ctx, 0, n)
				w.Release()
				done <- err
			}()
			waitFor(t, "the read to be in the kernel", func() bool { return sim.Counts().Submitted > begun })
			cancel()
			wantError(t, <-done, context.Canceled, "read", name, 0)
			if s := rt.Stats(); s.Memory.InUseBytes != n || s.Ring.Orphaned != 1 || s.Ring.OrphanBytes != n {
				t.Errorf("%+v, want %d bytes in use, orphaned", s, n)
			}
			if b, ok := rt.Memory().TryGet(4 << 10); ok {
				b.Free()
				t.Error("memory that the kernel may still write was handed out")
			}
			sim.Release()
			waitFor(t, "the memory", func() bool { return rt.Stats().Memory.InUseBytes == 0 })
			wantRange(t, f, bytes.NewReader(random(100_000)), 5, n-4096)
		})
	}
}

// A cancelled read in order is the next window.
func TestRingCancelledReadIsTheNextWindow(t *testing.T) {
	rt, sim := simulated(t, Limits{}, 1, uringtest.Options{})
	text := random(300_000)
	name := write(t, text)
	f := ringed(t, rt, name, Options{Direct: DirectNever})
	r := f.NewReader(nil)
	defer r.Close()
	sim.SetFaults(stuck)
	begun := sim.Counts().Submitted
	for range 5 {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			_, err := r.ReadManaged(ctx)
			done <- err
		}()
		waitFor(t, "the read to be in the kernel", func() bool { return sim.Counts().Submitted > begun })
		cancel()
		wantError(t, <-done, context.Canceled, "read", name, 0)
	}
	if n := sim.Counts().Submitted - begun; n != 1 {
		t.Errorf("5 cancelled calls began %d reads, want 1", n)
	}
	sim.Release()
	wantBytes(t, r, text)
}

// A read into the caller's memory returns when nobody writes that any more,
// whatever its context says.
func TestRingReadIntoOutlivesItsContext(t *testing.T) {
	rt, sim := simulated(t, Limits{}, 1, uringtest.Options{})
	text := random(100_000)
	f := ringed(t, rt, write(t, text), Options{Direct: DirectNever})
	sim.SetFaults(stuck)
	begun := sim.Counts().Submitted
	ctx, cancel := context.WithCancel(t.Context())
	p := make([]byte, 5000)
	var returned atomic.Bool
	done := make(chan error)
	go func() {
		n, err := f.ReadInto(ctx, p, 77)
		returned.Store(true)
		if n != len(p) && err == nil {
			t.Errorf("ReadInto = %d, %v", n, err)
		}
		done <- err
	}()
	waitFor(t, "the read to be in the kernel", func() bool { return sim.Counts().Submitted > begun })
	cancel()
	polls := 0
	waitFor(t, "a while", func() bool { polls++; return polls > 20 })
	if returned.Load() {
		t.Error("ReadInto has returned while the kernel may still write")
	}
	sim.Release()
	if err := <-done; err != nil || !bytes.Equal(p, text[77:5077]) {
		t.Errorf("%v, and the bytes: %v", err, bytes.Equal(p, text[77:5077]))
	}
}

// Close returns at once; the descriptors are open until the last read in flight
// has come back, and no longer.
func TestRingFileIsClosedWithItsLastRead(t *testing.T) {
	for mode, o := range ringModes {
		t.Run(mode, func(t *testing.T) {
			rt, sim := simulated(t, Limits{}, 1, uringtest.Options{})
			name := write(t, random(1<<20))
			f := ringed(t, rt, name, o)
			sim.SetFaults(stuck)
			descriptors := openOn(t, name)
			r := f.NewReader(&Options{WindowBytes: 4 << 10})
			for range 2 {
				if _, err := r.TryReadManaged(t.Context()); !errors.Is(err, window.ErrNotReady) {
					t.Fatal(err)
				}
				if _, err := f.TryReadManagedAt(t.Context(), 50_000, 3000); !errors.Is(err, window.ErrNotReady) {
					t.Fatal(err)
				}
			}
			if err := errors.Join(r.Close(), f.Close()); err != nil {
				t.Fatal(err)
			}
			_, err := f.ReadManagedAt(t.Context(), 0, 1)
			wantError(t, err, window.ErrClosed, "read", name, 0)
			if n := openOn(t, name); n != descriptors || n == 0 {
				t.Errorf("%d descriptors while reads are in flight, before Close there were %d", n, descriptors)
			}
			if rt.Stats().Memory.InUseBytes == 0 {
				t.Error("the memory was given back by Close")
			}
			sim.Release()
			waitFor(t, "the descriptors to be closed", func() bool { return openOn(t, name) == 0 })
		})
	}
}

// Files are opened and closed while others are read: a descriptor that was closed
// too early would have the number of another file soon.
func TestRingDescriptorsReusedUnderPressure(t *testing.T) {
	const files, fileBytes = 30, 256 << 10
	dir := t.TempDir()
	nameOf := func(i int) string { return filepath.Join(dir, fmt.Sprint(i)) }
	for i := range files {
		if err := os.WriteFile(nameOf(i), bytes.Repeat([]byte{byte(i + 1)}, fileBytes), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// check is what a window of file i must be.
	check := func(t *testing.T, i int, w window.Window, err error) {
		if err != nil {
			if !errors.Is(err, window.ErrNotReady) && !errors.Is(err, context.Canceled) && !errors.Is(err, window.ErrClosed) {
				t.Errorf("file %d: %v", i, err)
			}
			return
		}
		if p := w.Bytes(); bytes.Count(p, []byte{byte(i + 1)}) != len(p) {
			t.Errorf("%v of file %d holds other bytes: %d", w, i, p[0])
		}
		w.Release()
	}
	pressure := func(t *testing.T, rt *Runtime, o Options) {
		o.Runtime, o.Source = rt, Uring
		ringing(t, &o)
		var all sync.WaitGroup
		for g := range 8 {
			all.Go(func() {
				rnd := rand.New(rand.NewPCG(uint64(g), 3))
				for range 60 {
					i := rnd.IntN(files)
					f, err := Open(t.Context(), nameOf(i), &o)
					if err != nil {
						t.Error(err)
						return
					}
					waits(f)
					ctx, cancel := context.WithCancel(t.Context())
					for range rnd.IntN(4) {
						w, err := f.TryReadManagedAt(ctx, rnd.Int64N(fileBytes), 1+rnd.IntN(8<<10))
						check(t, i, w, err)
					}
					r := f.NewReader(&Options{WindowBytes: 16 << 10})
					for range rnd.IntN(4) {
						w, err := r.ReadManaged(ctx)
						check(t, i, w, err)
					}
					var late sync.WaitGroup
					off := rnd.Int64N(fileBytes)
					late.Go(func() { // cancelled, or closed under it
						w, err := f.ReadManagedAt(ctx, off, 4<<10)
						check(t, i, w, err)
					})
					if rnd.IntN(2) == 0 {
						cancel()
					}
					if rnd.IntN(2) == 0 {
						f.Close()
					}
					late.Wait()
					r.Close()
					f.Close()
					cancel()
				}
			})
		}
		all.Wait()
	}
	for mode, o := range ringModes {
		t.Run(mode, func(t *testing.T) { pressure(t, newRuntime(t, Limits{}), o) })
		t.Run(mode+", one in flight", func(t *testing.T) { pressure(t, newRuntime(t, Limits{InFlight: 1}), o) })
		t.Run(mode+", late", func(t *testing.T) {
			rt, _ := simulated(t, Limits{}, 1, uringtest.Options{Engine: engineOf(4), Seats: 2,
				Faults: uringtest.Faults{Late: 900, Missed: 500, CancelLate: 300, Short: 100}})
			pressure(t, rt, o)
		})
	}
}

// What a Queue has read of a File that was closed is not read again by pread where
// the ring could not: the descriptor's number may be another file's by then.
func TestRingQueueOfAClosedFile(t *testing.T) {
	name := write(t, random(100_000))
	for mode, o := range ringModes {
		t.Run(mode, func(t *testing.T) {
			var refuse atomic.Bool
			rt, _ := simulated(t, Limits{}, 1, uringtest.Options{Content: func(fd int, p []byte, off int64) (int, error) {
				if refuse.Load() {
					return 0, syscall.EINVAL
				}
				return uringtest.Pread(fd, p, off)
			}})
			q, err := rt.NewQueue(4)
			if err != nil {
				t.Fatal(err)
			}
			defer q.Close()
			for _, refused := range []bool{false, true} {
				refuse.Store(refused)
				f := ringed(t, rt, name, o)
				if n, err := q.Submit(t.Context(), QueueRead{File: f, Off: 1000, Len: 5000}); n != 1 || err != nil {
					t.Fatal(n, err)
				}
				rt.engine.Poll() // the read has come, and its result has not been taken
				f.Close()
				waitFor(t, "the descriptors to be closed", func() bool { return openOn(t, name) == 0 })
				res, err := q.Next(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				switch {
				case refused:
					wantError(t, res.Err, window.ErrClosed, "read", name, 1000)
				case res.Err != nil || !bytes.Equal(res.Window.Bytes(), random(100_000)[1000:6000]):
					t.Errorf("%v, %v", res.Window, res.Err)
				}
				res.Window.Release()
			}
		})
	}
}

// A file that becomes shorter while it is read: fewer bytes and then the end,
// nothing invented, and windows that are out stay what they were.
func TestRingFileIsTruncatedInFlight(t *testing.T) {
	const size, windowBytes = 400_000, 64 << 10
	text := random(size)
	for mode, o := range ringModes {
		for _, end := range []int64{0, 1, 70_000, 100_000, windowBytes, 2 * windowBytes, 3*windowBytes + 511, size - 1} {
			t.Run(fmt.Sprintf("%s/%d", mode, end), func(t *testing.T) {
				name := write(t, text)
				var reads atomic.Int64
				rt, _ := simulated(t, Limits{}, 1, uringtest.Options{Faults: slow, Content: func(fd int, p []byte, off int64) (int, error) {
					if reads.Add(1) == 3 { // what opened the file to see whether there is a ring has not read
						os.Truncate(name, end)
					}
					return uringtest.Pread(fd, p, off)
				}})
				o.WindowBytes = windowBytes
				f := ringed(t, rt, name, o)
				r := f.NewReader(nil)
				defer r.Close()
				var at int64
				var held []window.Window
				for {
					w, err := r.ReadManaged(t.Context())
					if err == io.EOF {
						break
					}
					if err != nil {
						t.Fatal(err)
					}
					if w.Off() != at || w.Len() == 0 {
						t.Fatalf("%v at %d", w, at)
					}
					at += int64(w.Len())
					held = append(held, w)
				}
				if reads.Load() < 3 || at < end {
					t.Errorf("%d bytes in %d reads of a file of %d", at, reads.Load(), end)
				}
				for _, w := range held {
					if !bytes.Equal(w.Bytes(), text[w.Off():][:w.Len()]) {
						t.Errorf("%v holds other bytes", w)
					}
					w.Release()
				}
				w, err := f.ReadManagedAt(t.Context(), max(end-100, 0), 300)
				if want := text[max(end-100, 0):end]; !bytes.Equal(w.Bytes(), want) || (len(want) == 0) != (err == io.EOF) {
					t.Errorf("at the new end: %v, %v", w, err)
				}
				w.Release()
			})
		}
	}
}

// Close of a Runtime with reads in flight ends them, one way or another.
func TestRuntimeCloseWithRingReadsInFlight(t *testing.T) {
	text := random(300_000)
	name := write(t, text)
	rt, sim := simulated(t, Limits{}, 1, uringtest.Options{Engine: engineOf(2)})
	f := ringed(t, rt, name, Options{Direct: DirectNever, WindowBytes: 64 << 10})
	sim.SetFaults(silent)
	begun := sim.Counts().Submitted
	var all sync.WaitGroup
	for i := range 6 { // some of which queue
		all.Go(func() {
			w, err := f.ReadManagedAt(t.Context(), int64(i)*1000, 5000)
			switch {
			case err == nil && !bytes.Equal(w.Bytes(), text[i*1000:i*1000+5000]):
				t.Errorf("%v holds other bytes", w)
			case err != nil:
				wantError(t, err, window.ErrClosed, "read", name, int64(i)*1000)
			}
			w.Release()
		})
	}
	waitFor(t, "reads in the kernel", func() bool {
		s := rt.Stats().Ring
		return sim.Counts().Submitted == begun+2 && s.Queued == 4
	})
	closed := make(chan error)
	go func() { closed <- rt.closeRing() }() // what Close does, and does first
	all.Wait()
	if err := <-closed; err != nil {
		t.Error(err)
	}
	_, err := Open(t.Context(), name, &Options{Runtime: rt, Source: Uring})
	if !errors.Is(err, window.ErrClosed) {
		t.Errorf("opened after Close: %v", err)
	}
}

// A device that does not answer does not keep Close for ever: the memory that it
// may write is left to it.
func TestRuntimeCloseLeavesMemoryThatTheKernelHas(t *testing.T) {
	name := write(t, random(100_000))
	synctest.Test(t, func(t *testing.T) {
		e, sim, err := uringtest.New(1, uringtest.Options{Content: uringtest.Pread})
		if err != nil {
			t.Fatal(err)
		}
		rt, err := NewRuntime(Limits{})
		if err != nil {
			t.Fatal(err)
		}
		rt.engine = e
		f := waits(openAt(t, name, &Options{Runtime: rt, Source: Uring, Direct: DirectNever}))
		sim.SetFaults(stuck)
		if _, err := f.TryReadManagedAt(t.Context(), 0, 5000); !errors.Is(err, window.ErrNotReady) {
			t.Fatal(err)
		}
		f.Close()
		err = rt.Close()
		var q *uringsrc.QuarantineError
		if !errors.As(err, &q) || q.Reads != 1 || rt.Stats().Memory.InUseBytes == 0 {
			t.Errorf("Close = %v, and %d bytes are in use", err, rt.Stats().Memory.InUseBytes)
		}
		sim.Release()
		synctest.Wait()
		e.Poll()
		synctest.Wait()
		if s := rt.Stats().Memory; s.InUseBytes != 0 || s.MappedBytes != 0 {
			t.Errorf("after the read has come back: %+v", s)
		}
		if err := sim.Check(); err != nil {
			t.Error(err)
		}
	})
}

func TestRingLimits(t *testing.T) {
	name := write(t, random(100))
	o := Options{Source: Uring}
	o.Runtime = newRuntime(t, Limits{})
	ringing(t, &o)

	o.Runtime = newRuntime(t, Limits{InFlight: -1})
	_, err := Open(t.Context(), name, &o)
	if wantError(t, err, window.ErrRefused, "open", name, 0); err == nil || !strings.Contains(err.Error(), "InFlight") {
		t.Errorf("the error does not say what switches the ring off: %v", err)
	}
	if s := o.Runtime.Stats().Ring; s != (uringsrc.Stats{}) {
		t.Errorf("there is a ring: %+v", s)
	}
	f := openAt(t, name, &Options{Runtime: o.Runtime})
	w, err := f.ReadManagedAt(t.Context(), 0, 100)
	if err != nil || w.Len() != 100 {
		t.Errorf("without the ring: %v, %v", w, err)
	}
	w.Release()

	// A Runtime whose ring was off can have it switched on, before it is in use.
	if err := o.Runtime.SetLimits(Limits{InFlight: 8, InFlightBytes: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	g := openAt(t, name, &o)
	if got := o.Runtime.engine.Info().InFlight; got != 8 || g.Explain().InFlight != 8 {
		t.Errorf("%d and %d in flight, want 8", got, g.Explain().InFlight)
	}
	for _, l := range []Limits{{InFlight: 9}, {InFlightBytes: 2 << 20}, {InFlight: -1}} {
		if err := o.Runtime.SetLimits(l); !errors.Is(err, window.ErrOption) {
			t.Errorf("%+v of a ring in use: %v", l, err)
		}
	}
	if err := o.Runtime.SetLimits(Limits{Threads: 3, InFlight: 8}); err != nil || o.Runtime.Limits().Threads != 3 {
		t.Errorf("limits that leave the ring as it is: %v", err)
	}
	for _, l := range []Limits{{InFlight: uringsrc.MaxInFlight + 1}, {InFlightBytes: -1}} {
		if _, err := NewRuntime(l); !errors.Is(err, window.ErrOption) {
			t.Errorf("%+v: %v", l, err)
		}
	}
}

// Bounds on what is in the kernel hold, and what exceeds them queues.
func TestRingKeepsItsLimits(t *testing.T) {
	text := random(4 << 20)
	name := write(t, text)
	rt, sim := simulated(t, Limits{}, 1, uringtest.Options{
		Engine: uringsrc.Options{InFlight: 3, InFlightBytes: 128 << 10},
		Faults: uringtest.Faults{Late: 800},
	})
	f := ringed(t, rt, name, Options{Direct: DirectNever, WindowBytes: 64 << 10})
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			r := f.NewReader(nil)
			defer r.Close()
			if err := r.SeekTo(int64(i) << 19); err != nil {
				t.Error(err)
			}
			for range 8 {
				w, err := r.ReadManaged(t.Context())
				if err != nil || !bytes.Equal(w.Bytes(), text[w.Off():][:w.Len()]) {
					t.Errorf("%v, %v", w, err)
				}
				w.Release()
			}
		})
	}
	all.Wait()
	if c := sim.Counts(); c.MaxInFlight > 3 || c.MaxBytes > 128<<10 {
		t.Errorf("%+v", c)
	}
}

// Readers that each read ahead share a budget for a few windows.
func TestRingReadersShareALittleMemory(t *testing.T) {
	text := random(4 << 20)
	name := write(t, text)
	for mode, o := range ringModes {
		for _, reserve := range []int64{0, -1} {
			t.Run(fmt.Sprintf("%s/%d", mode, reserve), func(t *testing.T) {
				rt := newRuntime(t, Limits{MemoryBytes: 1 << 20, ReserveBytes: reserve})
				f := ringed(t, rt, name, o)
				var all sync.WaitGroup
				for range 8 {
					all.Go(func() {
						r := f.NewReader(nil)
						defer r.Close()
						for at := 0; at < len(text); {
							w, err := r.ReadManaged(t.Context())
							if err != nil || !bytes.Equal(w.Bytes(), text[at:at+w.Len()]) {
								t.Errorf("at %d: %v, %v", at, w, err)
								w.Release()
								return
							}
							at += w.Len()
							w.Release()
						}
					})
				}
				all.Wait()
			})
		}
	}
}
