package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/source/internal/plan"
	"github.com/oriel-go/oriel/window"
)

// A program is a sequence of what a Reader can be asked for, whose plan is told
// lies that differ every time, and whose way is changed by force besides.
type program struct {
	t    *testing.T
	rnd  *rand.Rand
	name string
	text []byte
	f    *File
	r    *Reader
	pos  int64
	held []heldWindow
	ways map[string]int // by which bytes came
	done []string       // what was asked for last
}

// lie says something else of a file every time.
func lie(rnd *rand.Rand) func(*plan.Facts) {
	var mu sync.Mutex
	known := func() plan.Known { return plan.Known(rnd.IntN(3)) }
	perhaps := func(why string) string {
		if rnd.IntN(4) > 0 {
			return ""
		}
		return why
	}
	return func(k *plan.Facts) {
		mu.Lock()
		defer mu.Unlock()
		k.CachedShare = []float64{-1, 0, 0.5, 1}[rnd.IntN(4)]
		k.LargeFolios, k.InMemory, k.Remote, k.Rotational = known(), plan.No, plan.No, known()
		k.NoGuard, k.NoRing, k.NoDirect = perhaps("a lie"), perhaps("another"), perhaps("one more")
		k.CacheBytes = []int64{0, 1 << 20, 1 << 40}[rnd.IntN(3)]
		k.Mapped, k.Busy = rnd.IntN(2), known()
	}
}

func (p *program) note(format string, args ...any) {
	if p.done = append(p.done, fmt.Sprintf(format, args...)); len(p.done) > 30 {
		p.done = p.done[1:]
	}
}

func (p *program) fatal(format string, args ...any) {
	p.t.Helper()
	p.t.Fatalf("%s; before it:\n%s\n%s", fmt.Sprintf(format, args...), p.done, p.r.Explain())
}

// take compares a window that begins at off, and keeps it for a while.
func (p *program) take(w window.Window, off int64) {
	p.t.Helper()
	if w.Off() != off || off+int64(w.Len()) > int64(len(p.text)) || !bytes.Equal(w.Bytes(), p.text[off:off+int64(w.Len())]) {
		p.fatal("other bytes at %d: a window of %d at %d, by %s", off, w.Len(), w.Off(), w.Info().Source)
	}
	p.ways[w.Info().Source]++
	p.held = append(p.held, heldWindow{w, nil})
	if len(p.held) > 3 {
		p.letGo(p.rnd.IntN(len(p.held)))
	}
}

// letGo releases a window, which must be what it was.
func (p *program) letGo(i int) {
	w := p.held[i]
	if off := w.Off(); !bytes.Equal(w.Bytes(), p.text[off:off+int64(w.Len())]) {
		p.fatal("the window at %d has changed while it was held", off)
	}
	w.Release()
	p.held = append(p.held[:i], p.held[i+1:]...)
}

// turn changes the way in which windows are read, in the middle of all.
func (p *program) turn() {
	s := p.r.steer.Load()
	if s == nil {
		return
	}
	s.mu.Lock()
	p.r.replan(p.rnd.IntN(2) == 0)
	if p.rnd.IntN(2) == 0 {
		s.ask.Only = plan.Of(plan.Way(p.rnd.IntN(plan.Ways)))
		s.plan = plan.Make(&s.facts, s.ask)
		if !s.plan.Candidates[s.plan.Way].Refused {
			s.plan.Candidates[plan.Pread].Refused = false // it is what is left when the other fails
			s.trial = plan.Trial{}
			s.trial.Start(&s.plan)
		}
	}
	s.mu.Unlock()
	p.r.turn()
	p.note("turn to %v", plan.Way(p.r.way.Load()))
}

// next reads the next window, or tries to until it is there.
func (p *program) next(try bool) {
	w, err := window.Window{}, error(nil)
	for {
		if !try {
			w, err = p.r.ReadManaged(p.t.Context())
			break
		}
		if w, err = p.r.TryReadManaged(p.t.Context()); !errors.Is(err, window.ErrNotReady) {
			break
		}
		<-p.r.Ready()
	}
	p.note("read, trying %v: %d at %d by %v, %v", try, w.Len(), w.Off(), w.Info().Source, err)
	switch {
	case p.pos >= int64(len(p.text)):
		if err != io.EOF {
			p.fatal("behind the end: %v, %v", w, err)
		}
	case err != nil || w.Len() == 0:
		p.fatal("at %d: %v, %v", p.pos, w, err)
	default:
		at := p.pos
		p.pos += int64(w.Len())
		p.take(w, at)
	}
}

