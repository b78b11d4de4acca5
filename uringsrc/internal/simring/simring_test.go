package simring

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/oriel-go/oriel/uringsrc/internal/ring"
)

// read pushes a read of n bytes at off and returns its buffer.
func read(t *testing.T, r *Ring, off int64, n int, userData uint64) []byte {
	t.Helper()
	p := make([]byte, n)
	e := ring.Read(1, p, off, 0, userData)
	if !r.Push(&e, p) {
		t.Fatalf("Push of %d = false", userData)
	}
	return p
}

func cancel(t *testing.T, r *Ring, target, userData uint64) {
	t.Helper()
	e := ring.Cancel(target, userData)
	if !r.Push(&e, nil) {
		t.Fatalf("Push of %d = false", userData)
	}
}

// reap returns all completions that are there by their user data.
func reap(r *Ring) map[uint64][]int32 {
	m := map[uint64][]int32{}
	dst := make([]ring.Completion, 3)
	for {
		n := r.Reap(dst)
		for _, c := range dst[:n] {
			m[c.UserData] = append(m[c.UserData], c.Res)
		}
		if n == 0 {
			return m
		}
	}
}

func enter(t *testing.T, r *Ring, atLeast int, wait time.Duration, want error) {
	t.Helper()
	if _, err := r.Enter(atLeast, wait); err != want {
		t.Errorf("Enter(%d, %v) = %v, want %v", atLeast, wait, err, want)
	}
}

func content(off int64, n int) []byte {
	p := make([]byte, n)
	Bytes(1, p, off)
	return p
}

func TestWithoutFaults(t *testing.T) {
	w := New(1, Faults{}, nil, false)
	r := w.NewRing(4, 8, true)
	var ps [][]byte
	for i := range 4 {
		ps = append(ps, read(t, r, int64(100*i), 10, uint64(i)))
	}
	e := ring.Nop(9)
	if r.Push(&e, nil) || r.Pending() != 4 {
		t.Errorf("Push onto a full queue, %d pending", r.Pending())
	}
	enter(t, r, 0, 0, nil)
	if r.Pending() != 0 || r.Ready() != 4 {
		t.Errorf("%d pending, %d ready", r.Pending(), r.Ready())
	}
	got := reap(r)
	for i, p := range ps {
		if len(got[uint64(i)]) != 1 || got[uint64(i)][0] != 10 || !bytes.Equal(p, content(int64(100*i), 10)) {
			t.Errorf("read %d: %v, %v", i, got[uint64(i)], p)
		}
	}
	if err := errors.Join(r.Close(), w.Close(), w.Check()); err != nil {
		t.Error(err)
	}
}

// TestLateReads complete in another order, and Enter moves the clock.
func TestLateReads(t *testing.T) {
	w := New(1, Faults{Late: 1000, Latest: time.Hour}, nil, false)
	r := w.NewRing(16, 32, true)
	for i := range 16 {
		read(t, r, 0, 10, uint64(i))
	}
	enter(t, r, 0, 0, nil)
	dst := make([]ring.Completion, 1)
	var order []uint64
	for len(order) < 16 {
		if _, err := r.Enter(1, time.Minute); err != nil && err != errTime {
			t.Fatal(err)
		}
		for r.Ready() > 0 && r.Reap(dst) == 1 {
			order = append(order, dst[0].UserData)
		}
	}
	sorted := true
	for i, u := range order {
		sorted = sorted && u == uint64(i)
	}
	if sorted {
		t.Error("in the order in which they were pushed")
	}
}

// TestBuffersAreWrittenBefore the completion, at some moment or other.
func TestBuffersAreWrittenBefore(t *testing.T) {
	w := New(1, Faults{Late: 1000, Latest: 100 * pollTime}, nil, false)
	r := w.NewRing(1, 4, true)
	early := 0
	for range 100 {
		p := read(t, r, 0, 10, 1)
		enter(t, r, 0, 0, nil)
		for touched := false; r.Reap(make([]ring.Completion, 1)) == 0; {
			if !touched && p[0] != 0 {
				touched = true
				early++
			}
		}
		if !bytes.Equal(p, content(0, 10)) {
			t.Errorf("completed with %v", p)
		}
	}
	if early < 50 {
		t.Errorf("%d of 100 buffers were written before", early)
	}
}

