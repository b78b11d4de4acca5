package window

import (
	"bytes"
	"strings"
	"sync/atomic"
	"testing"
)

// A counted Backing knows how often it was freed, and overwrites its bytes.
type counted struct {
	p     []byte
	frees atomic.Int64
}

func newCounted(content string) *counted { return &counted{p: []byte(content)} }

func (c *counted) Bytes() []byte { return c.p }

func (c *counted) Free() {
	if c.frees.Add(1) == 1 {
		for i := range c.p {
			c.p[i] = 0xDB
		}
	}
}

// window returns the first owner of all of it, at offset off.
func (c *counted) window(off int64) Window { return New(c, nil, c.p, off) }

func (c *counted) mustBeFreed(t *testing.T, times int64) {
	t.Helper()
	if n := c.frees.Load(); n != times {
		t.Errorf("freed %d times, not %d", n, times)
	}
}

// panicOf returns what f panicked with, nil if it did not.
func panicOf(f func()) (p any) {
	defer func() { p = recover() }()
	f()
	return nil
}

// mustPanic checks that f panics as a misuse of op does.
func mustPanic(t *testing.T, op string, f func()) {
	t.Helper()
	want := "window: " + op + " of a released window"
	if p := panicOf(f); p != want {
		t.Errorf("panicked with %v, not %q", p, want)
	}
}

func mustHold(t *testing.T, w Window, off int64, want string) {
	t.Helper()
	if !bytes.Equal(w.Bytes(), []byte(want)) || w.Off() != off || w.Len() != len(want) || cap(w.Bytes()) != len(want) {
		t.Errorf("%v holds %q with cap %d, not %q at %d", w, w.Bytes(), cap(w.Bytes()), want, off)
	}
}

// misuses are all uses of a handle.
var misuses = []struct {
	op string
	f  func(w Window)
}{
	{"Bytes", func(w Window) { w.Bytes() }},
	{"Len", func(w Window) { w.Len() }},
	{"Off", func(w Window) { w.Off() }},
	{"Retain", func(w Window) { w.Retain() }},
	{"Slice", func(w Window) { w.Slice(0, w.n) }},
	{"Release", func(w Window) { w.Release() }},
	{"Info", func(w Window) { w.Info() }},
	{"Memory", func(w Window) { w.Memory() }},
}

func mustBeDead(t *testing.T, w Window) {
	t.Helper()
	for _, m := range misuses {
		mustPanic(t, m.op, func() { m.f(w) })
	}
	p, _ := panicOf(func() { w.Compact(t.Context(), nil) }).(string)
	if !strings.HasSuffix(p, " of a released window") {
		t.Errorf("Compact of a released window panicked with %q", p)
	}
}
