package source

import (
	"fmt"

	"github.com/valyala/bytebufferpool"
)

// Explanation says which source serves, why, and what it has cost so far.
type Explanation struct {
	Name        string // of what was opened
	Source      string // what serves: "mmap", "uring", "pread", "stream", "fetch" or "bytes"
	Why         string // why that serves
	Pattern     Pattern
	SizeBytes   int64 // 0 where it is unknown
	WindowBytes int   // the size of a Reader's windows
	NeverWaits  bool  // whether resident bytes are told from others without waiting (RWF_NOWAIT)

	Guard     string // what keeps a mapped file still now, "" for nothing
	Unguarded string // why nothing does, and it is copied, where Source is "mmap"
	Breaks    int64  // times that a writer has broken the guard
	LockBytes int64  // the Runtime's bound of locked memory
	LockFrom  string // and what set it

	Direct   string // whether it is read past the page cache, and why, where Source is "uring"
	Unringed string // why the ring does not serve it any more, and pread does
	InFlight int    // reads that may be in the kernel at a time through the ring

	MemoryBytes int64  // the Runtime's budget
	MemoryFrom  string // and what set it
	Threads     int    // reads that may wait at a time

	Stats Stats
}

// Explain says how the File is read.
func (f *File) Explain() Explanation {
	l := f.rt.Limits()
	memoryFrom, lockFrom := f.rt.origins()
	e := Explanation{
		Name:        f.name,
		Source:      f.source,
		Why:         f.why,
		Pattern:     f.set.pattern,
		SizeBytes:   f.Size(),
		WindowBytes: f.copyBytes(),
		MemoryBytes: l.MemoryBytes,
		MemoryFrom:  memoryFrom,
		LockBytes:   l.LockBytes,
		LockFrom:    lockFrom,
		Threads:     l.Threads,
		Stats:       f.Stats(),
	}
	if f.pread != nil {
		e.NeverWaits = f.pread.nowait.Load()
	}
	if f.mapped != nil {
		m := f.mapped.Stats()
		e.Source, e.Guard, e.Unguarded, e.Breaks = Mmap.String(), m.Guard, m.Why, m.Breaks
		if f.set.window == 0 {
			e.WindowBytes = f.lentBytes()
		}
	}
	if f.ring != nil {
		e.Source = Uring.String()
		f.ring.explain(&e)
	}
	if f.set.kind != Auto {
		e.Why += ", and " + f.set.kind.String() + " is forced"
	}
	return e
}

// Explain says how the Reader reads.
func (r *Reader) Explain() Explanation {
	e := r.f.Explain()
	e.Pattern, e.WindowBytes, e.Stats = r.Pattern(), r.WindowSize(), r.Stats()
	return e
}

// String returns the explanation in a few lines.
func (e Explanation) String() string {
	b := bytebufferpool.Get()
	defer bytebufferpool.Put(b)
	name := e.Name
	if name == "" {
		name = "(no name)"
	}
	fmt.Fprintf(b, "%s: read by %s, because it is %s\n", name, e.Source, e.Why)
	fmt.Fprintf(b, "  size %d bytes, windows of %d, pattern %v\n", e.SizeBytes, e.WindowBytes, e.Pattern)
	switch {
	case e.Guard != "":
		fmt.Fprintf(b, "  mapped, and kept still by: %s; at most %d bytes are locked (%s)\n", e.Guard, e.LockBytes, e.LockFrom)
	case e.Unguarded != "":
		fmt.Fprintf(b, "  copied now, not mapped: %s\n", e.Unguarded)
	}
	if e.Source == Uring.String() {
		fmt.Fprintf(b, "  what waits goes through io_uring, %d reads at a time at most; past the page cache: %s\n", e.InFlight, e.Direct)
		if e.Unringed != "" {
			fmt.Fprintf(b, "  read by pread now: %s\n", e.Unringed)
		}
	}
	if e.Breaks > 0 {
		fmt.Fprintf(b, "  writers came %d times\n", e.Breaks)
	}
	if e.Source == Pread.String() {
		if e.NeverWaits {
			b.WriteString("  what is cached is read inline (RWF_NOWAIT)")
		} else {
			b.WriteString("  cached or not cannot be told here: every read may wait")
		}
		fmt.Fprintf(b, "; at most %d reads wait at a time\n", e.Threads)
	}
	fmt.Fprintf(b, "  memory budget %d bytes (%s)\n", e.MemoryBytes, e.MemoryFrom)
	s := e.Stats
	if e.Source == Uring.String() {
		fmt.Fprintf(b, "  %d of the reads so far came through the ring, the others were cached\n", s.Ringed)
	}
	if e.Source == Mmap.String() {
		fmt.Fprintf(b, "  %d of the reads so far were lent of the mapping, the others copied\n", e.Stats.Lent)
	}
	fmt.Fprintf(b, "  so far %d reads of %d bytes, %d waited %v, %d bytes read ahead, %d of them in vain",
		s.Reads, s.Bytes, s.Waits, s.WaitTime, s.AheadBytes, s.WastedBytes)
	return b.String()
}
