package uringsrc_test

import (
	"bytes"
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/oriel-go/oriel/uringsrc"
	"github.com/oriel-go/oriel/uringsrc/uringtest"
)

// patience is how long a test waits for what must come.
const patience = 10 * time.Second

// An owned Read counts what its Owner is told.
type owned struct {
	uringsrc.Read
	done      atomic.Int32 // calls of ReadDone
	abandoned atomic.Int32 // of them, those that said so
	told      chan struct{}
}

func (o *owned) ReadDone(_ *uringsrc.Read, abandoned bool) {
	if abandoned {
		o.abandoned.Add(1)
	}
	o.done.Add(1)
	close(o.told)
}

// ask returns a Read of n bytes that can be started.
func ask(fd int, off int64, n int) *owned {
	o := &owned{told: make(chan struct{})}
	o.Read = uringsrc.Read{FD: fd, Off: off, Buf: make([]byte, n), Need: n, Owner: o}
	return o
}

// simulate returns an engine over simulated rings.
func simulate(t testing.TB, o uringtest.Options) (*uringsrc.Engine, *uringtest.Simulation) {
	t.Helper()
	e, sim, err := uringtest.New(1, o)
	if err != nil {
		t.Fatal(err)
	}
	return e, sim
}

// within returns a context that ends after d.
func within(t testing.TB, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// closeAll closes the engine, which must succeed, and looks at what is left.
func closeAll(t testing.TB, e *uringsrc.Engine, sim *uringtest.Simulation) {
	t.Helper()
	if err := e.Close(context.Background()); err != nil {
		t.Errorf("Close = %v", err)
	}
	if err := sim.Check(); err != nil {
		t.Errorf("the simulation: %v", err)
	}
	wantIdle(t, e)
}

// wantIdle fails unless nothing is under way.
func wantIdle(t testing.TB, e *uringsrc.Engine) {
	t.Helper()
	s := e.Stats()
	if s.Queued != 0 || s.InKernel != 0 || s.Orphaned != 0 || s.QueuedBytes != 0 || s.KernelBytes != 0 || s.OrphanBytes != 0 || s.Strays != 0 {
		t.Errorf("under way: %+v", s)
	}
}

// wantBytes fails unless r has all bytes of a simulated file.
func wantBytes(t testing.TB, r *uringsrc.Read) {
	t.Helper()
	want := make([]byte, len(r.Buf))
	uringtest.Bytes(r.FD, want, r.Off)
	if r.Err != nil || r.N != len(r.Buf) || !bytes.Equal(r.Buf, want) {
		t.Errorf("%d of %d bytes at %d of file %d, %v", r.N, len(r.Buf), r.Off, r.FD, r.Err)
	}
}

// bubble runs f where no time passes, once for each kernel.
func bubble(t *testing.T, f func(t *testing.T, k uringtest.Kernel)) {
	for _, k := range []uringtest.Kernel{uringtest.Linux61, uringtest.Linux515, uringtest.Linux510} {
		t.Run(k.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, k) })
		})
	}
}
