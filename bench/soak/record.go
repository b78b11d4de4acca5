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

	NoOrdinary string `json:"noOrdinary,omitempty"` // why there is no stage of an ordinary user

	few histogram // calls that met a lease, of the stages that had too few for a percentile
}

// A placeRecord is what was found on one file system.
type placeRecord struct {
	FileSystem  string   `json:"fileSystem"`
	Unavailable string   `json:"unavailable,omitempty"` // why it was left out
	Account     *account `json:"account,omitempty"`
	Ordinary    *account `json:"ordinary,omitempty"` // the same as an ordinary user
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

// total returns the sums over all places, of the guard only the breaks.
func (r *record) total() (sum counts, g guard) {
	for _, p := range r.Places {
		for _, a := range []*account{p.Account, p.Ordinary} {
			if a != nil {
				sum = sum.plus(a.Counts)
				g.Breaks += a.Guard.Breaks
				g.FrozenBreaks += a.Guard.FrozenBreaks
			}
		}
	}
	return sum, g
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
	if text := p.unshown(a.Counts, a.Guard); text != "" {
		problem("%s: nothing was shown", text)
	}
	met := a.Attacks.Waits[metLease]
	if met == nil {
		return
	}
	if took := time.Duration(met.Worst); p.WaitWorst > 0 && took > p.WaitWorst {
		problem("a call that met a lease took %s, and may take %v", duration(took), p.WaitWorst)
	}
	if met.Count < leastForP99 {
		r.few.merge(met)
		return
	}
	if text := tooLong(met, p.WaitP99); text != "" {
		problem("%s", text)
	}
}

// leastForP99 is of how many calls a 99th percentile says something. Of 100 it is
// the worst but one: that the machine did something else twice would decide.
const leastForP99 = 500

// judgeFew finds fault with the calls of those stages that had few each, together.
// Are there too few of them too, their worst has to do.
func (r *record) judgeFew(p99 time.Duration) {
	if r.few.Count < leastForP99 {
		return
	}
	if text := tooLong(&r.few, p99); text != "" {
		r.Problems = append(r.Problems, "stages with few calls, together: "+text)
	}
}

// tooLong says that calls which met a lease took longer than they may, if they did;
// 0 is no bound.
func tooLong(met *histogram, p99 time.Duration) string {
	if took := met.quantile(0.99); p99 > 0 && took > p99 {
		return fmt.Sprintf("calls that met a lease took %s at the 99th percentile, and may take %v", duration(took), p99)
	}
	return ""
}
