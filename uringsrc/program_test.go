package uringsrc_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/oriel-go/oriel/uringsrc"
	"github.com/oriel-go/oriel/uringsrc/uringtest"
)

// A program is a random use of an engine over simulated rings, which is held
// against a model: what each read may return, that it ends exactly once, and that
// nobody writes to its buffer any more when it has.
type program struct {
	t       testing.TB
	o       uringtest.Options
	e       *uringsrc.Engine
	sim     *uringtest.Simulation
	closing atomic.Bool // Close was called

	mu    sync.Mutex
	items []*item // all there are
	free  []*item // those whose buffer is nobody's
}

// The files of the model: file fd ends at fileEnd(fd), and file badFile cannot be
// read from badAt on.
const (
	files   = 4
	badFile = 3
	badAt   = 700
)

func fileEnd(fd int) int64 { return int64(500 + 300*fd) }

// modelFile is the content of the files.
func modelFile(fd int, p []byte, off int64) (int, error) {
	end := fileEnd(fd)
	if fd == badFile {
		if off >= badAt {
			return 0, syscall.EIO
		}
		end = badAt
	}
	if off >= end {
		return 0, nil
	}
	return uringtest.Bytes(fd, p[:min(int64(len(p)), end-off)], off)
}

// An item is a Read that is used again and again, in the middle of memory that
// belongs to nobody.
type item struct {
	p         *program
	read      uringsrc.Read
	whole     []byte // the buffer with guard bytes on both sides
	started   atomic.Int64
	ended     atomic.Int64 // calls of ReadDone
	abandoned atomic.Bool
	canary    byte // what whole is filled with while it is free
	queue     *uringsrc.Queue
}

const guard = 16

// ReadDone is the engine's word that the buffer is free.
func (i *item) ReadDone(r *uringsrc.Read, abandoned bool) {
	if r != &i.read {
		i.p.t.Errorf("ReadDone of another Read")
	}
	if n, m := i.ended.Add(1), i.started.Load(); n != m {
		i.p.t.Errorf("ended %d times after %d starts", n, m)
	}
	if abandoned != i.abandoned.Load() && abandoned {
		i.p.t.Errorf("ReadDone says abandoned of a Read that was not")
	}
	if abandoned {
		i.p.release(i)
	}
}

// release makes the item free, and marks its memory.
func (p *program) release(i *item) {
	i.canary++
	fill(i.whole, i.canary)
	p.mu.Lock()
	p.free = append(p.free, i)
	p.mu.Unlock()
}

func fill(b []byte, with byte) {
	for i := range b {
		b[i] = with
	}
}

// checkCanary fails if the memory of a free item has changed.
func (i *item) checkCanary() {
	for at, b := range i.whole {
		if b != i.canary {
			i.p.t.Errorf("byte %d of a buffer was overwritten after it was given back", at)
			return
		}
	}
}

// get returns a free item, prepared to read something.
func (p *program) get(rng *rand.Rand) *item {
	p.mu.Lock()
	var i *item
	if n := len(p.free); n > 0 && rng.IntN(4) > 0 {
		at := rng.IntN(n)
		i = p.free[at]
		p.free[at] = p.free[n-1]
		p.free = p.free[:n-1]
	} else {
		i = &item{p: p, whole: make([]byte, 300)}
		p.items = append(p.items, i)
	}
	p.mu.Unlock()
	i.checkCanary()
	i.abandoned.Store(false)
	i.queue = nil
	fd := rng.IntN(files)
	n := rng.IntN(len(i.whole) - 2*guard + 1)
	r := &i.read
	r.FD, r.Off, r.Unit, r.Owner = fd, rng.Int64N(fileEnd(fd)+50), 0, i
	r.Buf = i.whole[guard:][:n]
	r.Need = n
	if n > 0 && rng.IntN(3) == 0 {
		r.Need = rng.IntN(n + 1)
	}
	if rng.IntN(4) == 0 {
		r.Unit = 1 + rng.IntN(64)
	}
	fill(i.whole, 0xa5)
	i.started.Add(1)
	return i
}

