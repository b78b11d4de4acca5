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
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/uringsrc/uringtest"
	"github.com/oriel-go/oriel/window"
)

// A worldFile is one of the files that worlds read, which never change.
type worldFile struct {
	name string
	text []byte
}

// worldFiles makes files whose pages differ from each other's.
func worldFiles(t *testing.T) (files []worldFile) {
	t.Helper()
	dir := t.TempDir()
	for i, size := range []int{0, 1, 4096, 5000, 70_000, 300_001} {
		text := random(size)
		for j := range text {
			text[j] ^= byte(i)
		}
		name := filepath.Join(dir, strconv.Itoa(i))
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, worldFile{name, text})
	}
	return files
}

// A world is one random program against everything that reads through a ring
// which the same seed makes late, short of bytes, wrong and broken. Whatever
// happens, what comes are the bytes of the file, in their place, or an error that
// is allowed; and in the end nothing is left.
type world struct {
	t     *testing.T
	seed  uint64
	rnd   *rand.Rand
	rt    *Runtime
	sim   *uringtest.Simulation
	files []worldFile

	bad    int64 // offset of a page that cannot be read in any file, -1 for none
	stuck  bool  // some reads do not come back
	closed bool  // the engine is
	steps  atomic.Int64

	open  []*worldOpen
	held  []worldHeld
	queue *Queue
	asked map[uint64]worldAsked
	tag   uint64
}

// A worldOpen is a File that is open, with its Reader.
type worldOpen struct {
	worldFile
	f      *File
	r      *Reader
	pos    int64 // of r
	looks  bool  // f looks in the page cache before it asks the ring
	closed bool
}

// A worldHeld is a window that is held, and what it must be.
type worldHeld struct {
	w    window.Window
	want []byte
}

// A worldAsked is what was submitted to the Queue.
type worldAsked struct {
	o   *worldOpen
	off int64
	n   int
}

func (w *world) fail(format string, args ...any) {
	w.t.Helper()
	w.t.Errorf("seed %d: %s", w.seed, fmt.Sprintf(format, args...))
}

// content is what the ring reads.
func (w *world) content(fd int, p []byte, off int64) (int, error) {
	w.steps.Add(1)
	if w.bad >= 0 && off+int64(len(p)) > w.bad && off < w.bad+Granularity {
		var st unix.Stat_t
		if err := unix.Fstat(fd, &st); err != nil {
			return 0, err
		}
		switch {
		case st.Size <= w.bad: // a file that has no such page
		case off >= w.bad:
			return 0, syscall.EIO
		default:
			p = p[:w.bad-off]
		}
	}
	return uringtest.Pread(fd, p, off)
}

// chance reports true for so many of 100.
func (w *world) chance(of100 int) bool { return w.rnd.IntN(100) < of100 }

