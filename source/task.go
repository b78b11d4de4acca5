package source

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/oriel-go/oriel/window"
)

// A task is a fetch that runs in a goroutine of its own, in one of the Runtime's
// places for reads that wait.
//
//	           finish
//	running ──────────► finished ──► done is closed; take or abandon has the piece
//	   │ abandon
//	   └──────────────► orphaned ──► its goroutine frees the piece
//
// Exactly one of the goroutine's finish and the waiter's abandon succeeds.
type task struct {
	request // its File is held open by its gate; what was read is the waiter's when done is closed

	state  atomic.Uint32
	done   chan struct{}      // closed when the task has finished
	cancel context.CancelFunc // ends what Fetch was given, when nobody wants the result or it is there
	err    error              // written before done is closed
	queued *queued            // what is told that it has finished, or nil
	left   bool               // whoever asked for a load has left the mapping: written before abandon and take
}

const (
	running = iota
	finished
	orphaned
)

func startTask(ctx context.Context, q request) *task {
	t := newTask(q)
	t.start(ctx)
	return t
}

func newTask(q request) *task { return &task{request: q} }

func (t *task) start(ctx context.Context) {
	if t.n == t.want {
		t.state.Store(finished)
		t.done = always
		return
	}
	t.done = make(chan struct{})
	ctx, t.cancel = context.WithCancel(ctx)
	t.f.gate.enter()
	go t.run(ctx)
}

func (t *task) run(ctx context.Context) {
	t.err = errGone // unless fill returns
	defer t.cancel()
	defer func() {
		rt := t.f.rt
		t.f.leave() // first: who has the result and closes the File finds it closed
		if t.state.CompareAndSwap(running, finished) {
			s := t.queued // before whoever waits has t
			close(t.done)
			if s != nil {
				s.q.finish(s)
			}
			rt.announce() // last: what was announced is there
		} else {
			t.unwanted()
		}
	}()
	t.err = t.fill(ctx)
}

// unwanted gives up what nobody has the result of.
func (t *task) unwanted() {
	t.free()
	t.leave()
}

// leave gives up what was loaded for a Reader that had left the mapping before it was
// there, and which that could not give up.
func (t *task) leave() {
	if t.left {
		t.from.Leave(t.off, t.off+int64(t.load))
	}
}

// errGone is the result of a Fetch that ended its goroutine.
var errGone = fmt.Errorf("%w: it ended its goroutine", window.ErrFetcher)

func (t *task) asked() *request { return &t.request }

func (t *task) ready() <-chan struct{} { return t.done }

func (t *task) isDone() bool {
	select {
	case <-t.done:
		return true
	default:
		return false
	}
}

func (t *task) wait(ctx context.Context) error {
	if t.isDone() {
		return nil
	}
	select {
	case <-t.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *task) take() (p piece, n int, err error) {
	p, t.piece = t.piece, piece{}
	t.leave() // what is lent when its window is released
	return p, t.n, t.err
}

// let leaves a task to itself: it ends, and nobody has its result.
func (t *task) let() {
	if !t.state.CompareAndSwap(running, orphaned) {
		<-t.done
		t.free()
	}
}

func (t *task) abandon() int {
	if t.state.CompareAndSwap(running, orphaned) {
		t.cancel()
		return t.bytes()
	}
	<-t.done // the goroutine is about to close it
	t.unwanted()
	return t.n
}
