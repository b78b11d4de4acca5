package main

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oriel-go/oriel/source"
)

// An account says what came of a plan. It comes back in JSON.
type account struct {
	Freezes  bool     `json:"freezes"` // false of the control
	Seconds  float64  `json:"seconds"`
	Counts   counts   `json:"counts"`
	Guard    guard    `json:"guard"`
	Attacks  *report  `json:"attacks"`
	Lives    int      `json:"attackers"` // processes
	Killed   int      `json:"killed"`    // of them, by SIGKILL
	Findings []string `json:"findings"`  // what went wrong, in words

	Settled time.Duration `json:"settledNanoseconds"` // from when all was closed to when nothing was left of it
}

// A stage is the readers of one plan, in a process of their own.
type stage struct {
	plan   *plan
	rt     *source.Runtime
	kind   source.Kind
	total  tally
	shelf  *shelf
	handed chan held // what readers share with holders
	found  *findings
	over   atomic.Bool
}

// stageMain is the process of a stage. It ends early when its standard input
// does.
func stageMain(config string, stdin io.Reader, stdout, stderr io.Writer) int {
	p := &plan{}
	if err := json.Unmarshal([]byte(config), p); err != nil {
		fmt.Fprintln(stderr, "soak: stage:", err)
		return exitUsage
	}
	a, err := runStage(leash(stdin), p, stderr)
	if err == nil {
		err = json.NewEncoder(stdout).Encode(a)
	}
	if err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", p.Name, err)
		return exitBroken
	}
	return exitFine
}

func (s *stage) running() bool { return !s.over.Load() }

// runStage does what the plan says.
func runStage(ctx context.Context, p *plan, stderr io.Writer) (*account, error) {
	kind, err := sourceKind(p.Source)
	if err == nil && p.MemlockBytes > 0 {
		err = limitLocked(p.MemlockBytes) // before the library asks for it
	}
	if err != nil {
		return nil, err
	}
	// What all hands hold, and twice as much for what is between two of them and
	// for what lines keep beside themselves.
	memory := int64(2*p.Readers+1) * 3 * heldBytes
	rt, err := source.NewRuntime(source.Limits{MemoryBytes: memory, LockBytes: p.LockBytes, PinnedBytes: p.PinnedBytes})
	if err != nil {
		return nil, err
	}
	s := &stage{
		plan: p, rt: rt, kind: kind,
		shelf:  newShelf(len(p.FileBytes)),
		handed: make(chan held, p.Readers),
		found:  &findings{name: p.Name, w: stderr},
	}
	first := newAttacker(p.siege(0, p.Seed))
	for i := range p.FileBytes {
		if err := first.create(i); err != nil {
			return nil, fmt.Errorf("the files cannot be made: %w", err)
		}
	}
	fmt.Fprintf(stderr, "%s: %d files of %d to %d bytes\n", p.Name, len(p.FileBytes), p.FileBytes[0], p.FileBytes[len(p.FileBytes)-1])
	began := time.Now()
	attackers := &pack{plan: p, log: s.found, report: newReport()}
	s.attacked(ctx, attackers, stderr)
	a := &account{
		Freezes: freezes, Seconds: time.Since(began).Seconds(), Counts: s.total.counts(), Guard: look(rt),
		Attacks: attackers.report, Lives: attackers.lives, Killed: attackers.killed,
	}
	a.Settled = s.close()
	a.Findings = s.found.all()
	return a, nil
}

// attacked runs readers and attackers until the plan says that it is enough.
func (s *stage) attacked(ctx context.Context, attackers *pack, stderr io.Writer) {
	ctx, end := context.WithCancel(ctx)
	defer end()
	var besieging, reading, holding sync.WaitGroup
	besieging.Go(func() { attackers.run(ctx) })
	besieging.Go(func() { s.relimit(ctx) })
	seed := maphash.MakeSeed()
	for i := range s.plan.Readers {
		r := &reader{hand: s.hand(seed, 2*i), stage: s}
		reading.Go(r.run)
		h := &holder{s.hand(seed, 2*i+1), s}
		holding.Go(h.run)
	}
	s.watch(ctx, stderr)
	// The attackers first: what they wait for is readers that still hold.
	end()
	besieging.Wait()
	s.over.Store(true)
	reading.Wait()
	close(s.handed)
	holding.Wait()
	for x := range s.handed { // what came after the last holder had gone
		x.w.Release()
	}
}

