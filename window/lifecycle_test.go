package window

import (
	"math/rand/v2"
	"testing"
)

// A life is a random program over handles, next to a model of what it should
// do: which owners live, which memory they own a part of, and that memory is
// freed with its last owner, at once, and once.
//
//	slot ──► owner ──► memory
//	slot ──┘           (a copy of a handle is a second slot of one owner)
//
// Owners that have ended stay in their slots, so that stale handles of tickets
// that were handed out again and again are used too.
type life struct {
	slots  [24]slot
	alive  int // memories not yet freed
	next   byte
	report func(format string, args ...any)
}

type slot struct {
	w Window
	o *owner // nil: the zero Window
}

type owner struct {
	m      *memory
	lo, hi int // in m
	off    int64
	ended  bool
}

type memory struct {
	counted
	owners int
	first  byte // m.p[i] == first + i while it lives
}

// run takes a program: three bytes an operation, two slots among them.
func (l *life) run(program []byte) {
	for ; len(program) >= 3; program = program[3:] {
		a, b := &l.slots[int(program[1])%len(l.slots)], &l.slots[int(program[2])%len(l.slots)]
		l.step(program[0]%8, a, b, int(program[2]), int(program[0]>>3))
	}
}

func (l *life) step(op byte, a, b *slot, x, y int) {
	switch op {
	case 0:
		l.make(a, x)
	case 1:
		l.derive("Retain", a, b, 0, -1)
	case 2:
		l.derive("Slice", a, b, x, x+y)
	case 3, 4:
		l.release(a)
	case 5:
		if b.o != a.o {
			l.drop(b)
		}
		*b = *a
	case 6:
		l.look(a)
	case 7:
		l.write(a, x, y)
	}
}

// make gives slot a an owner of new memory of n bytes.
func (l *life) make(a *slot, n int) {
	l.next++
	m := &memory{owners: 1, first: l.next}
	m.p = make([]byte, n)
	for i := range m.p {
		m.p[i] = m.first + byte(i)
	}
	l.drop(a)
	off := int64(n) << 20
	*a = slot{New(m, nil, m.p, off), &owner{m: m, hi: n, off: off}}
	l.alive++
}

// drop ends slot a's owner if this is its only slot, so that nothing leaks.
func (l *life) drop(a *slot) {
	if a.o == nil || a.o.ended {
		return
	}
	n := 0
	for i := range l.slots {
		if l.slots[i].o == a.o {
			n++
		}
	}
	if n == 1 {
		l.release(a)
	}
}

// derive puts a new owner of a part of a's bytes into b.
func (l *life) derive(op string, a, b *slot, lo, hi int) {
	var w Window
	p := panicOf(func() {
		if op == "Retain" {
			w = a.w.Retain()
		} else {
			w = a.w.Slice(lo, hi)
		}
	})
	if a.o == nil {
		if hi <= 0 && (p != nil || w != (Window{})) {
			l.report("%s of the zero Window: %v, %v", op, w, p)
		}
		return
	}
	n := a.o.hi - a.o.lo
	if hi < 0 {
		hi = n
	}
	switch {
	case hi > n:
		if p == nil {
			l.report("Slice[%d:%d] of %d bytes did not panic", lo, hi, n)
		}
	case a.o.ended:
		l.isMisuse(op, p)
	case p != nil:
		l.report("%s of a live window panicked with %v", op, p)
	default:
		a.o.m.owners++
		o := &owner{m: a.o.m, lo: a.o.lo + lo, hi: a.o.lo + hi, off: a.o.off + int64(lo)}
		l.drop(b)
		*b = slot{w, o}
		l.look(b)
	}
}

func (l *life) isMisuse(op string, p any) {
	if want := "window: " + op + " of a released window"; p != want {
		l.report("%s of a released window panicked with %v", op, p)
	}
}

