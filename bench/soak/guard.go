package main

import (
	"time"

	"github.com/oriel-go/oriel/source"
)

// A guard says what the library's guard has done in a stage.
type guard struct {
	Breaks        int64         `json:"breaks"`                   // leases that a writer broke
	FrozenBreaks  int64         `json:"frozenBreaks"`             // of them, those while windows were held: something was copied
	FrozenExtents int64         `json:"frozenExtents"`            // extents copied in place for it
	LongestFreeze time.Duration `json:"longestFreezeNanoseconds"` // from seeing a break to giving the lease up
	Sweeps        int64         `json:"sweeps"`                   // of all leases
	LostSignals   int64         `json:"lostSignals"`              // sweeps because signals were lost
	LockRefused   int64         `json:"lockRefused"`              // times that the system refused to lock
}

// look returns what the guard of rt has done so far.
func look(rt *source.Runtime) guard {
	s := rt.Stats().Guard
	return guard{
		Breaks:        s.Breaks,
		FrozenBreaks:  s.FrozenBreaks,
		FrozenExtents: s.FrozenExtents,
		LongestFreeze: s.LongestFreeze,
		Sweeps:        s.Sweeps,
		LostSignals:   s.LostSignals,
		LockRefused:   s.LockRefused,
	}
}