func (s *stage) hand(seed maphash.Seed, number int) hand {
	return hand{
		tally: &s.total, log: s.found, seed: seed, hold: s.plan.Hold,
		rng: rand.New(rand.NewPCG(s.plan.Seed, uint64(number)<<32)),
	}
}

// close closes what the readers shared, after which nothing may be in use, and
// returns how long it took until nothing was.
func (s *stage) close() (settled time.Duration) {
	for i := range s.plan.FileBytes {
		if err := s.shelf.clear(i); err != nil {
			s.found.add("close: %v", err)
		}
	}
	if st := s.rt.Stats(); st.Files != 0 {
		s.found.add("%d files are still open", st.Files)
	}
	if err := s.rt.Close(); err != nil {
		s.found.add("close: %v", err)
	}
	took, text := s.remains()
	if text != "" {
		s.found.add("%s", text)
	}
	for i := range s.plan.FileBytes {
		os.Remove(s.plan.path(i))
	}
	return took
}

// settling is how long what is left may take to go away: a mapping whose lease
// has just been broken is tidied up by a goroutine that nobody waits for.
const settling = 20 * time.Second

// remains says what is left after everything has been closed, "" if nothing is,
// and how long that took.
func (s *stage) remains() (took time.Duration, text string) {
	for began := time.Now(); ; time.Sleep(time.Millisecond) {
		g := s.rt.Stats().Guard
		mappings, descriptors, err := left(s.plan.Dir)
		switch {
		case err != nil:
			text = fmt.Sprintf("close: %v", err)
		case g.Leases != 0 || g.LockedBytes != 0:
			text = fmt.Sprintf("%d leases are still held, and %d bytes locked", g.Leases, g.LockedBytes)
		case mappings+descriptors > 0:
			text = fmt.Sprintf("%d mappings and %d descriptors are left behind", mappings, descriptors)
		default:
			return time.Since(began), ""
		}
		if time.Since(began) > settling {
			return time.Since(began), text
		}
	}
}

const (
	watchEvery = 20 * time.Millisecond
	printEvery = 5 * time.Second
)

// watch returns when the stage is to end, and says how it goes until then.
func (s *stage) watch(ctx context.Context, stderr io.Writer) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	began := time.Now()
	for printed := began; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := time.Now()
		c, g := s.total.counts(), look(s.rt)
		if s.plan.reached(now.Sub(began), c, g) {
			return
		}
		if now.Sub(printed) >= printEvery {
			printed = now
			fmt.Fprintf(stderr, "%s: %.0f s, %s\n", s.plan.Name, now.Sub(began).Seconds(), progress(c, g))
		}
	}
}

// reached reports whether the stage has done what it should.
func (p *plan) reached(elapsed time.Duration, c counts, g guard) bool {
	if elapsed >= p.Limit {
		return true
	}
	if p.UntilBroken {
		return g.Breaks > 0 && c[guardedChanged] > 0 && c[guardedFaults] > 0
	}
	return elapsed >= p.Least && g.Breaks >= p.Breaks && c[guardedChecks] >= p.Checks && p.unshown(c, g) == ""
}

// unshown says what a stage has not come to, without which it shows nothing.
func (p *plan) unshown(c counts, g guard) string {
	switch {
	case p.Source != "mmap":
	case c[guarded] == 0:
		return "no window was guarded"
	case g.Breaks == 0:
		return "no lease broke"
	case g.FrozenBreaks == 0:
		return "no lease broke while a window was held"
	case c[frozen] == 0:
		return "no window was frozen in place"
	case c[frozenChecks] == 0:
		return "no window was looked at after it had been frozen"
	case p.MemlockBytes > 0 && g.LockRefused == 0:
		return "the system refused to lock nothing"
	}
	return ""
}

// progress is a line for people.
func progress(c counts, g guard) string {
	return fmt.Sprintf("%d broken leases (%d with something frozen), %d windows (%d guarded, %d frozen in place), %d guarded hash checks, %d changed, %d faults",
		g.Breaks, g.FrozenBreaks, c[windows], c[guarded], c[frozen], c[guardedChecks], c[changed], c[faults])
}

// sourceKind returns the source with a name.
func sourceKind(name string) (source.Kind, error) {
	for _, k := range []source.Kind{source.Auto, source.Pread, source.Mmap} {
		if k.String() == name {
			return k, nil
		}
	}
	return 0, fmt.Errorf("there is no source %q", name)
}