func TestShortReadsAndErrors(t *testing.T) {
	w := New(1, Faults{Short: 300, ShortUnit: 4, Interrupted: 100, Canceled: 100}, func(fd int, p []byte, off int64) (int, error) {
		if off > 0 {
			return 0, syscall.EIO
		}
		return Bytes(fd, p, off)
	}, false)
	r := w.NewRing(1, 4, true)
	seen := map[int32]int{}
	for i := range 1000 {
		p := read(t, r, int64(i%10/9), 20, 1)
		enter(t, r, 0, 0, nil)
		n := reap(r)[1][0]
		seen[n]++
		if n > 0 && !bytes.Equal(p[:n], content(0, int(n))) {
			t.Errorf("%d bytes: %v", n, p)
		}
	}
	for _, want := range []int32{4, 8, 12, 16, 20, -int32(syscall.EINTR), -int32(syscall.ECANCELED), -int32(syscall.EIO)} {
		if seen[want] == 0 {
			t.Errorf("no result %d", want)
		}
		delete(seen, want)
	}
	if len(seen) > 0 {
		t.Errorf("other results: %v", seen)
	}
}

func TestCancel(t *testing.T) {
	for _, c := range []struct {
		name   string
		f      Faults
		res    []int32 // what the cancel may say
		target []int32 // and the read
	}{
		{"a pipe", Faults{Never: 1000}, []int32{0, -int32(syscall.EALREADY)}, []int32{-int32(syscall.ECANCELED)}},
		{"a pipe that has just been written", Faults{Never: 1000, Missed: 1000},
			[]int32{0, -int32(syscall.EALREADY), -int32(syscall.ENOENT)}, []int32{10}},
		{"a pipe, and the cancel misses it", Faults{Never: 1000, Ignored: 1000}, []int32{-int32(syscall.ENOENT)}, nil},
		{"a device that hangs", Faults{Stuck: 1000}, []int32{-int32(syscall.EALREADY)}, nil},
		{"what has completed", Faults{}, []int32{-int32(syscall.ENOENT)}, []int32{10}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for seed := range uint64(20) {
				w := New(seed, c.f, nil, false)
				r := w.NewRing(4, 8, true)
				read(t, r, 0, 10, 1)
				enter(t, r, 0, 0, nil)
				cancel(t, r, 1, 2)
				enter(t, r, 1, time.Second, nil)
				if len(c.target) > 0 {
					enter(t, r, 2, time.Second, nil)
				}
				got := reap(r)
				in := func(list []int32, got []int32) bool {
					return len(list) == 0 && len(got) == 0 || len(got) == 1 && bytes.ContainsRune([]byte(string(runes(list))), rune(got[0]+1000))
				}
				if !in(c.res, got[2]) || !in(c.target, got[1]) {
					t.Errorf("seed %d: %v", seed, got)
				}
				w.Release()
				if len(c.target) == 0 {
					enter(t, r, 1, time.Second, nil)
					if got := reap(r); len(got[1]) != 1 || got[1][0] != 10 {
						t.Errorf("after Release: %v", got)
					}
				}
			}
		})
	}
}

// runes returns numbers above -1000 as such.
func runes(list []int32) []rune {
	var rs []rune
	for _, n := range list {
		rs = append(rs, rune(n+1000))
	}
	return rs
}

func TestOverflow(t *testing.T) {
	w := New(1, Faults{}, nil, false)
	r := w.NewRing(8, 2, true)
	for i := range 8 {
		read(t, r, 0, 10, uint64(i))
	}
	enter(t, r, 0, 0, nil)
	if r.Ready() != 2 || !r.Overflowed() {
		t.Fatalf("%d ready, overflowed %v", r.Ready(), r.Overflowed())
	}
	all := 0
	for range 4 {
		all += len(reap(r))
		enter(t, r, 0, 0, nil)
	}
	if all != 8 || r.Overflowed() {
		t.Errorf("%d completions, overflowed %v", all, r.Overflowed())
	}
}

