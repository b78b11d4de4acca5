package windowtest

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A recorder is a testing.TB whose failures are noted instead of counted, so
// that a test can see the suite fail.
type recorder struct {
	testing.TB // for TempDir, Name and the like

	mu       sync.Mutex
	failures []string
	cleanups []func()
	skipped  bool
}

func (r *recorder) fail(s string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, s)
}

func (r *recorder) Helper()                   {}
func (r *recorder) Log(...any)                {}
func (r *recorder) Logf(string, ...any)       {}
func (r *recorder) Fail()                     { r.fail("failed") }
func (r *recorder) FailNow()                  { r.fail("failed"); runtime.Goexit() }
func (r *recorder) Error(a ...any)            { r.fail(fmt.Sprint(a...)) }
func (r *recorder) Errorf(f string, a ...any) { r.fail(fmt.Sprintf(f, a...)) }
func (r *recorder) Fatal(a ...any)            { r.fail(fmt.Sprint(a...)); runtime.Goexit() }
func (r *recorder) Fatalf(f string, a ...any) { r.fail(fmt.Sprintf(f, a...)); runtime.Goexit() }
func (r *recorder) Skip(...any)               { r.SkipNow() }
func (r *recorder) Skipf(string, ...any)      { r.SkipNow() }
func (r *recorder) SkipNow()                  { r.skipped = true; runtime.Goexit() }

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.failures) > 0
}

func (r *recorder) Cleanup(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cleanups = append(r.cleanups, f)
}

// observe runs a check and returns how it failed.
func observe(t testing.TB, c check, held func() int64) []string {
	r := &recorder{TB: t}
	r.protected(func() { c.watched(r, held) })
	for _, f := range slices.Backward(r.cleanups) {
		r.protected(f)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.failures)
}

// protected runs f in a goroutine that may end, and notes a panic as a failure.
func (r *recorder) protected(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				r.fail(fmt.Sprint("panic: ", p))
			}
		}()
		f()
	}()
	<-done
}

// A broken thing is something that breaks the contract in one way.
type broken struct {
	name   string
	caught string // the beginning of the names of the checks, one of which has to see it
	rule   string // what the report has to say, if not ""
	checks func() (list []check, held func() int64)
}

// mustCatch runs the checks that should see it.
func (b broken) mustCatch(t *testing.T) {
	list, held := b.checks()
	ran := 0
	var all []string
	for _, c := range list {
		name := c.group + "/" + c.name
		if !strings.HasPrefix(name, b.caught) {
			continue
		}
		ran++
		failures := observe(t, c, held)
		for _, f := range failures {
			if strings.Contains(f, b.rule) {
				t.Logf("%s: %s", name, f)
				return
			}
		}
		all = append(all, failures...)
	}
	t.Errorf("none of %d checks %q caught it by %q; they said %q", ran, b.caught, b.rule, all)
}