// runWorld runs one.
func runWorld(t *testing.T, rt *Runtime, files []worldFile, seed uint64) {
	w := &world{t: t, seed: seed, rnd: rand.New(rand.NewPCG(seed, 0x1e)), rt: rt, files: files, bad: -1, asked: map[uint64]worldAsked{}}
	o := uringtest.Options{
		Kernel:  uringtest.Kernel(w.rnd.IntN(3)),
		Seats:   w.rnd.IntN(4),
		Content: w.content,
		Engine:  engineOf(1 + w.rnd.IntN(16)),
		Faults:  uringtest.Random(seed),
	}
	o.Faults.Latest = time.Duration(1+w.rnd.IntN(100)) * time.Microsecond
	if w.chance(20) {
		o.Completions = 1 + w.rnd.IntN(4)
	}
	if w.chance(20) {
		o.Engine.InFlightBytes = 1 + w.rnd.Int64N(64<<10)
	}
	if w.chance(25) {
		w.bad = w.rnd.Int64N(20) * Granularity
	}
	if w.stuck = w.chance(20); w.stuck {
		o.Faults.Never, o.Faults.Stuck = w.rnd.IntN(300), w.rnd.IntN(300)
	}
	if w.chance(5) && o.Completions == 0 { // what has overflowed cannot be had from a ring that cannot be entered
		o.Faults.EnterFails, o.Faults.EnterError = 1+w.rnd.IntN(40), syscall.EPERM
	}
	e, sim, err := uringtest.New(seed, o)
	if err != nil {
		t.Fatal(err)
	}
	w.sim = sim
	rt.ringMu.Lock()
	rt.engine = e
	rt.ringMu.Unlock()
	for range 5 + w.rnd.IntN(40) {
		w.step()
	}
	if w.chance(10) {
		w.closed = true
		sim.Release()
		if err := e.Close(t.Context()); err != nil {
			w.fail("Close of the engine: %v", err)
		}
		for range 5 {
			w.step()
		}
	}
	w.end()
	sim.Release()
	if err := errors.Join(e.Close(t.Context()), sim.Check()); err != nil {
		w.fail("%v", err)
	}
	idle := func() bool {
		s := rt.Stats()
		return s.Memory.InUseBytes == 0 && s.Files == 0 && s.Threads == 0
	}
	for i := 0; i < 1000 && !idle(); i++ { // tasks are about to end
		runtime.Gosched()
	}
	if !idle() {
		waitFor(t, fmt.Sprintf("what seed %d has left behind: %+v", seed, rt.Stats()), idle)
	}
	if n := rt.Stats().Ring.Strays; n != 0 {
		w.fail("%d completions belonged to no read", n)
	}
}

// end gives everything back, in some order.
func (w *world) end() {
	if w.queue != nil && w.chance(50) {
		w.queue.Close()
	}
	for _, o := range w.open {
		if w.chance(50) {
			o.f.Close()
		}
		o.r.Close()
		o.f.Close()
	}
	for _, h := range w.held {
		w.release(h)
	}
	if w.queue != nil {
		w.queue.Close()
	}
}

func (w *world) release(h worldHeld) {
	if !bytes.Equal(h.w.Bytes(), h.want) {
		w.fail("%v has changed while it was held", h.w)
	}
	h.w.Release()
}

// unstick is called before what waits.
func (w *world) unstick() {
	if w.stuck {
		w.stuck = false
		w.sim.Release()
	}
}

// step does one thing.
func (w *world) step() {
	if len(w.open) == 0 || len(w.open) < 4 && w.chance(10) {
		w.openOne()
	}
	o := w.open[w.rnd.IntN(len(w.open))]
	off, n := w.someRange(o)
	switch k := w.rnd.IntN(20); k {
	case 0, 1, 2:
		w.unstick()
		got, err := o.f.ReadManagedAt(context.Background(), off, n)
		w.check(o, off, n, got, err, nil)
	case 3, 4:
		ctx := w.endingContext()
		got, err := o.f.ReadManagedAt(ctx, off, n)
		w.check(o, off, n, got, err, context.Canceled)
	case 5, 6:
		off, n = int64(w.rnd.IntN(4))*3000, 2000 // what was begun is asked for again
		got, err := o.f.TryReadManagedAt(context.Background(), off, n)
		w.check(o, off, n, got, err, window.ErrNotReady)
	case 7, 8, 9:
		w.unstick()
		got, err := o.r.ReadManaged(context.Background())
		w.checkNext(o, got, err, nil)
	case 10:
		got, err := o.r.ReadManaged(w.endingContext())
		w.checkNext(o, got, err, context.Canceled)
	case 11, 12:
		got, err := o.r.TryReadManaged(context.Background())
		w.checkNext(o, got, err, window.ErrNotReady)
	case 13:
		w.seek(o, off)
	case 14:
		w.unstick()
		w.readInto(o, off, n)
	case 15, 16:
		w.submit(o)
	case 17:
		w.next()
	case 18:
		if len(w.held) > 0 {
			i := w.rnd.IntN(len(w.held))
			w.release(w.held[i])
			w.held = append(w.held[:i], w.held[i+1:]...)
		}
	case 19:
		w.closeOne(o)
	}
}