// TestTheBell rings for who has his signals on, also for what comes late.
func TestTheBell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New(1, Faults{Late: 1000}, nil, false)
		r := w.NewRing(8, 16, false)
		r.Notify(false)
		rings := make(chan error)
		go func() {
			for {
				err := w.Wait()
				rings <- err
				if err != nil {
					return
				}
			}
		}()
		read(t, r, 0, 10, 1)
		enter(t, r, 0, 0, nil)
		synctest.Wait()
		select {
		case <-rings:
			t.Fatal("it rings, and the signals are off")
		default:
		}
		r.Notify(true)
		if err := <-rings; err != nil || r.Ready() != 1 {
			t.Errorf("Wait = %v, %d ready", err, r.Ready())
		}
		if _, err := r.Enter(1, time.Second); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("Enter with a wait = %v", err)
		}
		w.Close()
		if err := <-rings; err == nil {
			t.Error("Wait = nil after Close")
		}
	})
}

func TestErrorsOfEnter(t *testing.T) {
	w := New(1, Faults{EnterAgain: 500, EnterInterrupted: 500, EnterFails: 100, EnterError: syscall.EPERM}, nil, false)
	r := w.NewRing(4, 8, true)
	seen := map[error]int{}
	submitted := 0
	for i := range 200 {
		if r.Pending() == 0 {
			read(t, r, 0, 10, uint64(i))
			read(t, r, 0, 10, uint64(i))
		}
		n, err := r.Enter(1, time.Microsecond)
		submitted += n
		seen[err]++
		reap(r)
	}
	if seen[syscall.EPERM] != 101 || seen[syscall.EAGAIN] == 0 || w.Counts().Submitted != submitted {
		t.Errorf("%v, %d submitted", seen, submitted)
	}
	r.Close()
	enter(t, r, 0, 0, syscall.ENXIO)
}

// TestCheckSaysWhatIsBroken about a ring's user.
func TestCheckSaysWhatIsBroken(t *testing.T) {
	w := New(1, Faults{Stuck: 1000}, nil, false)
	r := w.NewRing(4, 8, true)
	read(t, r, 0, 10, 1)
	enter(t, r, 0, 0, nil)
	r.Close()
	e := ring.Read(1, make([]byte, 2), 0, 0, 1)
	w.NewRing(1, 1, true).Push(&e, make([]byte, 1))
	err := w.Check()
	for _, want := range []string{"Close with a read", "a buffer of 1", "1 entries in flight", "ring 1 is open", "the bell is open"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Check = %v, want %q in it", err, want)
		}
	}
}

// TestAWaitForNothing takes its time, during which Release can come.
func TestAWaitForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New(1, Faults{Stuck: 1000}, nil, false)
		r := w.NewRing(4, 8, true)
		read(t, r, 0, 10, 1)
		began := time.Now()
		enter(t, r, 1, time.Second, errTime)
		if took := time.Since(began); took != time.Second {
			t.Errorf("it took %v", took)
		}
		time.AfterFunc(time.Hour, w.Release)
		enter(t, r, 1, 0, nil)
		if took := time.Since(began); took < time.Hour || r.Ready() != 1 {
			t.Errorf("it took %v, %d ready", took, r.Ready())
		}
	})
}

// TestTheSeedDecides: the same calls have the same results.
func TestTheSeedDecides(t *testing.T) {
	run := func(seed uint64) (trace []ring.Completion) {
		w := New(seed, Faults{Late: 500, Short: 300, Again: 200, Never: 100, Missed: 500, Repeated: 100}, nil, true)
		r := w.NewRing(64, 256, true)
		rng := rand.New(rand.NewPCG(seed, 0))
		dst := make([]ring.Completion, 8)
		for i := range uint64(200) {
			switch rng.IntN(4) {
			case 0:
				cancel(t, r, rng.Uint64N(i+1), 1<<63)
			case 1:
				w.Step()
			default:
				read(t, r, int64(i), 100, i)
			}
			r.Enter(0, 0)
			trace = append(trace, dst[:r.Reap(dst)]...)
		}
		return trace
	}
	for seed := range uint64(50) {
		a, b := run(seed), run(seed)
		if len(a) != len(b) {
			t.Fatalf("seed %d: %d and %d completions", seed, len(a), len(b))
		}
		for i := range a {
			if a[i] != b[i] {
				t.Fatalf("seed %d: completion %d is %v and %v", seed, i, a[i], b[i])
			}
		}
	}
}
