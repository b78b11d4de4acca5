package source

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/oriel-go/oriel/window"
)

// held is a Fetcher whose fetches wait until they are let go, whatever their
// context says, as a kernel does that writes to its buffers after a cancel.
type held struct {
	text    []byte
	letGo   chan struct{}
	fetches atomic.Int64
}

func newHeld(text []byte) *held { return &held{text: text, letGo: make(chan struct{})} }

func (h *held) Size() int64  { return int64(len(h.text)) }
func (h *held) Name() string { return "held" }

func (h *held) Fetch(_ context.Context, p []byte, off int64) (int, error) {
	h.fetches.Add(1)
	<-h.letGo
	return copy(p, h.text[off:]), nil
}

func TestACancelledReadReturnsAtOnceAndItsMemoryHasOneOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := newRuntime(t, Limits{MemoryBytes: 16 << 10, ReserveBytes: -1})
		h := newHeld(random(100_000))
		f := New(h, &Options{Runtime: rt})
		defer f.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := f.ReadManagedAt(ctx, 0, 16<<10)
		wantError(t, err, context.DeadlineExceeded, "read", "held", 0)
		// The memory is the fetch's until Fetch has returned: nobody gets it.
		if n := rt.Stats().Memory.InUseBytes; n != 16<<10 {
			t.Errorf("%d bytes in use while Fetch may still write, want 16384", n)
		}
		if b, ok := rt.Memory().TryGet(4 << 10); ok {
			b.Free()
			t.Error("memory that Fetch may still write was handed out")
		}
		close(h.letGo)
		synctest.Wait()
		if n := rt.Stats().Memory.InUseBytes; n != 0 {
			t.Errorf("%d bytes in use after the orphaned Fetch returned, want 0", n)
		}
	})
}

func TestACancelledSequentialReadIsTheNextWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := newRuntime(t, Limits{})
		h := newHeld(random(300_000))
		f := New(h, &Options{Runtime: rt})
		defer f.Close()
		r := f.NewReader(nil)
		defer r.Close()
		for range 5 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			_, err := r.ReadManaged(ctx)
			wantError(t, err, context.DeadlineExceeded, "read", "held", 0)
			cancel()
		}
		if n := h.fetches.Load(); n != 1 {
			t.Errorf("%d fetches were begun by 5 cancelled calls, want 1", n)
		}
		close(h.letGo)
		wantBytes(t, r, h.text)
	})
}

func TestCloseWithAReadUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := newRuntime(t, Limits{})
		h := newHeld(random(100_000))
		f := New(h, &Options{Runtime: rt})
		r := f.NewReader(nil)
		if _, err := r.TryReadManaged(t.Context()); !errors.Is(err, window.ErrNotReady) {
			t.Fatalf("TryReadManaged = %v, want ErrNotReady", err)
		}
		if _, err := f.TryReadManagedAt(t.Context(), 5, 10); !errors.Is(err, window.ErrNotReady) {
			t.Fatalf("TryReadManagedAt = %v, want ErrNotReady", err)
		}
		for range 2 {
			if err := errors.Join(r.Close(), f.Close()); err != nil {
				t.Fatal(err)
			}
		}
		_, err := r.ReadManaged(t.Context())
		wantError(t, err, window.ErrClosed, "read", "held", 0)
		_, err = f.ReadManagedAt(t.Context(), 0, 1)
		wantError(t, err, window.ErrClosed, "read", "held", 0)
		_, err = f.ReadAt(make([]byte, 1), 0)
		wantError(t, err, window.ErrClosed, "read", "held", 0)
		_, err = f.Stat()
		wantError(t, err, window.ErrClosed, "stat", "held", 0)
		if rt.Stats().Memory.InUseBytes == 0 {
			t.Error("the memory of fetches under way was given back by Close")
		}
		close(h.letGo)
		synctest.Wait()
	})
}

func TestTryReadManagedBeginsTheFetchAndReadyTells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := newRuntime(t, Limits{})
		h := newHeld(random(1000))
		f := New(h, &Options{Runtime: rt})
		defer f.Close()
		r := f.NewReader(nil)
		defer r.Close()
		<-r.Ready() // nothing is under way
		if _, err := r.TryReadManaged(t.Context()); !errors.Is(err, window.ErrNotReady) {
			t.Fatalf("TryReadManaged = %v, want ErrNotReady", err)
		}
		select {
		case <-r.Ready():
			t.Fatal("ready before the fetch is done")
		default:
		}
		close(h.letGo)
		<-r.Ready()
		w, err := r.TryReadManaged(t.Context())
		if err != nil || !bytes.Equal(w.Bytes(), h.text) {
			t.Fatalf("TryReadManaged after Ready = %v, %v", w, err)
		}
		w.Release()
		if _, err := r.TryReadManaged(t.Context()); err != io.EOF {
			t.Fatalf("TryReadManaged at the end = %v, want io.EOF", err)
		}
	})
}

func TestTryReadManagedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := newRuntime(t, Limits{})
		h := newHeld(random(100_000))
		f := New(h, &Options{Runtime: rt})
		defer f.Close()
		for off := range int64(maxTries) {
			for range 2 {
				if _, err := f.TryReadManagedAt(t.Context(), off, 10); !errors.Is(err, window.ErrNotReady) {
					t.Fatalf("TryReadManagedAt = %v, want ErrNotReady", err)
				}
			}
		}
		synctest.Wait()
		if n := h.fetches.Load(); n != maxTries {
			t.Errorf("%d fetches for %d ranges asked for twice", n, maxTries)
		}
		_, err := f.TryReadManagedAt(t.Context(), 5000, 10)
		wantError(t, err, window.ErrLimit, "read", "held", 5000)
		close(h.letGo)
		synctest.Wait()
		w, err := f.TryReadManagedAt(t.Context(), 7, 10)
		if err != nil || !bytes.Equal(w.Bytes(), h.text[7:17]) || w.Off() != 7 {
			t.Fatalf("TryReadManagedAt when it is done = %v, %v", w, err)
		}
		w.Release()
		for off := range int64(100) { // room is made by what nobody came back for
			if _, err := f.TryReadManagedAt(t.Context(), 1000+off, 10); !errors.Is(err, window.ErrNotReady) {
				t.Fatalf("TryReadManagedAt = %v, want ErrNotReady", err)
			}
			synctest.Wait()
		}
		if f.Stats().WastedBytes == 0 {
			t.Error("what was given up is not counted as wasted")
		}
	})
}

func TestThreadsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := newRuntime(t, Limits{Threads: 3})
		h := newHeld(random(100_000))
		f := New(h, &Options{Runtime: rt})
		defer f.Close()
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				ctx := t.Context()
				if i%2 == 0 {
					ctx = context.Background() // read in the caller's goroutine
				}
				w, err := f.ReadManagedAt(ctx, int64(i), 10)
				if err != nil || !bytes.Equal(w.Bytes(), h.text[i:i+10]) {
					t.Errorf("read %d = %v, %v", i, w, err)
				}
				w.Release()
			})
		}
		synctest.Wait()
		if n := h.fetches.Load(); n != 3 {
			t.Errorf("%d fetches at a time, want 3", n)
		}
		if err := rt.SetLimits(Limits{Threads: 5}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := h.fetches.Load(); n != 5 {
			t.Errorf("%d fetches at a time after SetLimits, want 5", n)
		}
		close(h.letGo)
		wg.Wait()
	})
}

func TestSilentStreamsKeepNoFileFromBeingRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := newRuntime(t, Limits{Threads: 1})
		var pipes []io.Closer
		for range 3 {
			pr, pw := io.Pipe()
			r := NewStream(pr, &Options{Runtime: rt})
			if _, err := r.TryReadManaged(t.Context()); !errors.Is(err, window.ErrNotReady) {
				t.Fatal(err)
			}
			pipes = append(pipes, r, pw)
		}
		f := New(memoryFetcher("text"), &Options{Runtime: rt})
		r := f.NewReader(nil)
		wantBytes(t, r, []byte("text"))
		for _, c := range append(pipes, r, f) {
			c.Close()
		}
	})
}

func TestTheNumberOfFilesIsBounded(t *testing.T) {
	rt := newRuntime(t, Limits{Files: 2})
	name := write(t, []byte("x"))
	o := &Options{Runtime: rt}
	a, err := Open(t.Context(), name, o)
	if err != nil {
		t.Fatal(err)
	}
	b, err := OpenReader(t.Context(), name, o)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), name, o)
	wantError(t, err, window.ErrLimit, "open", name, 0)
	a.Close()
	c, err := Open(t.Context(), name, o)
	if err != nil {
		t.Errorf("after a Close: %v", err)
	}
	if _, err := Open(t.Context(), name+"missing", o); err == nil {
		t.Error("a missing file was opened")
	}
	b.Close()
	c.Close()
}
