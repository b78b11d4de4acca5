package source

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/pool"
	"github.com/oriel-go/oriel/window"
)

// uncached makes a file of a text that the page cache does not hold, opened to
// be mapped, or skips.
func uncached(t *testing.T, text []byte, o *Options) *File {
	t.Helper()
	name := write(t, text)
	h, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(h.Sync(), unix.Fadvise(int(h.Fd()), 0, 0, unix.FADV_DONTNEED), h.Close())
	if err != nil {
		t.Skip("the page cache cannot be emptied here: ", err)
	}
	f := openAt(t, name, o)
	if yes, known := f.ways.mapped.Load().Cached(0, len(text)); yes || !known {
		t.Skip("what is written stays in the page cache here")
	}
	return f
}

func TestAMappedReadIsCancelledWhileItWaits(t *testing.T) {
	rt, o := guarded(t)
	if err := rt.SetLimits(Limits{Threads: 1}); err != nil {
		t.Fatal(err)
	}
	text := random(textBytes)
	f := uncached(t, text, o)
	if err := rt.threads.Acquire(t.Context()); err != nil { // so that the device is not even asked
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		w, err := f.ReadManagedAt(ctx, 0, 4096)
		w.Release()
		done <- err
	}()
	waits := func() bool { return inside(f.gate.entered.Load(), f.gate.left.Load()) == 2 } // the read, and its fetch
	waitFor(t, "the read to wait", waits)
	cancel()
	wantError(t, <-done, context.Canceled, "read", f.Name(), 0)
	r := f.NewReader(nil)
	defer r.Close()
	ctx, cancel = context.WithCancel(t.Context())
	go func() {
		w, err := r.ReadManaged(ctx)
		w.Release()
		done <- err
	}()
	waitFor(t, "the Reader to wait", waits)
	cancel()
	wantError(t, <-done, context.Canceled, "read", f.Name(), 0)
	rt.threads.Release()
	wantBytes(t, r, text) // the cancelled read lost nothing
	hold(t, f, text).release()
}

// What is not resident is fetched, and then lent; what is resident may come as
// a copy first.
func TestTryingToReadAMappedFile(t *testing.T) {
	text := random(textBytes)
	for _, off := range []int64{100, 2<<20 - 5, textBytes - 10} {
		_, o := guarded(t)
		f := uncached(t, text, o)
		waitFor(t, "the range to be lent", func() bool {
			w, err := f.TryReadManagedAt(t.Context(), off, 10)
			if errors.Is(err, window.ErrNotReady) {
				return false
			}
			if err != nil || !bytes.Equal(w.Bytes(), text[off:off+10]) {
				t.Fatalf("at %d: %v, %v", off, w, err)
			}
			defer w.Release()
			return w.Info().Residency == window.Guarded
		})
		w, err := f.TryReadManagedAt(t.Context(), off+1, 5) // of what is loaded
		if err != nil || !bytes.Equal(w.Bytes(), text[off+1:off+6]) || w.Info().Residency != window.Guarded {
			t.Errorf("at %d, which is loaded: %v, %+v, %v", off, w, w.Info(), err)
		}
		w.Release()
	}
}

func TestAMappedReaderThatTries(t *testing.T) {
	rt, o := guarded(t)
	if err := rt.SetLimits(Limits{Threads: 1}); err != nil {
		t.Fatal(err)
	}
	text := random(textBytes)
	r := uncached(t, text, o).NewReader(nil)
	defer r.Close()
	if err := rt.threads.Acquire(t.Context()); err != nil { // so that no device is fast enough
		t.Fatal(err)
	}
	letGo := sync.OnceFunc(rt.threads.Release)
	defer letGo()
	defer time.AfterFunc(10*time.Second, letGo).Stop() // a Try that waits for it comes back, and is found out
	var got []byte
	waited := 0
	for len(got) < len(text) {
		w, err := r.TryReadManaged(t.Context())
		if errors.Is(err, window.ErrNotReady) {
			waited++
			letGo()
			<-r.Ready()
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, w.Bytes()...)
		w.Release()
	}
	if waited == 0 || !bytes.Equal(got, text) {
		t.Errorf("%d waits; right %v", waited, bytes.Equal(got, text))
	}
	if _, err := r.TryReadManaged(t.Context()); err != io.EOF {
		t.Errorf("at the end: %v, want io.EOF", err)
	}
}

