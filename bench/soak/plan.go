package main

import (
	"math"
	"path/filepath"
	"strconv"
	"time"
)

// A plan says what a stage does. It goes to the stage's process in JSON.
type plan struct {
	Name        string        // in what is printed
	Dir         string        // a folder of its own, on the file system in question
	FileBytes   []int64       // sizes of the files
	Source      string        // mmap, pread or auto
	Readers     int           // goroutines that open and read; as many hold what they share
	Attackers   int           // processes
	Insiders    int           // goroutines that attack from the readers' process
	LockBytes   int64         // source.Limits.LockBytes; 0 is its default
	PinnedBytes int64         // source.Limits.PinnedBytes; 0 is its default
	Hold        time.Duration // the longest that a window is held
	Pace        time.Duration // mean pause between two attacks of one attacker
	Seed        uint64

	// The process of the stage, and so its attackers, belong to User unless that
	// is 0, and may lock no more than MemlockBytes unless that is 0. LockBytes is
	// more, so that the system has to refuse.
	User         uint32
	MemlockBytes uint64

	// The stage ends when all of the next three are reached, or at Limit.
	// UntilBroken ends it as soon as it has found, of windows that were Guarded
	// when they were handed out, one that changed and one that faulted.
	Least       time.Duration
	Breaks      int64
	Checks      int64 // of such windows
	Limit       time.Duration
	UntilBroken bool

	// What calls of other processes that met a lease may take; 0 is no bound. Of
	// less than leastForP99 calls the 99th percentile is not judged by itself.
	WaitP99   time.Duration
	WaitWorst time.Duration
}

// path returns the name of a file.
func (p *plan) path(i int) string { return filepath.Join(p.Dir, strconv.Itoa(i)) }

// siege returns what attackers have to know.
func (p *plan) siege(writer int, seed uint64) *siege {
	return &siege{Dir: p.Dir, FileBytes: p.FileBytes, Pace: p.Pace, Writer: writer, Seed: seed}
}

// fileSizes returns n sizes that grow from the smallest to the largest, each
// the same times its predecessor, and none a multiple of a page.
func fileSizes(n int, smallest, largest int64) []int64 {
	const odd = 1234 // the last page of each is not full
	sizes := make([]int64, n)
	for i := range sizes {
		share := 1.0
		if n > 1 {
			share = float64(i) / float64(n-1)
		}
		size := float64(smallest) * math.Pow(float64(largest)/float64(smallest), share)
		sizes[i] = int64(size)/4096*4096 + odd
	}
	return sizes
}
