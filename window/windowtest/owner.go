package windowtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/oriel-go/oriel/window"
)

// A giver makes a source and returns a window of it, what that window should
// hold, and the source's Close, nil if it has none. The source's content is at
// least 64 bytes if MaxBytes allows.
type giver func(t testing.TB) (w window.Window, want []byte, close func() error)

func (s Source) firstWindow(t testing.TB) (window.Window, []byte, func() error) {
	t.Helper()
	n := s.size(64<<10 + 1)
	want := content(n, 60)
	r := s.Reader(t, content(n, 60))
	w, err := next(context.Background(), t, r)
	if err != nil {
		t.Fatalf("the first window: %v", err)
	}
	sameBytes(t, w.Bytes(), want[:min(w.Len(), n)], 0)
	return w, want[:w.Len()], closeOf(r)
}

func (s Source) middleWindow(t testing.TB) (window.Window, []byte, func() error) {
	t.Helper()
	n := s.size(64<<10 + 1)
	want := content(n, 61)
	r := s.ReaderAt(t, content(n, 61))
	lo, hi := n/4, max(3*n/4, n/4+1)
	w, err := at(context.Background(), t, r, int64(lo), hi-lo)
	if err != nil {
		t.Fatalf("a window from the middle: %v", err)
	}
	sameBytes(t, w.Bytes(), want[lo:hi], int64(lo))
	return w, want[lo:hi], closeOf(r)
}

func closeOf(r any) func() error {
	if c, ok := r.(io.Closer); ok {
		return c.Close
	}
	return nil
}

// ownerChecks lists what is checked of single windows.
func ownerChecks(group string, s Source, give giver) []check {
	with := func(f func(testing.TB, giver)) func(testing.TB) {
		return func(t testing.TB) { f(t, give) }
	}
	return []check{
		{group, "Retain", with(ownRetain)},
		{group, "Slice", with(ownSlice)},
		{group, "DoubleRelease", with(ownDoubleRelease)},
		{group, "UseAfterRelease", with(ownUseAfterRelease)},
		{group, "Append", with(ownAppend)},
		{group, "Format", with(ownFormat)},
		{group, "Info", with(ownInfo)},
		{group, "Memory", with(ownMemory)},
		{group, "Compact", with(ownCompact)},
	}
}

// ownRetain has a second owner outlive the first and the source.
func ownRetain(t testing.TB, give giver) {
	w, want, close := give(t)
	off := w.Off()
	a := w.Retain()
	b := a.Retain()
	release(t, w)
	if close != nil {
		close()
	}
	for _, x := range []window.Window{a, b} {
		if x.Off() != off {
			broke(t, "a retained window has the same offset", "%d, not %d", x.Off(), off)
		}
		sameBytes(t, x.Bytes(), want, off)
		release(t, x)
	}
}

// ownSlice has parts outlive the whole and the source.
func ownSlice(t testing.TB, give giver) {
	w, want, close := give(t)
	n, off := w.Len(), w.Off()
	bounds := [][2]int{{0, n}, {0, 0}, {n, n}, {n / 2, n}, {0, n / 2}, {n / 3, n/3 + 1}, {n - 1, n}}
	parts := make([]window.Window, len(bounds))
	for i, b := range bounds {
		parts[i] = w.Slice(b[0], b[1])
	}
	release(t, w)
	if close != nil {
		close()
	}
	for i, b := range bounds {
		p := parts[i]
		if p.Off() != off+int64(b[0]) {
			broke(t, "a slice's offset is its parent's plus lo", "[%d:%d] of a window at %d is at %d", b[0], b[1], off, p.Off())
		}
		if cap(p.Bytes()) != b[1]-b[0] {
			broke(t, "cap == len == Len", "[%d:%d] has cap %d", b[0], b[1], cap(p.Bytes()))
		}
		sameBytes(t, p.Bytes(), want[b[0]:b[1]], off+int64(b[0]))
		release(t, p)
	}
}

// ownDoubleRelease releases one owner twice; the other does not feel it.
func ownDoubleRelease(t testing.TB, give giver) {
	w, want, _ := give(t)
	off := w.Off()
	a := w.Retain()
	release(t, w)
	for range 3 {
		mustPanic(t, "Release", w.Release)
	}
	sameBytes(t, a.Bytes(), want, off)
	release(t, a)
	mustPanic(t, "Release", a.Release)
}

func mustPanic(t testing.TB, op string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		p := recover()
		if s, ok := p.(string); !ok || !strings.HasPrefix(s, "window: ") {
			broke(t, "a use of a released handle panics", "%s panicked with %v", op, p)
		}
	}()
	f()
}

