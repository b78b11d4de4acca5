package window

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
)

func TestZeroWindow(t *testing.T) {
	var w Window
	mustHold(t, w, 0, "")
	w.Release()
	w.Release()
	if x := w.Retain(); x != w {
		t.Errorf("Retain = %v", x)
	}
	if x := w.Slice(0, 0); x != w {
		t.Errorf("Slice = %v", x)
	}
	if w.Info() != (Info{}) || w.Memory() != Heap || fmt.Sprint(w) != "window[0:0)" {
		t.Errorf("Info %v, Memory %v, %v", w.Info(), w.Memory(), w)
	}
	if panicOf(func() { w.Slice(0, 1) }) == nil {
		t.Error("Slice(0, 1) of the zero Window did not panic")
	}
}

func TestNew(t *testing.T) {
	for _, content := range []string{"", "a", "some bytes"} {
		for _, off := range []int64{0, 1, 1 << 40, math.MaxInt64 - 10} {
			c := newCounted(content)
			w := c.window(off)
			mustHold(t, w, off, content)
			if i := w.Info(); i != (Info{Residency: Private, PinnedBytes: int64(len(content))}) {
				t.Errorf("Info of undescribed memory: %+v", i)
			}
			if w.Memory() != Heap {
				t.Errorf("Memory of a window made without one: %v", w.Memory())
			}
			c.mustBeFreed(t, 0)
			w.Release()
			c.mustBeFreed(t, 1)
			mustBeDead(t, w)
			c.mustBeFreed(t, 1)
		}
	}
}

func TestNewPanics(t *testing.T) {
	c := newCounted("x")
	for name, f := range map[string]func(){
		"nil Backing":     func() { New(nil, nil, c.p, 0) },
		"negative offset": func() { New(c, nil, c.p, -1) },
	} {
		if p, ok := panicOf(f).(string); !ok || !strings.HasPrefix(p, "window: New ") {
			t.Errorf("%s: panicked with %v", name, p)
		}
	}
}

func TestNewOfNilSlice(t *testing.T) {
	c := &counted{}
	w := New(c, nil, nil, 7)
	mustHold(t, w, 7, "")
	x := w.Slice(0, 0)
	w.Release()
	mustHold(t, x, 7, "")
	x.Release()
	c.mustBeFreed(t, 1)
}

// What New is given with spare capacity is cut.
func TestBytesAreCutAtTheirEnd(t *testing.T) {
	c := newCounted("0123456789")
	w := New(c, nil, c.p[2:5], 100)
	defer w.Release()
	mustHold(t, w, 100, "234")
	_ = append(w.Bytes(), "xyz"...)
	s := w.Slice(0, 1)
	defer s.Release()
	_ = append(s.Bytes(), 'x')
	e := w.Slice(3, 3)
	defer e.Release()
	_ = append(e.Bytes(), 'x')
	if string(c.p) != "0123456789" {
		t.Errorf("append reached the neighbour: %q", c.p)
	}
}

func TestFreedWithTheLastOwner(t *testing.T) {
	c := newCounted("0123456789")
	w := c.window(10)
	owners := []Window{w, w.Retain(), w.Slice(2, 5), w.Slice(10, 10)}
	owners = append(owners, owners[2].Slice(1, 3), owners[2].Retain())
	want := []string{"0123456789", "0123456789", "234", "", "34", "234"}
	off := []int64{10, 10, 12, 20, 13, 12}
	for _, k := range []int{0, 2, 5, 3, 1, 4} { // parents before what came of them
		for i, o := range owners {
			if o != (Window{}) {
				mustHold(t, o, off[i], want[i])
			}
		}
		c.mustBeFreed(t, 0)
		owners[k].Release()
		mustBeDead(t, owners[k])
		owners[k] = Window{}
	}
	c.mustBeFreed(t, 1)
}

func TestSliceBounds(t *testing.T) {
	c := newCounted("01234")
	w := c.window(0)
	for _, b := range [][2]int{{-1, 2}, {3, 2}, {0, 6}, {6, 6}, {math.MinInt, math.MaxInt}, {5, math.MaxInt}} {
		p, ok := panicOf(func() { w.Slice(b[0], b[1]) }).(string)
		if !ok || !strings.HasPrefix(p, "window: Slice[") {
			t.Errorf("Slice%v panicked with %v", b, p)
		}
	}
	w.Release()
	c.mustBeFreed(t, 1) // so no bad Slice left an owner behind
}