func (w *world) openOne() {
	i := w.rnd.IntN(len(w.files))
	opts := &Options{
		Runtime:     w.rt,
		Source:      Uring,
		Direct:      []Direct{DirectNever, DirectAlways}[w.rnd.IntN(2)],
		Pattern:     Pattern(w.rnd.IntN(5)),
		WindowBytes: Granularity << w.rnd.IntN(3),
	}
	f, err := Open(context.Background(), w.files[i].name, opts)
	if err != nil {
		if !w.closed {
			w.fail("%v", err)
		}
		return
	}
	o := &worldOpen{worldFile: w.files[i], f: f, r: f.NewReader(nil)}
	if o.looks = w.chance(10); !o.looks { // otherwise pread has it all, for these files are cached
		waits(f)
	}
	w.open = append(w.open, o)
}

func (w *world) closeOne(o *worldOpen) {
	if !w.chance(30) {
		return
	}
	if w.chance(50) {
		o.r.Close()
	}
	if err := o.f.Close(); err != nil {
		w.fail("%v", err)
	}
	o.closed = true
	w.openOne()
}

func (w *world) someRange(o *worldOpen) (off int64, n int) {
	return w.rnd.Int64N(int64(len(o.text)) + 2), 1 + w.rnd.IntN(1<<w.rnd.IntN(15))
}

// endingContext returns a context that ends soon.
func (w *world) endingContext() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	turns := w.rnd.IntN(30)
	if turns == 0 {
		cancel()
		return ctx
	}
	until := w.steps.Load() + int64(w.rnd.IntN(4))
	go func() {
		for range turns {
			if w.steps.Load() > until {
				break
			}
			runtime.Gosched()
		}
		cancel()
	}()
	return ctx
}

// check says what may have come of a read: the bytes, or an error; other is one
// that is allowed.
func (w *world) check(o *worldOpen, off int64, n int, got window.Window, err, other error) {
	size := int64(len(o.text))
	end := min(off+int64(n), size)
	switch {
	case err == nil && off < end:
		if got.Off() != off || !bytes.Equal(got.Bytes(), o.text[off:end]) {
			w.fail("%d bytes at %d of %d: %v, and the bytes: %v", n, off, size, got, bytes.Equal(got.Bytes(), o.text[off:end]))
		}
		// Of a file that the machine has dropped a page of, a look may bring the bad
		// page and the ring the rest.
		if w.bad >= off && w.bad < end && got.Info().Source == "uring" && !o.looks {
			w.fail("%v has a page that cannot be read", got)
		}
		if w.chance(30) && len(w.held) < 20 {
			w.held = append(w.held, worldHeld{got, o.text[off:end]})
			return
		}
		got.Release()
	case err == nil:
		w.fail("%d bytes at %d of %d: %v", n, off, size, got)
		got.Release()
	case errors.Is(err, io.EOF) && off >= size && err == io.EOF:
	default:
		w.checkError(o, off, end, err, other)
	}
}

func (w *world) checkError(o *worldOpen, off, end int64, err, other error) {
	var e *window.Error
	switch {
	case !errors.As(err, &e) || e.Path != o.name:
		w.fail("%d to %d: the error %v", off, end, err)
	case other != nil && errors.Is(err, other):
	case errors.Is(err, window.ErrLimit) && other == window.ErrNotReady:
	case errors.Is(err, window.ErrClosed) && (o.closed || w.closed || o.r.closed.Load()):
	case errors.Is(err, syscall.EIO) && w.bad >= 0 && w.bad < end && off < w.bad+Granularity && e.Off == max(off, w.bad):
	default:
		w.fail("%d to %d: %v", off, end, err)
	}
}

// checkNext is check of a Reader's next window, which may be a short one before an
// error.
func (w *world) checkNext(o *worldOpen, got window.Window, err, other error) {
	if err != nil {
		if err == io.EOF && o.pos < int64(len(o.text)) {
			w.fail("the end at %d of %d", o.pos, len(o.text))
		}
		w.check(o, o.pos, 1<<20, got, err, other)
		return
	}
	n := got.Len()
	if got.Off() != o.pos || n == 0 {
		w.fail("%v where the Reader is at %d", got, o.pos)
	}
	o.pos += int64(n)
	w.check(o, got.Off(), n, got, nil, nil)
}