// check holds the result of an item that is done against the model, and frees it.
func (p *program) check(i *item) {
	r := &i.read
	if n, m := i.ended.Load(), i.started.Load(); n != m {
		p.t.Errorf("done, and ended %d times after %d starts", n, m)
	}
	if err := p.judge(r); err != nil {
		p.t.Errorf("file %d, %d bytes at %d, need %d, unit %d: %d, %v: %v", r.FD, len(r.Buf), r.Off, r.Need, r.Unit, r.N, r.Err, err)
	}
	for _, g := range [][]byte{i.whole[:guard], i.whole[guard+len(r.Buf):]} {
		for _, b := range g {
			if b != 0xa5 {
				p.t.Errorf("a byte outside of the buffer was written")
				break
			}
		}
	}
	p.release(i)
}

// judge returns what is wrong with the result of r.
func (p *program) judge(r *uringsrc.Read) error {
	want := make([]byte, r.N)
	if n, _ := modelFile(r.FD, want, r.Off); n != r.N {
		return fmt.Errorf("the file has %d bytes there", n)
	}
	if !bytes.Equal(want, r.Buf[:r.N]) {
		return errors.New("other bytes than those of the file")
	}
	end := r.Off + int64(r.N)
	var ring *uringsrc.RingError
	f := &p.o.Faults
	switch {
	case r.Err == nil && r.N < r.Need && (r.Unit <= 1 || r.N%r.Unit == 0):
		return errors.New("fewer bytes than needed, and no error")
	case r.Err == nil:
	case r.N >= r.Need && r.Need > 0:
		return errors.New("as many bytes as needed, and an error")
	case r.Err == io.EOF && end < fileEnd(r.FD), r.Err == syscall.EIO && (r.FD != badFile || end < badAt):
		return errors.New("not there")
	case r.Err == io.EOF, r.Err == syscall.EIO:
	case errors.Is(r.Err, uringsrc.ErrClosed):
		if !p.closing.Load() {
			return errors.New("nobody closes")
		}
	case errors.As(r.Err, &ring):
		if f.Canceled == 0 && f.Fault == 0 && f.EnterFails == 0 {
			return errors.New("the ring is good")
		}
	default:
		return errors.New("not an error that can be")
	}
	return nil
}

// An actor is one goroutine of a program, with the items that it has started.
type actor struct {
	*program
	rng   *rand.Rand
	queue *uringsrc.Queue
	held  []*item
}

// take removes one of those that are held.
func (a *actor) take() *item {
	at := a.rng.IntN(len(a.held))
	i := a.held[at]
	a.held[at] = a.held[len(a.held)-1]
	a.held = a.held[:len(a.held)-1]
	return i
}

func (a *actor) drop(i *item) {
	for at, h := range a.held {
		if h == i {
			a.held = append(a.held[:at], a.held[at+1:]...)
			return
		}
	}
	a.t.Error("a Queue returned a Read that was not started into it, or once more")
}

// context returns one that ends soon, or has ended.
func (a *actor) context() (context.Context, context.CancelFunc) {
	if a.rng.IntN(5) == 0 {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		return ctx, cancel
	}
	if n := a.rng.IntN(50); n < 20 {
		ctx, cancel := context.WithCancel(context.Background())
		go func() {
			for range n {
				runtime.Gosched()
			}
			cancel()
		}()
		return ctx, cancel
	}
	return context.WithTimeout(context.Background(), time.Duration(1+a.rng.IntN(3000))*time.Microsecond)
}

