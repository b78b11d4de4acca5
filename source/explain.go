package source

import (
	"time"

	"github.com/oriel-go/oriel/source/internal/plan"
)

// An Explanation says which source serves, what else there is and what it would
// cost, what that is known from, and what reading has cost so far. Its JSON is
// for programs, its String for people.
type Explanation struct {
	Name   string `json:"name"`   // of what was opened
	Source string `json:"source"` // what serves: "mmap", "uring", "pread", "stream", "fetch" or "bytes"
	Forced bool   `json:"forced"` // by Options.Source
	Why    string `json:"why"`    // why that serves

	Pattern     Pattern `json:"-"`
	Reads       string  `json:"reads"`       // the pattern as it was declared, or as it was found out
	SizeBytes   int64   `json:"sizeBytes"`   // 0 where it is unknown
	WindowBytes int     `json:"windowBytes"` // the size of a Reader's windows
	AheadBytes  int64   `json:"aheadBytes"`  // most that a Reader reads ahead of its caller
	NeverWaits  bool    `json:"neverWaits"`  // whether resident bytes are told from others without waiting (RWF_NOWAIT)

	Facts      *Facts      `json:"facts,omitempty"`      // what was known; nil where there was no choice
	WorkBytes  int64       `json:"workBytes,omitempty"`  // what the costs of Candidates are of
	Candidates []Candidate `json:"candidates,omitempty"` // by their cost, those that cannot serve last
	Switches   []Switch    `json:"switches,omitempty"`   // the last ones
	Earlier    int         `json:"earlier,omitempty"`    // switches before those

	Guard     string `json:"guard,omitempty"`     // what keeps a mapped file still now, "" for nothing
	Unguarded string `json:"unguarded,omitempty"` // why nothing does, and it is copied, where Source is "mmap"
	Breaks    int64  `json:"breaks,omitempty"`    // times that a writer has broken the guard
	LockBytes int64  `json:"lockBytes"`           // the Runtime's bound of locked memory
	LockFrom  string `json:"lockFrom"`            // and what set it

	Direct   string `json:"direct,omitempty"`   // whether it is read past the page cache, and why, where Source is "uring"
	Unringed string `json:"unringed,omitempty"` // why the ring does not serve it any more, and pread does
	InFlight int    `json:"inFlight,omitempty"` // reads that may be in the kernel at a time through the ring

	MemoryBytes int64  `json:"memoryBytes"` // the Runtime's budget
	MemoryFrom  string `json:"memoryFrom"`  // and what set it
	Threads     int    `json:"threads"`     // reads that may wait at a time

	Stats Stats `json:"stats"`
}

// Facts are what was known of a file, its file system and the machine when its
// plan was made.
type Facts struct {
	FileSystem     string   `json:"fileSystem"`  // "" where it is unknown
	InMemory       string   `json:"inMemory"`    // "yes", "no" or "unknown": whether reading never waits for a device
	Remote         string   `json:"remote"`      // whether it is a network file system or FUSE
	CachedShare    float64  `json:"cachedShare"` // part of some samples that the page cache has, 0 to 1; -1: unknown
	LargeFolios    string   `json:"largeFolios"` // whether the page cache holds it in large pieces, which map fast
	NoGuard        string   `json:"noGuard"`     // why it cannot be kept still, "" if it can as far as is known
	NoRing         string   `json:"noRing"`      // why it cannot be read through io_uring, "" if it can
	NoDirect       string   `json:"noDirect"`    // why it cannot be read past the page cache, "" if it can
	DirectUnit     int      `json:"directUnit"`  // what such reads are aligned to, in bytes
	LockFreeBytes  int64    `json:"lockFreeBytes"`
	CacheBytes     int64    `json:"cacheBytes"`     // what the page cache can take; 0: unknown, or of no matter to a small file
	ReadAheadBytes int64    `json:"readAheadBytes"` // the device's; 0: unknown
	Rotational     string   `json:"rotational"`
	Processors     int      `json:"processors"`
	Busy           string   `json:"busy"`             // whether all of them computed
	Failed         []string `json:"failed,omitempty"` // what could not be asked
}

// A Candidate is a way in which a file could be read.
type Candidate struct {
	Source   string        `json:"source"`     // "pread", "mmap", "uring" or "uring direct"
	Cost     time.Duration `json:"costNs"`     // expected for WorkBytes
	Chosen   bool          `json:"chosen"`     // it serves, or did first
	Refused  bool          `json:"refused"`    // it cannot serve, or must not
	Close    bool          `json:"close"`      // it is tried when there is enough to be read
	Reason   string        `json:"reason"`     // why
	Bytes    int64         `json:"bytes"`      // what has been measured of it so far,
	Measured time.Duration `json:"measuredNs"` // and what that took, with what the caller did with it
}

// A Switch is a change of the way in which a Reader reads.
type Switch struct {
	From       string `json:"from"`
	To         string `json:"to"`
	Trying     bool   `json:"trying"` // to see what it costs
	Off        int64  `json:"offset"` // of the first window in the new way
	AfterBytes int64  `json:"afterBytes"`
	Reason     string `json:"reason"`
}

// Explain says how the File is read at offsets, and what its Readers would be
// planned by. It asks the system what it does not know yet.
func (f *File) Explain() Explanation {
	e := f.explain()
	if f.pread == nil {
		return e
	}
	if !f.gate.enter() {
		f.leave()
		return e
	}
	defer f.leave()
	k := f.facts(false)
	f.askAll(&k)
	a := f.ask(f.set.pattern)
	a.At = true
	p := plan.Make(&k, a)
	e.planned(&k, &p, nil)
	return e
}