// ownUseAfterRelease uses a released handle in every way.
func ownUseAfterRelease(t testing.TB, give giver) {
	w, want, _ := give(t)
	off := w.Off()
	a := w.Retain()
	release(t, w)
	for op, f := range map[string]func(){
		"Bytes":   func() { w.Bytes() },
		"Len":     func() { w.Len() },
		"Off":     func() { w.Off() },
		"Retain":  func() { w.Retain() },
		"Slice":   func() { w.Slice(0, 0) },
		"Release": func() { w.Release() },
		"Info":    func() { w.Info() },
		"Memory":  func() { w.Memory() },
		"Compact": func() { w.Compact(context.Background(), nil) },
	} {
		mustPanic(t, op, f)
	}
	sameBytes(t, a.Bytes(), want, off)
	release(t, a)
}

// ownAppend appends to Bytes, which never reaches what lies behind them.
func ownAppend(t testing.TB, give giver) {
	w, want, _ := give(t)
	defer release(t, w)
	off, n := w.Off(), w.Len()
	head := w.Slice(0, n/2)
	p := append(head.Bytes(), 1, 2, 3, 4, 5, 6, 7, 8)
	if len(p) != n/2+8 {
		t.Errorf("append gave %d bytes", len(p))
	}
	sameBytes(t, w.Bytes(), want, off)
	release(t, head)
}

// ownFormat prints a window in all ways, none of which shows contents.
func ownFormat(t testing.TB, give giver) {
	w, want, _ := give(t)
	expect := fmt.Sprintf("window[%d:%d)", w.Off(), w.Off()+int64(w.Len()))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%c", "%T%[1]v"} {
		got := strings.TrimPrefix(fmt.Sprintf(verb, w), "window.Window")
		if got != expect {
			broke(t, "formatting prints the range and never contents", "%s gives %.100q, not %q", verb, got, expect)
		}
	}
	all := fmt.Sprintf("%v %s %+v", struct{ w window.Window }{w}, []window.Window{w}, &w)
	if k := min(len(want), 16); k >= 8 && (strings.Contains(all, string(want[:k])) || strings.Contains(all, fmt.Sprint(want[:k]))) {
		broke(t, "formatting prints the range and never contents", "%.100q", all)
	}
	release(t, w)
}

// ownInfo looks at what a window says about its memory.
func ownInfo(t testing.TB, give giver) {
	w, _, _ := give(t)
	part := w.Slice(w.Len()/2, w.Len())
	for _, x := range []window.Window{w, part} {
		i := x.Info()
		switch i.Residency {
		case window.Private, window.Guarded, window.Trusted:
		default:
			broke(t, "Info says where the bytes are", "%v has the residency %d", x, i.Residency)
		}
		if i.PinnedBytes < 0 || i.Residency == window.Private && i.PinnedBytes < int64(x.Len()) {
			broke(t, "Info says how much memory holding the window pins", "%d bytes for %d", i.PinnedBytes, x.Len())
		}
		release(t, x)
	}
}

// ownMemory takes more memory of the kind that the window lives in.
func ownMemory(t testing.TB, give giver) {
	const rule = "Memory is where joins and copies of a window can live"
	w, want, _ := give(t)
	defer release(t, w)
	m := w.Memory()
	if m == nil {
		broke(t, rule, "it is nil")
		return
	}
	for _, n := range []int{0, 1, 100, 4096} {
		b, err := m.Acquire(context.Background(), n)
		if err != nil {
			broke(t, rule, "acquiring %d bytes: %v", n, err)
			continue
		}
		p := b.Bytes()
		if len(p) != n || cap(p) != n {
			broke(t, rule, "a buffer of %d bytes has len %d, cap %d", n, len(p), cap(p))
		}
		for i := range p {
			p[i] = 0xA5
		}
		if !bytes.Equal(p, bytes.Repeat([]byte{0xA5}, len(p))) {
			broke(t, rule, "a buffer of %d bytes does not keep what is written", n)
		}
		b.Free()
	}
	if _, err := m.Acquire(context.Background(), -1); err == nil {
		broke(t, rule, "acquiring -1 bytes is no error")
	}
	sameBytes(t, w.Bytes(), want, w.Off())
}

// ownCompact copies a part, which outlives what it was copied from.
func ownCompact(t testing.TB, give giver) {
	w, want, close := give(t)
	off, secure := w.Off(), w.Memory().Secure()
	lo := w.Len() / 2
	part := w.Slice(lo, w.Len())
	c, err := part.Compact(context.Background(), nil)
	if err != nil {
		broke(t, "Compact copies into memory of the same kind", "%v", err)
	}
	release(t, part)
	release(t, w)
	if close != nil {
		close()
	}
	if err != nil {
		return
	}
	if c.Off() != off+int64(lo) || c.Memory().Secure() != secure {
		broke(t, "Compact copies into memory of the same kind", "%v, secure %t, of offset %d, secure %t", c, c.Memory().Secure(), off+int64(lo), secure)
	}
	sameBytes(t, c.Bytes(), want[lo:], off+int64(lo))
	release(t, c)
}