func (l *life) release(a *slot) {
	p := panicOf(a.w.Release)
	switch {
	case a.o == nil:
		if p != nil {
			l.report("Release of the zero Window panicked with %v", p)
		}
	case a.o.ended:
		l.isMisuse("Release", p)
	case p != nil:
		l.report("Release of a live window panicked with %v", p)
	default:
		l.ended(a.o)
	}
}

func (l *life) ended(o *owner) {
	o.ended = true
	if o.m.owners--; o.m.owners == 0 {
		l.alive--
	}
	l.freed(o.m)
}

// freed checks that the memory is freed if, and only if, it has no owners.
func (l *life) freed(m *memory) {
	want := int64(0)
	if m.owners == 0 {
		want = 1
	}
	if n := m.frees.Load(); n != want {
		l.report("memory with %d owners was freed %d times", m.owners, n)
	}
}

// look uses a's handle in every way that changes nothing.
func (l *life) look(a *slot) {
	if a.o == nil {
		return
	}
	if a.o.ended {
		l.isMisuse("Bytes", panicOf(func() { a.w.Bytes() }))
		l.isMisuse("Off", panicOf(func() { a.w.Off() }))
		l.isMisuse("Memory", panicOf(func() { a.w.Memory() }))
		l.freed(a.o.m)
		return
	}
	b := a.w.Bytes()
	if len(b) != a.o.hi-a.o.lo || cap(b) != len(b) || a.w.Len() != len(b) || a.w.Off() != a.o.off {
		l.report("%v has %d bytes, cap %d; it should be [%d:%d) at %d", a.w, len(b), cap(b), a.o.lo, a.o.hi, a.o.off)
		return
	}
	for i, c := range b {
		if want := a.o.m.first + byte(a.o.lo+i); c != want {
			l.report("byte %d of %v is %#x, not %#x", i, a.w, c, want)
			return
		}
	}
}

// write begins a write window, which is committed or aborted, or both.
func (l *life) write(a *slot, n, how int) {
	l.make(a, n)
	o := a.o
	w := WriteWindow{a.w}
	if how%4 == 0 {
		w.Abort()
		w.Abort()
		l.ended(o)
		return
	}
	part := n * (how % 4) / 3
	r := w.Commit(part, int64(how))
	w.Abort()
	l.isMisuse("Bytes", panicOf(func() { w.Bytes() }))
	a.w = r
	o.hi, o.off = part, int64(how)
	l.look(a)
}

// end releases what lives.
func (l *life) end() {
	for i := range l.slots {
		if a := &l.slots[i]; a.o != nil && !a.o.ended {
			l.look(a)
			l.release(a)
		}
	}
	if l.alive != 0 {
		l.report("%d memories were never freed", l.alive)
	}
}

func FuzzWindowLifecycle(f *testing.F) {
	f.Add([]byte("\x00\x00\x20\x01\x00\x01\x03\x00\x00\x03\x01\x00")) // New, Retain, Release, Release
	f.Add([]byte("\x00\x00\x20\x05\x00\x01\x03\x00\x00\x04\x01\x00")) // a copy, released too
	f.Add([]byte("\x00\x00\x20\x2a\x00\x03\x03\x00\x00\x06\x03\x00\x06\x00\x00"))
	f.Add([]byte("\x0f\x00\x20\x07\x00\x20\x17\x01\x40\x06\x01\x00")) // writing
	rnd := rand.New(rand.NewPCG(3, 4))
	f.Add(randomProgram(rnd, 300))
	f.Fuzz(func(t *testing.T, program []byte) {
		l := life{report: t.Errorf}
		l.run(program)
		l.end()
	})
}

func randomProgram(rnd *rand.Rand, n int) []byte {
	p := make([]byte, 3*n)
	for i := range p {
		p[i] = byte(rnd.Uint32())
	}
	return p
}

// One long life, in which tickets and shares are handed out again by the
// million under handles that have ended.
func TestWindowLifecycle(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	l := life{report: func(format string, args ...any) { t.Helper(); t.Fatalf(format, args...) }}
	for range rounds(t, 3000) {
		l.run(randomProgram(rnd, 1000))
	}
	l.end()
}
