package access

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// holds checks what has to be true whatever happened.
func (sc *script) holds(t *testing.T) {
	t.Helper()
	l, depth := sc.limits, sc.a.Depth()
	switch {
	case depth < 0, depth > max(0, l.MaxBytes):
		t.Fatalf("depth %d of at most %d", depth, l.MaxBytes)
	case depth > 0 && (l.WindowBytes <= 0 || depth%l.WindowBytes != 0):
		t.Fatalf("depth %d in windows of %d", depth, l.WindowBytes)
	case l.Declared != Unknown && sc.a.Order() != l.Declared:
		t.Fatalf("order %v where %v is declared", sc.a.Order(), l.Declared)
	}
	f := &sc.a.front
	if pays := f.purse.pays(); depth > max(pays, f.unit()) {
		t.Fatalf("depth %d, but a purse for %d", depth, pays)
	}
	if f.ahead < 0 || f.settle < 0 || f.settle > f.ahead {
		t.Fatalf("%d of %d ahead are old", f.settle, f.ahead)
	}
	switch o := sc.a.Order(); {
	case o > Random:
		t.Fatalf("order %d", o)
	case (o == Backward || o == Strided || o == Random) && depth != 0:
		t.Fatalf("depth %d of %v", depth, o)
	}
	for _, h := range sc.hints {
		holdsHint(t, h, l)
	}
	if sc.s == nil {
		holdsHinter(t, &sc.a.hint)
		return
	}
	for i := range sc.s.list {
		holdsHinter(t, &sc.s.list[i].hint)
	}
}

func holdsHint(t *testing.T, h Hint, l Limits) {
	t.Helper()
	if h.Count == 0 {
		return
	}
	last := h.Off + int64(h.Count-1)*h.Stride
	switch {
	case h.Count < 0, h.Len <= 0, h.Off < 0, last < 0, last > math.MaxInt64-h.Len,
		h.Off > math.MaxInt64-h.Len:
		t.Fatalf("hint %+v", h)
	case h.Count > 1 && (last > h.Off) != (h.Stride > 0):
		t.Fatalf("hint %+v ends at %d", h, last)
	case h.Len > l.MaxBytes/int64(h.Count):
		t.Fatalf("hint %+v of more than %d", h, l.MaxBytes)
	case l.Declared == Sequential || l.Declared == Random:
		t.Fatalf("hint %+v for what is %v", h, l.Declared)
	}
}

func holdsHinter(t *testing.T, h *hinter) {
	t.Helper()
	if h.ahead < 0 || h.ahead > counted(math.MaxInt64) || h.settle < 0 || h.settle > h.ahead {
		t.Fatalf("hinter %+v", *h)
	}
}

// FuzzScript runs any script, as one about an Ahead and as one about Streams.
func FuzzScript(f *testing.F) {
	files, err := filepath.Glob("testdata/*/*.txt")
	if err != nil || len(files) == 0 {
		f.Fatalf("no scripts: %v", err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	const most = 1 << 12 // bytes of a script: enough for all kinds of steps
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > most {
			t.Skip("too long a script to be worth its time")
		}
		for _, s := range []*Streams{nil, new(Streams)} {
			sc := script{s: s, check: func(sc *script) {
				sc.holds(t)
				sc.hints = sc.hints[:0]
			}}
			if sc.s == nil {
				// Before any limits.
				sc.holds(t)
			}
			if _, err := sc.run(text); err != nil {
				return // not a script from some line on
			}
		}
	})
}

// Any events with any numbers, the largest and the smallest among them.
func TestAnyEventsHold(t *testing.T) {
	extremes := []int64{
		0, 1, -1, 4096, 64 << 10, 1 << 20, 3 << 20, mostBytes - 1, mostBytes, mostBytes + 1, 1 << 62,
		math.MaxInt64 - 1<<20, math.MaxInt64 - 1, math.MaxInt64, math.MinInt64, math.MinInt64 + 1,
	}
	const sessions, steps = 400, 300
	for seed := range uint64(sessions) {
		r := rand.New(rand.NewPCG(seed, 1))
		any := func() int64 { return extremes[r.IntN(len(extremes))] }
		sc := script{}
		if seed%2 == 0 {
			sc.s = new(Streams)
		}
		off, n, step := any(), any(), any()
		for range steps {
			sc.hints = sc.hints[:0]
			switch r.IntN(12) {
			case 0:
				sc.limits = Limits{any(), any(), Order(r.IntN(int(Random) + 1))}
				sc.a.Set(sc.limits)
				if sc.s != nil {
					sc.s.Set(sc.limits)
				}
			case 1:
				off, n, step = any(), any(), any()
			case 2:
				sc.a.Jump(any())
			case 3:
				sc.a.Fetched(any())
			case 4:
				sc.a.Waste(any())
			default: // chains, so that orders are found; an offset may wrap around
				off += step
				e := Event(r.IntN(int(Noted) + 1))
				sc.a.Read(off, n, e)
				sc.hints = append(sc.hints, sc.a.Hint())
				if sc.s != nil {
					sc.hints = append(sc.hints, sc.s.Read(off, n, e))
				}
			}
			sc.holds(t)
		}
	}
}