func TestReadingAMappedFileIntoTheCallersMemory(t *testing.T) {
	_, o := guarded(t)
	text := random(textBytes)
	for what, f := range map[string]*File{"cached": openAt(t, write(t, text), o), "not cached": uncached(t, text, o)} {
		for range 2 {
			for _, at := range []struct{ off, n int }{{0, 1}, {2<<20 - 5, 10}, {5, 5 << 20}, {0, textBytes}, {textBytes - 1, 1}, {100, 0}} {
				p := make([]byte, at.n)
				if n, err := f.ReadAt(p, int64(at.off)); n != at.n || err != nil || !bytes.Equal(p, text[at.off:][:at.n]) {
					t.Errorf("%s: ReadAt of %d at %d: %d, %v", what, at.n, at.off, n, err)
				}
				clear(p)
				if n, err := f.ReadInto(t.Context(), p, int64(at.off)); n != at.n || err != nil || !bytes.Equal(p, text[at.off:][:at.n]) {
					t.Errorf("%s: ReadInto of %d at %d: %d, %v", what, at.n, at.off, n, err)
				}
			}
		}
		p := make([]byte, 100)
		if n, err := f.ReadAt(p, textBytes-50); n != 50 || err == nil || !bytes.Equal(p[:50], text[textBytes-50:]) {
			t.Errorf("%s: ReadAt across the end: %d, %v", what, n, err)
		}
		f.Close()
	}
}

// The caller's descriptor is left alone.
func TestTheDescriptorOfAMappedFileIsNotTouched(t *testing.T) {
	rt, o := guarded(t)
	text := random(textBytes)
	name := write(t, text)
	writable, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = NewFile(writable, o)
	wantError(t, err, window.ErrRefused, "open", name, 0)
	if _, err := writable.WriteString("the caller may still write"); err != nil {
		t.Error(err)
	}
	writable.Close()
	copy(text, "the caller may still write")
	h, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	const middle = 1000
	if _, err := h.Seek(middle, 0); err != nil {
		t.Fatal(err)
	}
	asked := []int{unix.F_GETLEASE, unix.F_GETFL, unix.F_GETFD, unix.F_GETSIG, unix.F_GETOWN}
	before := answers(t, h, asked)
	f, err := NewFile(h, o)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	held := hold(t, f, text)
	if rt.Stats().Guard.Leases != 1 {
		t.Errorf("%+v, want one lease", rt.Stats().Guard)
	}
	for i, n := range answers(t, h, asked) {
		if n != before[i] {
			t.Errorf("fcntl %d of the caller's descriptor says %d, and said %d", asked[i], n, before[i])
		}
	}
	if before[0] != unix.F_UNLCK || before[3] != 0 {
		t.Errorf("the descriptor said %v", before)
	}
	if at, err := h.Seek(0, 1); at != middle || err != nil {
		t.Errorf("the position is %d, %v", at, err)
	}
	h.Close() // which would give up a lease that was its own
	if err := startWriter(t).do("truncate to nothing", name); err != nil {
		t.Fatal(err)
	}
	held.wantFrozen("after a writer")
	held.release()
}

