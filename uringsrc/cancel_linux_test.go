package uringsrc_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/uringsrc"
)

// scale returns how many rounds a test makes.
func scale(n int) int {
	switch {
	case testing.Short():
		return n / 20
	case raceEnabled:
		return n / 5
	}
	return n
}

// A racer is a Read that is started, and given up while it completes.
type racer struct {
	uringsrc.Read
	t       testing.TB
	content []byte
	started int64
	ended   atomic.Int64
	got     atomic.Int64 // bytes in all
	canary  byte
	free    chan struct{} // the buffer is nobody's
}

func (r *racer) ReadDone(_ *uringsrc.Read, abandoned bool) {
	r.ended.Add(1)
	r.got.Add(int64(r.N))
	if abandoned {
		r.release()
	}
}

func (r *racer) release() {
	r.canary++
	fill(r.Buf, r.canary)
	r.free <- struct{}{}
}

// claim waits until the buffer is free, and looks whether it was overwritten
// since.
func (r *racer) claim() {
	select {
	case <-r.free:
	case <-time.After(patience):
		r.t.Error("a read that was abandoned does not come back")
		runtime.Goexit()
	}
	for i, b := range r.Buf {
		if b != r.canary {
			r.t.Errorf("byte %d of a buffer was overwritten after it was given back", i)
			return
		}
	}
	if n := r.ended.Load(); n != r.started {
		r.t.Errorf("ended %d times after %d starts", n, r.started)
	}
}

func newRacer(t testing.TB, fd int, buf, content []byte) *racer {
	r := &racer{t: t, content: content, free: make(chan struct{}, 1)}
	r.Read = uringsrc.Read{FD: fd, Buf: buf, Need: len(buf), Owner: r}
	r.release()
	return r
}

// TestCancelOrCompleteOfAFile: never both, never neither, and the buffer is not
// written when it was given back.
func TestCancelOrCompleteOfAFile(t *testing.T) {
	const block, blocks, batch = 4096, 2048, 16
	content := pattern(block*blocks, 1)
	fd := file(t, content, unix.O_DIRECT)
	e := needEngine(t, uringsrc.Options{InFlight: 64})
	rounds, goroutines := scale(60_000), 3
	var completed, canceled atomic.Int64
	var wg sync.WaitGroup
	for g := range goroutines {
		p := memory(t, batch*block)
		rng := rand.New(rand.NewPCG(1, uint64(g)))
		var rs []*racer
		for i := range batch {
			rs = append(rs, newRacer(t, fd, p[i*block:][:block], content))
		}
		wg.Go(func() {
			for range rounds / goroutines / batch {
				var list []*uringsrc.Read
				for _, r := range rs {
					r.claim()
					r.Off = rng.Int64N(blocks) * block
					r.started++
					list = append(list, &r.Read)
				}
				if rng.IntN(4) == 0 {
					list = list[:batch-1]
				}
				e.Start(nil, list...)
				for i, r := range rs {
					var err error
					switch {
					case i == len(list): // through a seat, perhaps
						ctx, cancel := context.WithCancel(context.Background())
						go cancel()
						err = e.Read(ctx, &r.Read)
					case rng.IntN(3) == 0:
						ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rng.IntN(300))*time.Microsecond)
						err = r.Wait(ctx)
						cancel()
					default:
						for range rng.IntN(2000) {
							runtime.KeepAlive(rng)
						}
						err = context.Canceled
					}
					if err == nil || r.Abandon() {
						completed.Add(1)
						wantFile(t, &r.Read, content)
						r.release()
					} else {
						canceled.Add(1)
					}
				}
			}
			for _, r := range rs {
				r.claim()
			}
		})
	}
	wg.Wait()
	t.Logf("%d completed, %d were given up before", completed.Load(), canceled.Load())
	if min(completed.Load(), canceled.Load()) < int64(rounds/50) {
		t.Log("hardly a race")
	}
}

// TestCancelOrCompleteOfAPipe: the bytes that were written to it are those that
// came out of reads, also of reads that were given up, and those still in it.
func TestCancelOrCompleteOfAPipe(t *testing.T) {
	e := needEngine(t, uringsrc.Options{})
	in, out := pipe(t)
	rounds, readers := scale(60_000), 3
	var wg, writer sync.WaitGroup
	var sent atomic.Int64
	stop := make(chan struct{})
	ask := make(chan struct{}, 1)
	writer.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-ask:
			}
			if n, err := unix.Write(out, []byte{'x'}); n == 1 && err == nil {
				sent.Add(1)
			}
		}
	})
	var rs []*racer
	var took, given atomic.Int64
	for g := range readers {
		r := newRacer(t, in, make([]byte, 8), nil)
		r.Off, r.Need = -1, 1
		rs = append(rs, r)
		rng := rand.New(rand.NewPCG(2, uint64(g)))
		wg.Go(func() {
			for range rounds / readers {
				r.claim()
				r.started++
				select {
				case ask <- struct{}{}:
				default:
				}
				e.Start(nil, &r.Read)
				var err error = context.Canceled
				switch rng.IntN(4) {
				case 0:
					ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rng.IntN(100))*time.Microsecond)
					err = r.Wait(ctx)
					cancel()
				case 1:
					runtime.Gosched()
				}
				if err == nil || r.Abandon() {
					took.Add(1)
					if r.Err != nil || r.N < 1 || !bytes.Equal(r.Buf[:r.N], []byte("xxxxxxxx")[:r.N]) {
						t.Errorf("%d, %v, %q", r.N, r.Err, r.Buf)
					}
					r.release()
				} else {
					given.Add(1)
				}
			}
			r.claim()
		})
	}
	wg.Wait()
	close(stop)
	writer.Wait()
	var got int64
	for _, r := range rs {
		got += r.got.Load()
	}
	left, err := unix.IoctlGetInt(in, unix.TIOCINQ)
	if err != nil || got+int64(left) != sent.Load() {
		t.Errorf("%d bytes were written, %d read, %d are left, %v", sent.Load(), got, left, err)
	}
	t.Logf("%d completed, %d were given up before", took.Load(), given.Load())
}

// TestContextEndsWhileAPipeHangs, promptly, and the buffer stays the engine's.
func TestContextEndsWhileAPipeHangs(t *testing.T) {
	e := needEngine(t, uringsrc.Options{})
	in, out := pipe(t)
	r := ask(in, -1, 4)
	var late time.Duration
	for i := range 20 {
		wait := time.Duration(i) * time.Millisecond
		ctx, cancel := context.WithTimeout(context.Background(), wait)
		began := time.Now()
		var err error
		if i == 0 {
			err = e.Read(ctx, &r.Read)
		} else {
			err = r.Wait(ctx)
		}
		cancel()
		if err != context.DeadlineExceeded {
			t.Fatalf("%v after %v", err, time.Since(began))
		}
		late = max(late, time.Since(began)-wait)
	}
	t.Logf("at most %v late", late)
	if late > patience {
		t.Errorf("%v late", late)
	}
	if s := e.Stats(); s.InKernel != 1 || r.done.Load() != 0 {
		t.Errorf("%+v", s)
	}
	write(t, out, "late")
	if err := r.Wait(within(t, patience)); err != nil || string(r.Buf) != "late" {
		t.Errorf("%v, %q", err, r.Buf)
	}
}