// A copy of a handle is the same owner.
func TestCopiesAreOneOwner(t *testing.T) {
	c := newCounted("abc")
	w := c.window(0)
	other, copied := w.Retain(), w
	copied.Release()
	mustBeDead(t, w)
	mustBeDead(t, copied)
	mustHold(t, other, 0, "abc")
	c.mustBeFreed(t, 0)
	other.Release()
	c.mustBeFreed(t, 1)
}

// A stale handle never does anything to whoever has its ticket now, however
// often that was handed out again.
func TestStaleHandleAfterItsTicketWasHandedOutAgain(t *testing.T) {
	first := newCounted("first")
	w := first.window(5)
	stale := []Window{w, w.Retain(), w.Slice(1, 2)}
	for _, s := range stale {
		s.Release()
	}
	rounds := 1000
	if testing.Short() {
		rounds = 100
	}
	again := 0
	for range rounds {
		c := newCounted("other")
		w := c.window(7)
		owners := []Window{w, w.Retain(), w.Slice(1, 3), w.Retain()}
		for _, s := range stale {
			for _, o := range owners {
				if o.t == s.t {
					again++
				}
			}
			mustBeDead(t, s)
			if p := fmt.Sprint(s); p != "window(released)" {
				t.Errorf("a stale handle prints %s", p)
			}
		}
		c.mustBeFreed(t, 0)
		for i, o := range owners {
			mustHold(t, o, []int64{7, 7, 8, 7}[i], []string{"other", "other", "th", "other"}[i])
			o.Release()
		}
		c.mustBeFreed(t, 1)
	}
	first.mustBeFreed(t, 1)
	if again == 0 && !raceEnabled {
		t.Error("no ticket was ever handed out again: the test proves nothing")
	}
}

func TestOwnersOverflow(t *testing.T) {
	c := newCounted("abc")
	w := c.window(0)
	s := w.t.share.Load()
	s.extra.Store(maxOwners - 2)
	x := w.Retain()
	for range 3 {
		if p := panicOf(func() { w.Retain() }); p != "window: too many owners" {
			t.Errorf("Retain at the limit panicked with %v", p)
		}
		if p := panicOf(func() { w.Slice(0, 1) }); p != "window: too many owners" {
			t.Errorf("Slice at the limit panicked with %v", p)
		}
	}
	if n := s.extra.Load() + 1; n != maxOwners {
		t.Errorf("%d owners, not %d", n, int64(maxOwners))
	}
	x.Release()
	w.Retain().Release()
	s.extra.Store(0)
	mustHold(t, w, 0, "abc")
	w.Release()
	c.mustBeFreed(t, 1)
}

type described struct {
	counted
	info Info
}

func (d *described) Describe() Info { return d.info }

func TestInfoOfADescriber(t *testing.T) {
	d := &described{info: Info{Guarded, true, "mmap", 2 << 20}}
	d.p = []byte("abc")
	w := New(d, nil, d.p, 0)
	s := w.Slice(1, 2)
	w.Release()
	if i := s.Info(); i != d.info {
		t.Errorf("Info = %+v", i)
	}
	s.Release()
	d.mustBeFreed(t, 1)
}

func TestResidencyString(t *testing.T) {
	for r, want := range map[Residency]string{Private: "private", Guarded: "guarded", Trusted: "trusted", 0: "unknown", 99: "unknown"} {
		if r.String() != want {
			t.Errorf("Residency(%d) prints %s", r, r)
		}
	}
}

func TestFormatShowsNoContents(t *testing.T) {
	const secret = "correct horse battery staple"
	c := newCounted(secret)
	w := c.window(4096)
	ww := NewWrite(newCounted(secret), nil)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "% X", "%d", "%c", "%p", "%08b", "%z"} {
		for _, x := range []any{w, &w, []Window{w}, map[int]Window{1: w}, struct{ W Window }{w}, struct{ w Window }{w}, ww, &ww, struct{ w WriteWindow }{ww}} {
			got := fmt.Sprintf(verb, x)
			for _, bad := range []string{secret, "horse", fmt.Sprintf("%x", secret), fmt.Sprintf("% X", secret), fmt.Sprint([]byte(secret))} {
				if strings.Contains(got, bad) {
					t.Errorf("%s of %T shows contents: %q", verb, x, got)
				}
			}
		}
		if got := fmt.Sprintf(verb, w); got != "window[4096:4124)" && verb != "%p" { // which asks no Formatter
			t.Errorf("%s prints %q", verb, got)
		}
	}
	ww.Abort()
	w.Release()
}

// A smallMemory gives memory until it is used up.
type smallMemory struct {
	left   int
	secure bool
	given  []*counted
	err    error
}

func (m *smallMemory) Secure() bool { return m.secure }