// step does one thing.
func (a *actor) step(what int) {
	switch what {
	case 0, 1:
		if a.o.Steps {
			a.start(1)
			return
		}
		ctx, cancel := a.context()
		defer cancel()
		i := a.get(a.rng)
		if a.e.Read(ctx, &i.read) == nil {
			a.check(i)
		} else {
			a.held = append(a.held, i)
		}
	case 2:
		a.start(1 + a.rng.IntN(8))
	case 3:
		a.one((*actor).wait)
	case 4:
		a.one((*actor).poll)
	case 5:
		a.one((*actor).listen)
	case 6:
		if len(a.held) > 0 {
			a.abandon(a.take())
		}
	case 7:
		a.next(false)
	case 8:
		a.next(true)
	case 9:
		a.queue.Wake()
		if a.o.Steps {
			a.sim.Step()
		}
	case 10:
		pause(time.Duration(a.rng.IntN(1500)) * time.Microsecond)
	default:
		if a.o.Steps {
			a.sim.Step()
		}
	}
}

// pause sleeps: programs run in bubbles, where no time passes.
func pause(d time.Duration) { time.Sleep(d) }

const steps = 14 // kinds of them

// start begins several reads, into the queue or not.
func (a *actor) start(n int) {
	var q *uringsrc.Queue
	if a.rng.IntN(2) == 0 {
		q = a.queue
	}
	rs := make([]*uringsrc.Read, 0, n)
	for range n {
		i := a.get(a.rng)
		i.queue = q
		rs = append(rs, &i.read)
		a.held = append(a.held, i)
	}
	a.e.Start(q, rs...)
}

// one has something happen to an item that is held, which stays so unless f
// says that it has ended. Members of the queue stay until they come out.
func (a *actor) one(f func(*actor, *item) (ended bool)) {
	if len(a.held) == 0 {
		return
	}
	if i := a.take(); !f(a, i) || i.queue != nil {
		a.held = append(a.held, i)
	} else {
		a.check(i)
	}
}

func (a *actor) wait(i *item) bool {
	if a.o.Steps {
		return a.poll(i)
	}
	ctx, cancel := a.context()
	defer cancel()
	return i.read.Wait(ctx) == nil
}

func (a *actor) poll(i *item) bool { return i.read.Done() }

func (a *actor) listen(i *item) bool {
	ready := i.read.Ready()
	if a.rng.IntN(2) == 0 || a.o.Steps {
		return false
	}
	ctx, cancel := a.context()
	defer cancel()
	select {
	case <-ready:
		if !i.read.Done() {
			a.t.Error("Ready is closed, and Done is not true")
		}
		return true
	case <-ctx.Done():
		return false
	}
}

// abandon gives an item up, which can be another's when it returns.
func (a *actor) abandon(i *item) {
	i.abandoned.Store(true)
	if i.read.Abandon() {
		a.check(i)
	}
}

func (a *actor) next(try bool) {
	var r *uringsrc.Read
	if try || a.o.Steps {
		r = a.queue.TryNext()
	} else {
		ctx, cancel := a.context()
		defer cancel()
		var err error
		r, err = a.queue.Next(ctx)
		if r != nil && err != nil || r == nil && errors.Is(err, uringsrc.ErrClosed) && !a.closing.Load() {
			a.t.Errorf("Next = %v, %v", r, err)
		}
	}
	if r == nil {
		return
	}
	i := r.Owner.(*item)
	if i.queue != a.queue {
		a.t.Error("of another Queue")
	}
	a.drop(i)
	a.check(i)
}

// finish waits for what is held, or gives it up. Nothing hangs any more.
func (a *actor) finish() {
	for len(a.held) > 0 {
		i := a.held[a.rng.IntN(len(a.held))]
		switch {
		case a.rng.IntN(3) == 0:
			a.drop(i)
			a.abandon(i)
		case i.queue != nil:
			if r, err := a.queue.Next(context.Background()); r != nil {
				a.drop(r.Owner.(*item))
				a.check(r.Owner.(*item))
			} else if err != nil {
				a.t.Errorf("Next = %v with %d to come", err, len(a.held))
				return
			}
		default:
			a.drop(i)
			if err := i.read.Wait(context.Background()); err != nil {
				a.t.Errorf("Wait = %v", err)
			}
			a.check(i)
		}
	}
}