// step does one thing.
func (p *program) step() {
	size := int64(len(p.text))
	switch n := p.rnd.IntN(100); {
	case n < 45:
		p.next(false)
	case n < 60:
		p.next(true)
	case n < 70:
		p.pos = p.rnd.Int64N(size + 2)
		if p.rnd.IntN(2) == 0 { // near to where it is, and perhaps into what is pending
			p.pos = min(max(p.r.pos+p.rnd.Int64N(4<<20)-1<<20, 0), size)
		}
		p.note("seek to %d", p.pos)
		if err := p.r.SeekTo(p.pos); err != nil {
			p.fatal("seek: %v", err)
		}
	case n < 75:
		pattern := Pattern(p.rnd.IntN(int(Reuse) + 1))
		p.note("pattern %v", pattern)
		p.r.SetPattern(pattern)
	case n < 78:
		size := []int{4 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20}[p.rnd.IntN(5)]
		p.note("windows of %d", size)
		if err := p.r.SetWindowSize(size); err != nil {
			p.fatal("window size: %v", err)
		}
	case n < 88:
		off, n := p.rnd.Int64N(size), 1+p.rnd.IntN(1<<(1+p.rnd.IntN(20)))
		p.note("%d at %d", n, off)
		w, err := p.r.ReadManagedAt(p.t.Context(), off, n)
		if err != nil || int64(w.Len()) != min(int64(n), size-off) {
			p.fatal("%d at %d: %v, %v", n, off, w, err)
		}
		p.take(w, off)
	default:
		p.turn()
	}
}

// runProgram runs one program on a file in some state.
func runProgram(t *testing.T, name string, text []byte, seed uint64, steps int) (ways map[string]int) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	rt := newRuntime(t, Limits{LockBytes: fewLocked})
	rt.machine.amend = lie(rand.New(rand.NewPCG(seed, 2)))
	f := openAt(t, name, &Options{Runtime: rt, Pattern: Pattern(rnd.IntN(int(Reuse) + 1))})
	p := &program{t: t, rnd: rnd, name: name, text: text, f: f, r: f.NewReader(nil), ways: map[string]int{}}
	defer p.r.Close()
	for range steps {
		p.step()
	}
	for len(p.held) > 0 {
		p.letGo(0)
	}
	if e := p.r.Explain(); len(e.Switches) > maxSwitches || e.Stats.WastedBytes > e.Stats.AheadBytes {
		t.Errorf("in the end:\n%s", e)
	}
	p.r.Close()
	if n := rt.mapped.Load(); n != 0 {
		t.Errorf("%d Readers are counted as mapped", n)
	}
	return p.ways
}

// states are what the page cache may have of a file.
var states = map[string]func(t testing.TB, name string, size int64){
	"cached":      func(t testing.TB, name string, _ int64) { warm(t, name) },
	"cold":        func(t testing.TB, name string, _ int64) { cold(t, name) },
	"half cached": halfCached,
}

// Whatever way a Reader is turned to, and whenever, its bytes are those of the
// file, in their order.
func TestSwitchesAreInvisible(t *testing.T) {
	seeds, steps := uint64(4), 300
	if raceEnabled {
		seeds, steps = 1, 150
	}
	text := random(planBytes)
	for what, arrange := range states {
		t.Run(what, func(t *testing.T) {
			name := write(t, text)
			all, ran := map[string]int{}, false
			for seed := range seeds {
				t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) { // which ends its mappings
					arrange(t, name, planBytes)
					ran = true // it was not skipped
					for way, n := range runProgram(t, name, text, seed, steps) {
						all[way] += n
					}
				})
			}
			if ran && (all["pread"] == 0 || len(all) < 2) {
				t.Errorf("bytes came by %v only", all)
			}
		})
	}
}

// Nor does a writer show who opens the file again and again, and so takes away
// what keeps a mapping still. What is written is what was there.
func TestSwitchesAreInvisibleWhileAWriterCalls(t *testing.T) {
	text := random(planBytes)
	name := write(t, text)
	warm(t, name)
	steps := 400
	if raceEnabled {
		steps = 150
	}
	stop, done := make(chan struct{}), make(chan error)
	go func() {
		rnd := rand.New(rand.NewPCG(7, 7))
		for {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			off := rnd.Int64N(planBytes - 4096)
			err := opened(name, os.O_WRONLY, func(h *os.File) error {
				_, err := unix.Pwrite(int(h.Fd()), text[off:off+4096], off)
				return err
			})
			if err != nil {
				done <- err
				return
			}
		}
	}()
	for seed := range uint64(2) {
		runProgram(t, name, text, 100+seed, steps)
	}
	close(stop)
	if err := <-done; err != nil {
		t.Error(err)
	}
}