func (m *smallMemory) Acquire(_ context.Context, n int) (Buffer, error) {
	if n > m.left {
		return nil, m.err
	}
	m.left -= n
	c := &counted{p: make([]byte, n)}
	m.given = append(m.given, c)
	return c, nil
}

func TestCompact(t *testing.T) {
	own := &smallMemory{left: 100}
	other := &smallMemory{left: 100}
	c := newCounted("0123456789")
	w := New(c, own, c.p, 1000)
	part := w.Slice(4, 7)
	w.Release()
	for _, m := range []*smallMemory{nil, other} {
		var x Window
		var err error
		if m == nil { // a nil *smallMemory would not be a nil Memory
			x, err = part.Compact(t.Context(), nil)
			m = own
		} else {
			x, err = part.Compact(t.Context(), m)
		}
		if err != nil {
			t.Fatal(err)
		}
		mustHold(t, x, 1004, "456")
		mustHold(t, part, 1004, "456")
		if x.Memory() != Memory(m) || len(m.given) != 1 {
			t.Errorf("the copy is in %v", x.Memory())
		}
		x.Release()
		m.given[0].mustBeFreed(t, 1)
	}
	part.Release()
	c.mustBeFreed(t, 1)
}

func TestCompactFails(t *testing.T) {
	c := newCounted("0123456789")
	w := New(c, &smallMemory{secure: true}, c.p, 1000)
	errOther := errors.New("other")
	own := &Error{Op: "acquire", Err: ErrNoMemory}
	for _, f := range []struct {
		m    Memory
		want error
	}{
		{Heap, ErrUnsupported},
		{&smallMemory{left: 100}, ErrUnsupported},
		{&smallMemory{secure: true, err: errOther}, errOther},
		{&smallMemory{secure: true, err: own}, own},
		{&smallMemory{secure: true, err: context.Canceled}, context.Canceled},
	} {
		x, err := w.Compact(t.Context(), f.m)
		if x != (Window{}) || !errors.Is(err, f.want) {
			t.Errorf("%v, %v, not %v", x, err, f.want)
		}
		if e, ok := err.(*Error); !ok || e != own && (e.Op != "compact" || e.Off != 1000 || e.Len != 10) {
			t.Errorf("the error is %#v", err)
		}
		if m, ok := f.m.(*smallMemory); ok && len(m.given) != 0 {
			t.Error("memory was taken for nothing")
		}
		mustHold(t, w, 1000, "0123456789")
	}
	if x, err := w.Compact(t.Context(), &smallMemory{secure: true, left: 10}); err != nil {
		t.Error(err)
	} else {
		x.Release()
	}
	w.Release()
	c.mustBeFreed(t, 1)
}

func TestHeap(t *testing.T) {
	for _, n := range []int{0, 1, 5000} {
		b, err := Heap.Acquire(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		if p := b.Bytes(); len(p) != n || cap(p) != n {
			t.Errorf("len %d, cap %d for %d", len(p), cap(p), n)
		}
		b.Free()
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		ctx  context.Context
		n    int
		want error
	}{{over, 1, context.Canceled}, {t.Context(), -1, ErrRange}} {
		b, err := Heap.Acquire(c.ctx, c.n)
		if e, ok := err.(*Error); !ok || b != nil || !errors.Is(err, c.want) || e.Len != int64(c.n) {
			t.Errorf("Acquire(%d) = %v, %v", c.n, b, err)
		}
	}
	if Heap.Secure() {
		t.Error("the heap is secure")
	}
}

// lodging is a Backing with a Header, which is used for one window after another.
type lodging struct {
	Header
	p     []byte
	freed int
}

func (l *lodging) Free() { l.freed++ }

func TestABackingWithAHeader(t *testing.T) {
	l := &lodging{p: []byte("abc")}
	var stale []Window
	for round := range 100 {
		w := New(l, nil, l.p, int64(round))
		x := w.Slice(1, 3)
		w.Release()
		if l.freed != round {
			t.Fatalf("freed %d times in round %d, while an owner lives", l.freed, round)
		}
		mustHold(t, x, int64(round)+1, "bc")
		x.Release()
		if l.freed != round+1 {
			t.Fatalf("freed %d times in round %d, after the last owner", l.freed, round)
		}
		stale = append(stale, w, x)
		for _, s := range stale {
			mustBeDead(t, s)
		}
	}
	other := &lodging{p: l.p}
	w := New(other, nil, other.p, 0)
	for _, s := range stale {
		mustBeDead(t, s)
	}
	mustHold(t, w, 0, "abc")
	w.Release()
	if other.freed != 1 || l.freed != 100 {
		t.Errorf("freed %d and %d times, want 1 and 100", other.freed, l.freed)
	}
}