// explain says what there is to say without a plan.
func (f *File) explain() Explanation {
	l := f.rt.Limits()
	memoryFrom, lockFrom := f.rt.origins()
	e := Explanation{
		Name:        f.name,
		Source:      f.Source(),
		Forced:      f.set.forced() != "",
		Why:         f.why,
		Pattern:     f.set.pattern,
		Reads:       f.set.pattern.String(),
		SizeBytes:   f.Size(),
		WindowBytes: f.copyBytes(),
		MemoryBytes: l.MemoryBytes,
		MemoryFrom:  memoryFrom,
		LockBytes:   l.LockBytes,
		LockFrom:    lockFrom,
		Threads:     l.Threads,
		Stats:       f.Stats(),
	}
	e.AheadBytes = f.mostAhead(e.WindowBytes)
	if f.pread != nil {
		e.NeverWaits = f.pread.nowait.Load() || f.pread.memory.Load()
	}
	if e.Forced {
		e.Why += ", and " + f.set.forced() + " is forced"
	}
	if m := f.ways.mapped.Load(); m != nil {
		m := m.Stats()
		e.Guard, e.Unguarded, e.Breaks = m.Guard, m.Why, m.Breaks
		if f.set.window == 0 && f.set.kind == Mmap {
			e.WindowBytes = f.lentBytes()
		}
	}
	if g := f.ways.ring.Load(); g != nil {
		g.explain(&e)
	}
	return e
}

// planned adds a plan, what it was made of, and what its ways were measured to
// cost, if they were.
func (e *Explanation) planned(k *plan.Facts, p *plan.Plan, t *plan.Trial) {
	e.Facts = &Facts{
		FileSystem:     k.FileSystem,
		InMemory:       k.InMemory.String(),
		Remote:         k.Remote.String(),
		CachedShare:    k.CachedShare,
		LargeFolios:    k.LargeFolios.String(),
		NoGuard:        k.NoGuard,
		NoRing:         k.NoRing,
		NoDirect:       k.NoDirect,
		DirectUnit:     k.DirectUnit,
		LockFreeBytes:  k.LockFreeBytes,
		CacheBytes:     k.CacheBytes,
		ReadAheadBytes: k.ReadAheadBytes,
		Rotational:     k.Rotational.String(),
		Processors:     k.Processors,
		Busy:           k.Busy.String(),
		Failed:         k.Failed,
	}
	e.WorkBytes, e.WindowBytes, e.AheadBytes = p.WorkBytes, p.WindowBytes, p.AheadBytes
	e.Candidates = nil
	for _, w := range p.Order() {
		c := p.Candidates[w]
		d := Candidate{
			Source: w.String(), Cost: time.Duration(c.CostNs), Chosen: w == p.Way,
			Refused: c.Refused, Close: c.Close, Reason: c.Reason.String(),
		}
		if t != nil {
			d.Bytes, d.Measured = t.Measured(w)
		}
		e.Candidates = append(e.Candidates, d)
	}
}

// Explain says how the Reader reads, and has read so far.
func (r *Reader) Explain() Explanation {
	e := r.f.explain()
	e.Pattern, e.Stats = r.Pattern(), r.Stats()
	s := r.steer.Load()
	if s == nil {
		r.foresee(&e)
		return e
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e.planned(&s.facts, &s.plan, &s.trial)
	e.Switches, e.Earlier = append([]Switch(nil), s.switches...), s.earlier
	way := plan.Way(r.way.Load())
	e.Source = sourceOf(way)
	e.WindowBytes = r.WindowSize()
	return e
}

// Source names what serves the Reader now, as Explanation.Source does.
func (r *Reader) Source() string {
	if r.steer.Load() == nil {
		return r.f.servedBy()
	}
	return sourceOf(plan.Way(r.way.Load()))
}

// Source names what serves reads of the File at offsets now, as Explanation.Source
// does.
func (f *File) Source() string {
	if f.at.Load() != nil {
		return Mmap.String()
	}
	return f.servedBy()
}

// servedBy names what serves a File without a plan.
func (f *File) servedBy() string {
	switch {
	case f.set.kind != Auto:
		return f.set.kind.String()
	case f.ring != nil:
		return Uring.String()
	}
	return f.source
}

// foresee says how a Reader that has not begun is going to read.
func (r *Reader) foresee(e *Explanation) {
	f := r.f
	if f.pread == nil || r.closed.Load() {
		return
	}
	defer f.leave()
	if !f.gate.enter() {
		return
	}
	k := f.facts(false)
	f.askAll(&k)
	p := plan.Make(&k, r.declares())
	e.planned(&k, &p, nil)
	if f.auto() {
		e.Source = sourceOf(p.Way)
	}
}

// askAll asks for facts that are otherwise learned when they are needed.
func (f *File) askAll(k *plan.Facts) {
	if f.auto() && k.SizeBytes >= plan.LeastBytes {
		_, _ = f.ringed()
		k.NoRing = f.noRing()
		f.learn(k, 0)
	}
}

// sourceOf returns the name of the source that a way belongs to.
func sourceOf(w plan.Way) string {
	switch w {
	case plan.Mmap:
		return Mmap.String()
	case plan.Ring, plan.Direct:
		return Uring.String()
	}
	return Pread.String()
}
