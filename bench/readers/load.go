package readers

import (
	"encoding/json"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/oriel-go/oriel/bench/child"
)

// A Way is a way of reading blocks.
type Way string

const (
	// Pread reads by pread(2) into aligned memory.
	Pread Way = "pread"
	// Managed reads windows of Oriel's over the ring, by ReadManagedAt with a
	// context that can end.
	Managed Way = "oriel ReadManagedAt"
	// Queue has one goroutine keep Depth reads in flight by source.Queue.
	Queue Way = "oriel Queue"
)

// A Load says what is read.
type Load struct {
	Way        Way
	File       string
	BlockBytes int  // blocks begin at multiples of it
	Direct     bool // past the page cache
	Goroutines int
	Depth      int           // of Queue: reads in flight
	Together   int           // of Queue: reads that are begun together, at most
	Most       int           // blocks that are read; 0 is all of them
	For        time.Duration // how long blocks are begun; 0 has no end
	Seed       uint64        // of the order

	Busy        bool  // a goroutine for each processor computes
	Watch       bool  // threads and memory are looked at again and again
	MemoryBytes int64 // of Oriel's Limits; 0 is the default
}

// A Result says what happened.
type Result struct {
	Reads      int     // blocks
	Each       []int   // of them, read by each goroutine
	Seconds    float64 // until the last of them
	CPUSeconds float64 // of the whole process
	Allocs     uint64  // on the Go heap
	Units      float64 // of 1,000 multiplications, computed beside the reads

	Ringed int64 // reads that Oriel says came through the ring
	Bytes  int64 // that Oriel says it has read

	DeviceBytes  int64   // that came from the device
	CachedBefore float64 // share of the file
	CachedAfter  float64

	Threads      int   // of the operating system, at most
	PeakRSSBytes int64 // before the bytes are checked
	WindowBytes  int64 // memory of Oriel's for windows, in use or kept, at most as far as it was looked at
}

// LeastRinged is the share of reads through the page cache that have to come through
// the ring before a figure may be said to be the ring's. The first look at a block
// has the kernel begin to read it, and on a fast device the block has come before the
// ring is asked: how many those are is the device's doing, so that a run with fewer
// is no fault, and whoever uses its figures compares.
const LeastRinged = 0.5

// RingedShare returns how many of the reads came through the ring, of all.
func (r *Result) RingedShare() float64 { return float64(r.Ringed) / float64(r.Reads) }

// Rate returns how many blocks were read in a second.
func (r *Result) Rate() float64 { return float64(r.Reads) / r.Seconds }

// Evenness returns what the slowest goroutine read for each block of the
// fastest.
func (r *Result) Evenness() float64 {
	return float64(slices.Min(r.Each)) / float64(max(slices.Max(r.Each), 1))
}

// Quantile returns the q-quantile of what goroutines read: q is 0.5 for the
// median.
func (r *Result) Quantile(q float64) float64 {
	sorted := slices.Sorted(slices.Values(r.Each))
	return float64(sorted[int(q*float64(len(sorted)-1)+0.5)])
}

const taskName = "readers"

// Tasks are what a copy of the program does for this package, for child.Serve.
func Tasks() map[string]child.Task { return map[string]child.Task{taskName: serve} }

// Run reads in a process of its own.
func Run(l Load) (Result, error) { return child.Ask[Result](taskName, l) }

// limit is how much longer than it should a process may take.
const limit = 120 * time.Second

func serve(args []string) (string, error) {
	var l Load
	if len(args) != 1 {
		return "", fmt.Errorf("readers: %d arguments", len(args))
	}
	if err := json.Unmarshal([]byte(args[0]), &l); err != nil {
		return "", err
	}
	debug.SetTraceback("none") // of thousands of goroutines nobody reads it
	time.AfterFunc(l.For+limit, func() { panic("readers: the reads do not end") })
	r, err := l.run()
	if err != nil {
		return "", fmt.Errorf("readers: %s: %w", l.Way, err)
	}
	b, err := json.Marshal(r)
	return string(b), err
}