func (w *world) seek(o *worldOpen, off int64) {
	err := o.r.SeekTo(off)
	if err == nil {
		o.pos = off
	} else if !o.r.closed.Load() {
		w.fail("%v", err)
	}
}

func (w *world) readInto(o *worldOpen, off int64, n int) {
	p := make([]byte, n)
	n, err := o.f.ReadInto(context.Background(), p, off)
	if n > 0 && !bytes.Equal(p[:n], o.text[off:off+int64(n)]) {
		w.fail("ReadInto at %d: other bytes", off)
	}
	switch {
	case err == io.EOF && off+int64(n) == max(int64(len(o.text)), off):
	case err == nil && n == len(p):
	case err != nil && err != io.EOF:
		w.checkError(o, off+int64(n), off+int64(len(p)), err, nil)
	default:
		w.fail("ReadInto of %d at %d of %d = %d, %v", len(p), off, len(o.text), n, err)
	}
}

func (w *world) submit(o *worldOpen) {
	if w.queue == nil {
		q, err := w.rt.NewQueue(1 + w.rnd.IntN(8))
		if err != nil {
			w.t.Fatal(err)
		}
		w.queue = q
	}
	var reads []QueueRead
	for range 1 + w.rnd.IntN(4) {
		off, n := w.someRange(o)
		w.tag++
		reads = append(reads, QueueRead{File: o.f, Off: off, Len: n, Tag: w.tag})
	}
	n, err := w.queue.Submit(context.Background(), reads...)
	if err != nil {
		w.fail("Submit = %d, %v", n, err)
	}
	for _, r := range reads[:n] {
		w.asked[r.Tag] = worldAsked{o, r.Off, r.Len}
	}
	if w.queue.InFlight() != len(w.asked) {
		w.fail("%d in flight in a Queue that was asked for %d", w.queue.InFlight(), len(w.asked))
	}
}

func (w *world) next() {
	if w.queue == nil {
		return
	}
	var res QueueResult
	var err error
	switch w.rnd.IntN(3) {
	case 0:
		res, err = w.queue.TryNext()
		if errors.Is(err, window.ErrNotReady) && len(w.asked) > 0 {
			return
		}
	case 1:
		res, err = w.queue.Next(w.endingContext())
		if errors.Is(err, context.Canceled) {
			return
		}
	default:
		w.unstick()
		res, err = w.queue.Next(context.Background())
	}
	if err == io.EOF && len(w.asked) == 0 {
		return
	}
	a, ok := w.asked[res.Tag]
	if err != nil || !ok {
		w.fail("the Queue returned %v and tag %d with %d asked for", err, res.Tag, len(w.asked))
		return
	}
	delete(w.asked, res.Tag)
	w.check(a.o, a.off, a.n, res.Window, res.Err, nil)
}

// TestRingWorlds runs random programs. A seed that fails is run again, alone, with
// ORIEL_TEST_SEED.
func TestRingWorlds(t *testing.T) {
	seeds := uint64(20_000)
	if testing.Short() || raceEnabled {
		seeds = 1000
	}
	first := uint64(0)
	if s := os.Getenv("ORIEL_TEST_SEED"); s != "" {
		var err error
		if first, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
		seeds = 1
	}
	ringing(t, &Options{Runtime: newRuntime(t, Limits{}), Source: Uring, Direct: DirectAlways})
	files := worldFiles(t)
	began := time.Now()
	var next atomic.Uint64
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		rt := newRuntime(t, Limits{})
		workers.Go(func() {
			defer func() { rt.ringMu.Lock(); rt.engine = nil; rt.ringMu.Unlock() }()
			for !t.Failed() {
				n := next.Add(1)
				if n > seeds {
					return
				}
				runWorld(t, rt, files, first+n-1)
			}
		})
	}
	workers.Wait()
	t.Logf("%d seeds in %v", seeds, time.Since(began).Round(time.Millisecond))
}
