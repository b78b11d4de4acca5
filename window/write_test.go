package window

import (
	"fmt"
	"strings"
	"testing"
)

func TestZeroWriteWindow(t *testing.T) {
	var w WriteWindow
	if w.Len() != 0 || len(w.Bytes()) != 0 || fmt.Sprint(w) != "writewindow(0 bytes)" {
		t.Errorf("%v of %d bytes", w, w.Len())
	}
	w.Abort()
	if r := w.Commit(0, 7); r != (Window{}) {
		t.Errorf("Commit = %v", r)
	}
}

func TestCommit(t *testing.T) {
	for n := range 11 {
		c := newCounted("..........")
		m := &smallMemory{secure: true}
		w := NewWrite(c, m)
		if w.Len() != 10 || cap(w.Bytes()) != 10 || fmt.Sprint(w) != "writewindow(10 bytes)" {
			t.Errorf("%v of %d bytes, cap %d", w, w.Len(), cap(w.Bytes()))
		}
		copy(w.Bytes(), "0123456789")
		r := w.Commit(n, 1000)
		mustHold(t, r, 1000, "0123456789"[:n])
		if r.Memory() != Memory(m) {
			t.Errorf("committed into %v", r.Memory())
		}
		mustBeEnded(t, w)
		mustHold(t, r, 1000, "0123456789"[:n])
		c.mustBeFreed(t, 0)
		s := r.Slice(0, n)
		r.Release()
		mustHold(t, s, 1000, "0123456789"[:n])
		s.Release()
		c.mustBeFreed(t, 1)
	}
}

// mustBeEnded checks that nothing can be done with a window but to abort it.
func mustBeEnded(t *testing.T, w WriteWindow) {
	t.Helper()
	for name, f := range map[string]func(){
		"Bytes":        func() { w.Bytes() },
		"Len":          func() { w.Len() },
		"Commit(0, 0)": func() { w.Commit(0, 0) },
		"Commit(1, 0)": func() { w.Commit(1, 0) },
	} {
		if p, ok := panicOf(f).(string); !ok || !strings.HasPrefix(p, "window: ") {
			t.Errorf("%s of an ended write window panicked with %v", name, p)
		}
	}
	w.Abort()
	if got := fmt.Sprint(w); got != "writewindow(ended)" {
		t.Errorf("an ended write window prints %s", got)
	}
}

func TestCommitPanics(t *testing.T) {
	c := newCounted("0123456789")
	w := NewWrite(c, nil)
	for _, b := range []struct {
		n   int
		off int64
	}{{-1, 0}, {11, 0}, {5, -1}} {
		if p, ok := panicOf(func() { w.Commit(b.n, b.off) }).(string); !ok || !strings.HasPrefix(p, "window: commit ") {
			t.Errorf("Commit(%d, %d) panicked with %v", b.n, b.off, p)
		}
	}
	w.Commit(10, 0).Release() // a bad Commit ends nothing
	c.mustBeFreed(t, 1)
}

func TestAbort(t *testing.T) {
	c := newCounted("0123456789")
	w := NewWrite(c, nil)
	w.Abort()
	c.mustBeFreed(t, 1)
	mustBeEnded(t, w)
	c.mustBeFreed(t, 1)
}

// Abort is deferred beside a Commit, and does nothing then: neither to the
// window that came of it nor to who has its ticket now.
func TestAbortAfterCommit(t *testing.T) {
	for range 100 {
		c := newCounted("0123456789")
		w := NewWrite(c, nil)
		r := w.Commit(10, 0)
		w.Abort()
		mustHold(t, r, 0, "0123456789")
		r.Release()
		w.Abort()
		other := newCounted("other")
		x := NewWrite(other, nil)
		w.Abort()
		mustBeEnded(t, w)
		other.mustBeFreed(t, 0)
		x.Abort()
		other.mustBeFreed(t, 1)
		c.mustBeFreed(t, 1)
	}
}

// Of two Commits of one write window at the same time, or a Commit and an
// Abort, one happens, and the other leaves no owner behind.
func TestCommitAgainstCommit(t *testing.T) { commitAgainst(t, false) }

func TestCommitAgainstAbort(t *testing.T) { commitAgainst(t, true) }

func commitAgainst(t *testing.T, abort bool) {
	var c *counted
	var w WriteWindow
	var r [2]Window
	won := 0
	duel(t, func() {
		c = newCounted("0123456789")
		w = NewWrite(c, nil)
		r = [2]Window{}
	}, func() {
		panicOf(func() { r[0] = w.Commit(3, 30) })
	}, func() {
		panicOf(func() {
			if abort {
				w.Abort()
			} else {
				r[1] = w.Commit(3, 30)
			}
		})
	}, func() bool {
		n := 0
		for _, x := range r {
			if x != (Window{}) {
				n++
				mustHold(t, x, 30, "012")
				x.Release()
			}
		}
		if won += n; n > 1 || n == 0 && !abort {
			t.Errorf("%d Commits succeeded", n)
		}
		c.mustBeFreed(t, 1)
		return r[0] == (Window{})
	})
	t.Logf("%d commits", won)
}
