package threadtest

import (
	"runtime"
	"testing"
)

// Run runs f on a thread of its own, after prepare has changed what the thread sees
// or may; the thread ends with f. The test is skipped where prepare fails.
func Run(t testing.TB, prepare func() error, f func()) {
	t.Helper()
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked
		if err = prepare(); err == nil {
			f()
		}
	}()
	<-done
	if err != nil {
		t.Skip("not to be had here: ", err)
	}
}
