package uringtest

import (
	"context"
	"errors"
	"os"
	"runtime"
	"testing"
	"testing/synctest"

	"github.com/oriel-go/oriel/uringsrc"
	"github.com/oriel-go/oriel/window"
)

func TestReadsOfRealFiles(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Pread has no files on Windows")
	}
	f, err := os.Open("uringtest_test.go")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, k := range []Kernel{Linux61, Linux515, Linux510} {
		for seed := range uint64(100) {
			e, sim, err := New(seed, Options{Kernel: k, Content: Pread, Faults: Random(seed), Seats: int(seed % 3)})
			if err != nil {
				t.Fatal(err)
			}
			r := &uringsrc.Read{FD: int(f.Fd()), Buf: make([]byte, 12), Need: 12, Off: 1}
			var ring *uringsrc.RingError
			if err := e.Read(context.Background(), r); err != nil || !errors.As(r.Err, &ring) && string(r.Buf) != "ackage uring" {
				t.Errorf("seed %d on %v: %v, %v, %q", seed, k, err, r.Err, r.Buf)
			}
			if err := errors.Join(e.Close(context.Background()), sim.Check()); err != nil {
				t.Errorf("seed %d on %v: %v", seed, k, err)
			}
		}
	}
}

func TestKernelsThatAreRefused(t *testing.T) {
	if _, _, err := New(1, Options{Kernel: Linux51}); !errors.Is(err, window.ErrRefused) {
		t.Errorf("New = %v", err)
	}
	if _, _, err := New(1, Options{Engine: uringsrc.Options{InFlight: -1}}); !errors.Is(err, window.ErrOption) {
		t.Errorf("New = %v", err)
	}
}

// TestStepsAreTheTests: nothing happens between them.
func TestStepsAreTheTests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, sim, err := New(1, Options{Steps: true, Faults: Faults{Late: 1000}})
		if err != nil {
			t.Fatal(err)
		}
		r := &uringsrc.Read{FD: 1, Buf: make([]byte, 10), Need: 10}
		e.Start(nil, r)
		ready := r.Ready()
		synctest.Wait()
		select {
		case <-ready:
			t.Error("ready before the first Step")
		default:
		}
		if !sim.Step() {
			t.Error("Step = false with a read in flight")
		}
		<-ready
		if sim.Step() {
			t.Error("Step = true with nothing in flight")
		}
		if c := sim.Counts(); c.Submitted != 1 || c.Completed != 1 {
			t.Errorf("%+v", c)
		}
		if err := errors.Join(e.Close(context.Background()), sim.Check()); err != nil {
			t.Error(err)
		}
	})
}
