package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/oriel-go/oriel/bench/machine"
)

// A record is everything that one call of the command found.
type record struct {
	Schema   int            `json:"schema"` // 1
	Began    time.Time      `json:"began"`
	Seconds  float64        `json:"seconds"`
	Command  []string       `json:"command"` // flags
	Seed     uint64         `json:"seed"`
	Machine  machine.Facts  `json:"machine"` // its fileSystem is empty: there are several
	Places   []*placeRecord `json:"places"`
	Problems []string       `json:"problems"` // promises that were broken, or not shown
}

// A placeRecord is what was found on one file system.
type placeRecord struct {
	FileSystem  string   `json:"fileSystem"`
	Unavailable string   `json:"unavailable,omitempty"` // why it was left out
	Account     *account `json:"account,omitempty"`
	Baseline    *account `json:"baseline,omitempty"` // the same attacks while the readers copy
	Control     *control `json:"control,omitempty"`
}

func (r *record) writeJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(r)
}

// soaked returns how many places were not left out.
func (r *record) soaked() (n int) {
	for _, p := range r.Places {
		if p.Unavailable == "" {
			n++
		}
	}
	return n
}

// total returns the sums over all places.
func (r *record) total() (sum counts, breaks int64) {
	for _, p := range r.Places {
		if p.Account != nil {
			sum = sum.plus(p.Account.Counts)
			breaks += p.Account.Guard.Breaks
		}
	}
	return sum, breaks
}

// status returns the exit status that the problems ask for.
func (r *record) status() int {
	if len(r.Problems) > 0 {
		return exitBroken
	}
	return exitFine
}

// judge finds fault with the account of a stage, or with its process.
func (r *record) judge(p *plan, a *account, err error) {
	problem := func(format string, args ...any) {
		r.Problems = append(r.Problems, p.Name+": "+fmt.Sprintf(format, args...))
	}
	if err != nil {
		problem("%v", err)
	}
	if a == nil {
		return
	}
	sum := int64(0)
	for _, c := range broken {
		if n := a.Counts[c]; n != 0 {
			problem("%v: %d, and 0 is promised", c, n)
			sum += n
		}
	}
	if sum == 0 && len(a.Findings) > 0 {
		problem("%d more findings, the first: %s", len(a.Findings), a.Findings[0])
	}
	if p.Source != "mmap" {
		return
	}
	switch {
	case a.Counts[guarded] == 0:
		problem("no window was guarded: nothing was shown")
	case a.Guard.Breaks == 0:
		problem("no lease broke: nothing was shown")
	case a.Counts[frozen] == 0:
		problem("no window was frozen in place: nothing was shown")
	}
}
