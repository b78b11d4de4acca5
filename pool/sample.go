package pool

import (
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// maxFrames is how much of a stack is remembered, from the caller of Get on.
const maxFrames = 24

// maxReported is how many stacks are remembered as reported; leaks from
// further ones are counted only.
const maxReported = 1 << 10

// A stack is the program counters of an acquisition, the innermost first.
type stack [maxFrames]uintptr

// A sample is a remembered acquisition. It must not point to its Buffer, whose
// cleanup holds it.
type sample struct {
	stack stack
	bytes int64
	since time.Time
	ended atomic.Bool // Free was called
}

// A sampleSet is the samples of the Buffers that are held or lost.
type sampleSet struct {
	mu       sync.Mutex
	held     map[*sample]struct{}
	reported map[stack]struct{}
}

// begin remembers the acquisition of b, a Buffer of its own.
func (set *sampleSet) begin(p *Pool, b *Buffer) *sample {
	s := &sample{bytes: int64(len(b.mem)), since: time.Now()}
	runtime.Callers(2, s.stack[:])
	set.mu.Lock()
	if set.held == nil {
		set.held = make(map[*sample]struct{})
	}
	set.held[s] = struct{}{}
	set.mu.Unlock()
	// It runs when nothing points to b any more. It only reports: a slice of
	// the memory may live on. When b was freed, ended is set, because Free
	// keeps b alive until then.
	runtime.AddCleanup(b, p.lost, s)
	return s
}

// end forgets the sample of a freed Buffer.
func (s *sample) end(p *Pool) {
	s.ended.Store(true)
	p.samples.mu.Lock()
	delete(p.samples.held, s)
	p.samples.mu.Unlock()
}

// lost reports a Buffer that became garbage without Free, once per stack.
func (p *Pool) lost(s *sample) {
	if s.ended.Load() {
		return
	}
	p.mu.Lock()
	p.leaks++
	p.mu.Unlock()
	set := &p.samples
	set.mu.Lock()
	if set.reported == nil {
		set.reported = make(map[stack]struct{})
	}
	_, again := set.reported[s.stack]
	again = again || len(set.reported) >= maxReported
	if !again {
		set.reported[s.stack] = struct{}{}
	}
	set.mu.Unlock()
	if !again && p.logger != nil {
		p.logger.Error("pool: memory was never freed",
			slog.Int64("bytes", s.bytes),
			slog.Duration("age", time.Since(s.since)),
			slog.String("stack", s.stack.String()))
	}
}

// A Holder is who holds memory: the Buffers that were acquired at one stack.
type Holder struct {
	Stack string        // a function and its file and line per frame, the innermost first
	Count int           // sampled Buffers acquired there and not freed
	Bytes int64         // of their slots together
	Age   time.Duration // of the oldest
}

// String returns the numbers and the innermost frames in one line.
func (h Holder) String() string {
	const most = 4
	frames := strings.Split(strings.TrimSpace(h.Stack), "\n")
	return fmt.Sprintf("%d held, %d bytes, oldest %v: %s", h.Count, h.Bytes, h.Age,
		strings.Join(frames[:min(most, len(frames))], " < "))
}

// Holders returns who holds memory as far as the debug mode sampled it, the
// oldest first. Buffers lost without Free are among them.
func (p *Pool) Holders() []Holder {
	now := time.Now()
	set := &p.samples
	set.mu.Lock()
	byStack := make(map[stack]*Holder, len(set.held))
	for s := range set.held {
		h := byStack[s.stack]
		if h == nil {
			h = new(Holder)
			byStack[s.stack] = h
		}
		h.Count++
		h.Bytes += s.bytes
		h.Age = max(h.Age, now.Sub(s.since))
	}
	set.mu.Unlock()
	holders := make([]Holder, 0, len(byStack))
	for st, h := range byStack {
		h.Stack = st.String()
		holders = append(holders, *h)
	}
	slices.SortFunc(holders, func(a, b Holder) int {
		if a.Age != b.Age {
			return int(min(1, max(-1, b.Age-a.Age)))
		}
		return strings.Compare(a.Stack, b.Stack)
	})
	return holders
}

// String prints the frames outside this package's own, a line each.
func (st stack) String() string {
	n := 0
	for n < len(st) && st[n] != 0 {
		n++
	}
	var b strings.Builder
	frames := runtime.CallersFrames(st[:n])
	for inside := true; ; {
		f, more := frames.Next()
		inside = inside && ownFrame(f.Function)
		if !inside && f.Function != "" && f.Function != "runtime.goexit" {
			fmt.Fprintf(&b, "%s %s:%d\n", f.Function, f.File, f.Line)
		}
		if !more {
			return b.String()
		}
	}
}

// ownFrame reports whether a function is one of those that lead to a sample.
func ownFrame(name string) bool {
	const methods = "/pool.(*"
	i := strings.LastIndex(name, methods)
	if i < 0 {
		return false
	}
	name = name[i+len(methods):]
	return strings.HasPrefix(name, "Pool)") || strings.HasPrefix(name, "Session)") ||
		strings.HasPrefix(name, "debugMode)") || strings.HasPrefix(name, "sampleSet)")
}
