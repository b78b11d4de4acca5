package ring

import (
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/oriel-go/oriel/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// patience is how long a test waits for what must come.
const patience = 10 * time.Second

// needRing returns a ring, and skips the test where there is none to be had.
func needRing(t testing.TB, c Config) *Ring {
	t.Helper()
	r, err := New(c)
	if refused(err) {
		t.Skip("no io_uring here: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// refused reports whether an error of New says that this system has no
// io_uring, or does not let us have it.
func refused(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES)
}

// push pushes entries one by one, for which there is space.
func push(t testing.TB, r *Ring, es ...Entry) {
	t.Helper()
	for i := range es {
		if !r.Push(&es[i]) {
			t.Fatalf("Push of entry %d of %d = false with space for %d", i, len(es), r.Space())
		}
	}
}

// enter submits and waits until n completions are there to be reaped.
func enter(t testing.TB, r *Ring, n int) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		_, err := r.Enter(n, time.Second)
		if r.Pending() == 0 && r.Ready() >= n {
			return
		}
		if err != nil && err != syscall.EINTR && err != errTime {
			t.Fatalf("Enter(%d) = %v", n, err)
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d completions after %v, %d entries pending", r.Ready(), n, patience, r.Pending())
		}
	}
}

// results submits, waits for n completions and returns them in the order in
// which they came.
func results(t testing.TB, r *Ring, n int) []Completion {
	t.Helper()
	got := make([]Completion, 0, n)
	for len(got) < n {
		enter(t, r, min(n-len(got), r.Completions()))
		got = got[:len(got)+r.Reap(got[len(got):n])]
	}
	if n := r.Ready(); n != 0 {
		t.Errorf("%d completions more than expected", n)
	}
	return got
}

// byUserData returns the result of each entry, and fails if one has two.
func byUserData(t testing.TB, cs []Completion) map[uint64]Completion {
	t.Helper()
	m := map[uint64]Completion{}
	for _, c := range cs {
		if _, ok := m[c.UserData]; ok {
			t.Errorf("entry %d has two completions", c.UserData)
		}
		m[c.UserData] = c
	}
	return m
}

// wantErr fails unless a completion has this error number.
func wantErr(t testing.TB, c Completion, want syscall.Errno) {
	t.Helper()
	if err := c.Err(); !errors.Is(err, want) {
		t.Errorf("entry %d: %d, %v, want %v", c.UserData, c.Res, err, want)
	}
}

// wantN fails unless a completion has this number of bytes and no error.
func wantN(t testing.TB, c Completion, n int) {
	t.Helper()
	if c.Err() != nil || c.N() != n {
		t.Errorf("entry %d: %d, %v, want %d", c.UserData, c.Res, c.Err(), n)
	}
}
