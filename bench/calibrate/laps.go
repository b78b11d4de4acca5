package main

import (
	"time"

	"github.com/oriel-go/oriel/bench/stats"
)

// lapBytes is how much of a pass is timed apart: the median of its laps is what
// it would take if the processor was never somewhere else. It is several times
// what is loaded of a mapping together.
const lapBytes = 16 << 20

// Laps are the times of a pass over a file, in nanoseconds.
type laps struct {
	began, last time.Time
	next        int64 // where the present one ends
	list        []float64
}

func beginLaps() laps {
	now := time.Now()
	return laps{began: now, last: now, next: lapBytes}
}

// reached says that the pass has come to off.
func (l *laps) reached(off int64) {
	if off < l.next {
		return
	}
	now := time.Now()
	l.list = append(l.list, nanoseconds(now.Sub(l.last))*lapBytes/float64(off-l.next+lapBytes))
	l.last, l.next = now, off+lapBytes
}

// total returns the whole time until now.
func (l *laps) total() float64 { return nanoseconds(time.Since(l.began)) }

// perByte returns the median. There has been a lap at least.
func (l *laps) perByte() float64 { return stats.Median(l.list) / lapBytes }

func nanoseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) }