// answers asks fcntl.
func answers(t *testing.T, h *os.File, asked []int) (n []int) {
	t.Helper()
	c, err := h.SyscallConn() // Fd would change the descriptor's mode
	if err != nil {
		t.Fatal(err)
	}
	err = c.Control(func(fd uintptr) {
		for _, what := range asked {
			m, err := unix.FcntlInt(fd, what, 0)
			if err != nil {
				t.Errorf("fcntl %d: %v", what, err)
			}
			n = append(n, m)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestCloseRacesWithReadsOfAMappedFile(t *testing.T) {
	_, o := guarded(t)
	text := random(textBytes)
	name := write(t, text)
	for round := range 30 {
		f, err := Open(t.Context(), name, o)
		if err != nil {
			t.Fatal(err)
		}
		var began, done sync.WaitGroup
		for i := range 8 {
			began.Add(1)
			done.Go(func() {
				for n := i; ; n += 11 {
					off := int64(n*300_000) % (textBytes - 5000)
					w, err := f.ReadManagedAt(t.Context(), off, 5000)
					if n == i {
						began.Done()
					}
					if errors.Is(err, window.ErrClosed) {
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
					if round%2 == 0 || n%3 == 0 {
						runtime.Gosched()
					}
					if !bytes.Equal(w.Bytes(), text[off:off+5000]) {
						t.Errorf("other bytes at %d: %+v", off, w.Info())
					}
					w.Release()
				}
			})
		}
		began.Wait()
		if round%3 == 0 {
			done.Go(func() {
				if err := doDeed("open for writing only", name); err != nil {
					t.Error(err)
				}
			})
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		done.Wait()
	}
}

func TestMappedReadsNoAlloc(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	rt, o := guarded(t)
	rt.Memory().SetDebug(pool.Debug{}) // which the tag orieldebug turns on
	f := openAt(t, write(t, random(textBytes)), o)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	readAt := func(f *File, off int64, n int) func() {
		return func() {
			w, err := f.ReadManagedAt(ctx, off, n)
			if err != nil {
				t.Fatal(err)
			}
			w.Release()
		}
	}
	r := f.NewReader(nil)
	defer r.Close()
	p := make([]byte, 4096)
	for _, tt := range []struct {
		what string
		f    func()
	}{
		{"ReadManagedAt", readAt(f, 8192, 4096)},
		{"ReadManagedAt across extents", readAt(f, 2<<20-10, 4096)},
		{"ReadAt", func() { f.ReadAt(p, 4096) }},
		{"TryReadManagedAt", func() {
			w, err := f.TryReadManagedAt(ctx, 8192, 4096)
			if err != nil {
				t.Fatal(err)
			}
			w.Release()
		}},
		{"ReadManaged of what is loaded", func() { readRound(ctx, t, r) }},
	} {
		for range 600 { // warm-up
			tt.f()
		}
		if n := testing.AllocsPerRun(200, tt.f); n != 0 {
			t.Errorf("%s: %v allocations", tt.what, n)
		}
	}
}

// readRound reads a window, the first behind the last.
func readRound(ctx context.Context, t *testing.T, r *Reader) {
	t.Helper()
	if r.pos == r.f.Size() {
		if err := r.SeekTo(0); err != nil {
			t.Fatal(err)
		}
	}
	w, err := r.ReadManaged(ctx)
	if err != nil {
		t.Fatal(err)
	}
	w.Release()
}

// What is loaded by whoever reads it, which a context that can end does not let
// happen, has all of what may be locked to itself here.
func TestMappedReadsOnTheWayNoAlloc(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	rt, o := guarded(t)
	rt.Memory().SetDebug(pool.Debug{}) // which the tag orieldebug turns on
	o.Pattern = Detect
	name := write(t, random(32<<20))
	f := openAt(t, name, o)
	for _, size := range []int{0, 64 << 10} {
		r := f.NewReader(&Options{WindowBytes: size})
		next := func() { readRound(context.Background(), t, r) }
		for range 600 { // warm-up
			next()
		}
		var n float64
		tries(func() bool { // who waits for what the machine has dropped reads ahead, by goroutines
			warm(t, name)
			waits := r.Stats().Waits
			n = testing.AllocsPerRun(200, next)
			return n == 0 || r.Stats().Waits == waits
		})
		if s := r.Stats(); n != 0 || s.Lent < s.Reads/2 {
			t.Errorf("windows of %d bytes: %v allocations, and %d of %d were lent", size, n, s.Lent, s.Reads)
		}
		r.Close() // which gives up what it has loaded
	}
}

// A Reader that seeks about leaves nothing locked behind that the next windows would
// have to be copied for.
func TestAMappedReaderThatSeeksAboutIsLent(t *testing.T) {
	rt := newRuntime(t, Limits{LockBytes: fewLocked})
	o := &Options{Runtime: rt, Source: Mmap, WindowBytes: 1 << 20}
	mapping(t, o)
	text := random(planBytes)
	name := write(t, text)
	f := openAt(t, name, o)
	copied := 0
	if !tries(func() bool { // what the machine has dropped is being loaded for the next when that wants the memory
		warm(t, name)
		copied = seekAbout(t, f, text)
		return copied == 0
	}) {
		t.Errorf("%d windows were copied", copied)
	}
	// A load that was under way gives up what it has loaded.
	waitFor(t, "nothing to be locked when all have ended", func() bool { return rt.Stats().Guard.LockedBytes == 0 })
}

// seekAbout reads windows that are far from each other, by a Reader and by some that
// end, and returns how many were copied.
func seekAbout(t *testing.T, f *File, text []byte) (copied int) {
	t.Helper()
	read := func(r *Reader, off int64) {
		t.Helper()
		if err := r.SeekTo(off); err != nil {
			t.Fatal(err)
		}
		w, err := r.ReadManaged(t.Context())
		if err != nil || !bytes.Equal(w.Bytes(), text[off:off+int64(w.Len())]) {
			t.Fatalf("at %d: %v, %v", off, w, err)
		}
		if w.Info().Source != "mmap" {
			copied++
		}
		w.Release()
	}
	const far = 8 << 20 // more than is loaded together
	r := f.NewReader(nil)
	for i := range int64(12) {
		read(r, i%3*far)
	}
	r.Close()
	for i := range int64(6) {
		r := f.NewReader(nil)
		read(r, i%3*far)
		r.Close()
	}
	return copied
}
