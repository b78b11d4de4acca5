package source

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"runtime"
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

// A read of a file that may wait does so in a place, whoever waits for it.
func TestThreadsAreBounded(t *testing.T) {
	rt := newRuntime(t, Limits{Threads: 2})
	p := random(10_000)
	f := openAt(t, write(t, p), &Options{Runtime: rt})
	f.pread.nowait.Store(false)
	for range 2 {
		if !rt.threads.TryAcquire() {
			t.Fatal("a free place was not given")
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err := f.ReadManagedAt(ctx, 5, 10)
	wantError(t, err, context.DeadlineExceeded, "read", f.Name(), 5)
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			ctx := t.Context()
			if i%2 == 0 {
				ctx = context.Background() // read in the caller's goroutine
			}
			w, err := f.ReadManagedAt(ctx, int64(i), 10)
			if err != nil || !bytes.Equal(w.Bytes(), p[i:i+10]) {
				t.Errorf("read %d = %v, %v", i, w, err)
			}
			w.Release()
		})
	}
	if n := rt.Stats().Threads; n != 2 {
		t.Errorf("%d places taken of 2", n)
	}
	if err := rt.SetLimits(Limits{Threads: 3}); err != nil {
		t.Fatal(err)
	}
	wg.Wait() // all of them through the one place that is new
	rt.threads.Release()
	rt.threads.Release()
}

// What is cached need not wait for a place behind reads that do.
func TestReadAtOfWhatIsCachedWaitsForNoPlace(t *testing.T) {
	rt := newRuntime(t, Limits{Threads: 1})
	p := random(10_000)
	name := write(t, p)
	f := openAt(t, name, &Options{Runtime: rt})
	got := make([]byte, 100)
	if !tries(func() bool { warm(t, name); return f.pread.resident(got, 5000) > 0 }) {
		t.Skip("this file system cannot tell what is resident")
	}
	rt.threads.TryAcquire()
	defer rt.threads.Release()
	var n int
	var err error
	tries(func() bool { // the machine may have dropped the page again: then it waits, and ReadAt would for ever
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		warm(t, name)
		clear(got)
		n, err = f.ReadInto(ctx, got, 5000)
		return !errors.Is(err, context.DeadlineExceeded)
	})
	if n != 100 || err != nil || !bytes.Equal(got, p[5000:5100]) {
		t.Errorf("ReadInto = %d, %v", n, err)
	}
}

// nested reads another File of the same Runtime, as a decoder does.
type nested struct{ f *File }

func (n nested) Size() int64 { return n.f.Size() }

func (n nested) Fetch(ctx context.Context, p []byte, off int64) (int, error) {
	return n.f.ReadInto(ctx, p, off)
}

func TestAFetcherOverAFileDoesNotWaitForItself(t *testing.T) {
	rt := newRuntime(t, Limits{Threads: 1})
	p := random(100_000)
	inner := openAt(t, write(t, p), &Options{Runtime: rt})
	inner.pread.nowait.Store(false)
	outer := New(nested{inner}, &Options{Runtime: rt})
	defer outer.Close()
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 50 {
				off := int64(1000*g + i)
				w, err := outer.ReadManagedAt(t.Context(), off, 100)
				if err != nil || !bytes.Equal(w.Bytes(), p[off:off+100]) {
					t.Errorf("a nested read = %v, %v", w, err)
				}
				w.Release()
			}
		})
	}
	wg.Wait()
}

// heeding is a Fetcher that returns only when its context ends.
type heeding struct{ under atomic.Int64 }

func (h *heeding) Size() int64 { return 1 << 30 }

func (h *heeding) Fetch(ctx context.Context, p []byte, off int64) (int, error) {
	h.under.Add(1)
	defer h.under.Add(-1)
	<-ctx.Done()
	return 0, ctx.Err()
}

func TestWhatNobodyWaitsForAnyMoreIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := newRuntime(t, Limits{})
		h := &heeding{}
		f := New(h, &Options{Runtime: rt, WindowBytes: 4 << 10})
		r := f.NewReader(nil)
		for off := range int64(100) {
			if err := r.SeekTo(off * 4096); err != nil {
				t.Fatal(err)
			}
			if _, err := r.TryReadManaged(t.Context()); !errors.Is(err, window.ErrNotReady) {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if n := h.under.Load(); n != 1 {
			t.Errorf("%d fetches are under way behind 99 seeks, want 1", n)
		}
		if _, err := f.TryReadManagedAt(t.Context(), 5, 10); !errors.Is(err, window.ErrNotReady) {
			t.Fatal(err)
		}
		r.Close()
		f.Close()
		synctest.Wait()
		if n := h.under.Load(); n != 0 {
			t.Errorf("%d fetches are under way after Close", n)
		}
	})
}

// What a Fetch left waiting for its context ends with the read.
func TestTheContextOfAFetchEndsWithIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := newRuntime(t, Limits{})
		given := make(chan context.Context, 1)
		f := New(giving{given}, &Options{Runtime: rt})
		defer f.Close()
		r := f.NewReader(nil)
		defer r.Close()
		wantBytes(t, r, []byte("x"))
		synctest.Wait()
		if ctx := <-given; ctx.Err() == nil {
			t.Error("the context of a fetch that is over has not ended")
		}
	})
}

// giving is a Fetcher that tells which context it was given.
type giving struct{ ctx chan context.Context }

func (g giving) Size() int64 { return 1 }

func (g giving) Fetch(ctx context.Context, p []byte, off int64) (int, error) {
	g.ctx <- ctx
	return copy(p, "x"), nil
}

func TestAFetchThatEndsItsGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := newRuntime(t, Limits{})
		f := New(liar{func([]byte, int64) (int, error) { runtime.Goexit(); return 0, nil }, func() int64 { return 100 }}, &Options{Runtime: rt})
		defer f.Close()
		_, err := f.ReadManagedAt(t.Context(), 0, 100)
		wantError(t, err, window.ErrFetcher, "read", "liar", 0)
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
	// Whoever has the result of the last read and closes has closed.
	for range 2000 {
		f, err := Open(t.Context(), name, &Options{Runtime: rt})
		if err != nil {
			t.Fatal(err)
		}
		f.pread.nowait.Store(false)
		w, err := f.ReadManagedAt(t.Context(), 0, 1)
		if err != nil {
			t.Fatal(err)
		}
		w.Release()
		f.Close()
		if n := rt.Stats().Files; n != 0 {
			t.Fatalf("%d files are open after Close", n)
		}
	}
	h, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	x, err := NewFile(h, o)
	if err != nil {
		t.Fatal(err)
	}
	if n := rt.Stats().Files; n != 1 {
		t.Errorf("%d files are open after NewFile, want 1", n)
	}
	x.Close()
}
