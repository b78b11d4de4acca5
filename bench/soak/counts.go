package main

import (
	"encoding/json"
	"sync/atomic"
)

// A count is something that is counted in a stage.
type count int

const (
	windows        count = iota // handed out
	guarded                     // of them, Guarded then
	private                     // Private then
	trusted                     // Trusted then
	frozen                      // Guarded at hand-out and Private at release
	shared                      // owners made by Retain and Slice, or moved, for another goroutine
	longHeld                    // windows and second owners that were to be held for 0.5 to 5 s
	guardedChecks               // hashes compared of windows that were Guarded when they were handed out
	frozenChecks                // of them, those after the window had been frozen in place
	privateChecks               // hashes compared of other windows: of pool memory
	checkedBytes                // bytes hashed for both
	changed                     // windows whose hash differed
	guardedChanged              // of them, those that were Guarded when they were handed out
	faults                      // windows, and memory of the reader's own, that could not be touched
	guardedFaults               // of them, windows that were Guarded when they were handed out
	misplacement                // windows, and reads into own memory, with bytes that belong elsewhere
	misdescribed                // windows whose Info did not go from Guarded to Private
	own                         // reads into memory of the reader's own
	lines                       // lines that a Cursor lent
	relimited                   // times that the Runtime's limits were changed
	opens                       // files opened
	refused                     // opens and reads that were refused: somebody has it open for writing, or it is too small
	missing                     // opens of a file that was deleted just then
	ended                       // reads at the end of a file
	hurried                     // reads whose context ended before they did, as it was meant to
	notReady                    // reads that did not wait
	closed                      // reads of a File that another goroutine had closed
	unexpected                  // other errors
	countKinds
)

var countNames = [countKinds]string{
	"windows", "guarded", "private", "trusted", "frozen", "shared", "longHeld", "guardedChecks", "frozenChecks", "privateChecks", "checkedBytes",
	"changed", "guardedChanged", "faults", "guardedFaults", "misplaced", "misdescribed",
	"own", "lines", "relimited", "opens", "refused", "missing", "ended", "hurried", "notReady", "closed", "unexpected",
}

// broken lists the counts that have to be 0.
var broken = []count{changed, faults, misplacement, misdescribed, unexpected}

func (c count) String() string { return countNames[c] }

// Counts are numbers of everything that is counted. In JSON they have names.
type counts [countKinds]int64

func (c counts) MarshalJSON() ([]byte, error) {
	m := map[string]int64{}
	for i, n := range c {
		m[count(i).String()] = n
	}
	return json.Marshal(m)
}

func (c *counts) UnmarshalJSON(b []byte) error {
	var m map[string]int64
	if err := json.Unmarshal(b, &m); err != nil {
		return err
	}
	for i := range c {
		c[i] = m[count(i).String()]
	}
	return nil
}

// plus returns the sums.
func (c counts) plus(o counts) counts {
	for i, n := range o {
		c[i] += n
	}
	return c
}

// A tally counts for several goroutines.
type tally [countKinds]atomic.Int64

func (t *tally) add(c count, n int64) { t[c].Add(n) }

func (t *tally) counts() (c counts) {
	for i := range t {
		c[i] = t[i].Load()
	}
	return c
}
