package main

import (
	"hash/maphash"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/window"
)

// lent is memory that the test changes and that says where it is.
type lent struct {
	residency window.Residency
	freed     int
}

func (l *lent) Free() { l.freed++ }

func (l *lent) Describe() window.Info { return window.Info{Residency: l.residency, Locked: true} }

func newHand() *hand {
	return &hand{
		tally: &tally{}, log: &findings{w: io.Discard}, seed: maphash.MakeSeed(),
		rng: rand.New(rand.NewPCG(1, 1)), hold: time.Hour,
	}
}

// wrong returns the counts that have to be 0 and are not.
func wrong(h *hand) (list []count) {
	for _, c := range broken {
		if h.tally[c].Load() != 0 {
			list = append(list, c)
		}
	}
	return list
}

// TestStillWindow: what stays as it is is no finding, frozen or not.
func TestStillWindow(t *testing.T) {
	h := newHand()
	for range 100 {
		p := make([]byte, 3*partBytes+5)
		fill(p, 2, 4096, 1)
		l := &lent{residency: window.Guarded}
		h.take(window.New(l, nil, p, 4096), 2)
		x, ok := h.second(0)
		if !ok {
			t.Fatal("no second owner")
		}
		h.keep(x)
		h.burst()
		l.residency = window.Private
		h.burst()
		h.releaseAll()
		if l.freed != 1 {
			t.Fatalf("freed %d times", l.freed)
		}
	}
	c := h.tally.counts()
	if list := wrong(h); list != nil || c[windows] != 100 || c[guarded] != 100 || c[frozen] < 100 || c[shared] != 100 || c[guardedChecks] < 300 || c[frozenChecks] == 0 || c[privateChecks] != 0 {
		t.Errorf("%v; %v; %v", list, c, h.log.all())
	}
	if h.bytes != 0 || h.long != 0 || h.full() {
		t.Errorf("%d bytes are held, %d windows for long", h.bytes, h.long)
	}
}

// TestCopiesAreCountedApart: hashes of what was pool memory when it was handed
// out say nothing about the guard.
func TestCopiesAreCountedApart(t *testing.T) {
	h := newHand()
	p := make([]byte, partBytes)
	h.take(window.New(&lent{residency: window.Private}, nil, p, 0), 2)
	h.burst()
	p[0]++
	h.burst()
	h.releaseAll()
	c := h.tally.counts()
	if c[guardedChecks]+c[frozenChecks]+c[guardedChanged] != 0 || c[privateChecks] < burstChecks || c[changed] != 1 {
		t.Errorf("%v", c)
	}
}

// TestSomeAreHeldForLong: few, beside which others find room.
func TestSomeAreHeldForLong(t *testing.T) {
	h := newHand()
	h.hold = time.Millisecond
	for range 100 * longOneIn {
		h.take(window.New(&lent{residency: window.Guarded}, nil, make([]byte, 8), 0), 2)
		h.releaseDue(time.Now().Add(leastLong - time.Millisecond))
	}
	if n := len(h.held); n != mostLongHeld || h.long != n || h.full() || h.tally[longHeld].Load() != int64(n) {
		t.Errorf("%d are held, %d for long of %d", n, h.long, h.tally[longHeld].Load())
	}
	h.releaseDue(time.Now().Add(mostLong))
	if len(h.held)+h.long != 0 {
		t.Errorf("%d are held, %d for long", len(h.held), h.long)
	}
}

// TestDamageIsFound: each kind of damage is found, and counted once.
func TestDamageIsFound(t *testing.T) {
	for _, test := range []struct {
		want   count
		damage func(p []byte, l *lent)
		early  bool // before it is handed out
	}{
		{changed, func(p []byte, l *lent) { p[len(p)-1]++ }, false},
		{changed, func(p []byte, l *lent) { clear(p[:4096]) }, false},
		{misplacement, func(p []byte, l *lent) { p[len(p)-8]++ }, true},
		{misdescribed, func(p []byte, l *lent) { l.residency = window.Private }, true},
		{misdescribed, func(p []byte, l *lent) { l.residency = 0 }, true},
	} {
		h := newHand()
		p := make([]byte, 2*partBytes)
		fill(p, 2, 4096, 1)
		l := &lent{residency: window.Guarded}
		if test.early {
			test.damage(p, l)
		}
		h.take(window.New(l, nil, p, 4096), 2)
		if !test.early {
			test.damage(p, l)
		}
		if test.want == misdescribed {
			l.residency = window.Guarded
		}
		h.releaseDue(time.Now())
		h.releaseDue(time.Now().Add(2 * h.hold))
		if list := wrong(h); len(list) != 1 || list[0] != test.want || len(h.log.all()) == 0 || len(h.held) != 0 {
			t.Errorf("found %v, want %v: %v", list, test.want, h.log.all())
		}
	}
}

// TestFaultIsFound touches what was truncated.
func TestFaultIsFound(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	p := make([]byte, 4*partBytes)
	fill(p, 2, 0, 1)
	if err := os.WriteFile(name, p, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := unix.Mmap(int(f.Fd()), 0, len(p), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(m)
	h := newHand()
	done := make(chan struct{})
	go func() { // the setting is the goroutine's, and nothing undoes it
		defer close(done)
		debug.SetPanicOnFault(true)
		for range 2 { // held when it is cut, and handed out afterwards
			h.take(window.New(&lent{residency: window.Guarded}, nil, m, 0), 2)
			if err := os.Truncate(name, 0); err != nil {
				t.Error(err)
			}
			h.burst()
			h.releaseAll()
		}
	}()
	<-done
	if list := wrong(h); len(list) != 1 || h.tally[faults].Load() != 2 || h.tally[guardedFaults].Load() != 2 {
		t.Errorf("found %v: %v", list, h.log.all())
	}
}

// TestOtherPanicsGoOn: only faults are taken for faults.
func TestOtherPanicsGoOn(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("the panic is gone")
		}
	}()
	safely(func() { panic("on purpose") })
}

func TestFindingsAreBounded(t *testing.T) {
	f := &findings{w: io.Discard}
	for i := range mostFindings + 5 {
		f.add("%d", i)
	}
	if l := f.all(); len(l) != mostFindings+1 || l[mostFindings] != "and 5 more" {
		t.Errorf("%q", l)
	}
}

// TestLeftIsFound: mappings and descriptors of deleted files count as well.
func TestLeftIsFound(t *testing.T) {
	dir := t.TempDir()
	look := func(wantMappings, wantDescriptors int) {
		t.Helper()
		if m, d, err := left(dir); err != nil || m != wantMappings || d != wantDescriptors {
			t.Errorf("%d mappings and %d descriptors, want %d and %d; %v", m, d, wantMappings, wantDescriptors, err)
		}
	}
	look(0, 0)
	f, err := os.Create(filepath.Join(dir, "file"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := unix.Mmap(int(f.Fd()), 0, 4096, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	look(1, 1)
	if err := os.Remove(f.Name()); err != nil {
		t.Fatal(err)
	}
	f.Close()
	look(1, 0)
	unix.Munmap(m)
	look(0, 0)
}
