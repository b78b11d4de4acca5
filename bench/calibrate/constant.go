package main

import (
	"math"

	"github.com/oriel-go/oriel/bench/stats"
)

// Units of constants.
const (
	perCall = "ns"
	perByte = "ns/byte"
	times   = "×"
)

// A constant is something that the planner reckons with, under the name that it
// has in the planner's table.
type constant struct {
	name, unit, about string
}

// A step measures some constants together, because they share their runs. It adds
// one value of each.
type step struct {
	constants []constant
	measure   func(g *rig) error
}

// A section is some steps that want the file in the same state. A step that fails
// is not tried again, and leaves the others alone.
type section struct {
	name    string
	prepare func(g *rig) error // before the first round; nil for nothing
	keep    func(g *rig) error // before every round; nil for nothing
	cold    bool               // there are fewer rounds
	steps   []step
}

// run takes every step once in every round.
func (s *section) run(g *rig) {
	err := do(s.prepare, g)
	rounds := g.rounds
	if s.cold {
		rounds = (rounds + coldShare - 1) / coldShare
	}
	for range rounds {
		if err == nil {
			err = do(s.keep, g)
		}
		for i := range s.steps {
			g.take(&s.steps[i], err)
		}
	}
}

func do(what func(g *rig) error, g *rig) error {
	if what == nil {
		return nil
	}
	return what(g)
}

// take takes a step, unless it has failed before or its state could not be had.
func (g *rig) take(s *step, err error) {
	if g.failed[s.constants[0].name] != nil {
		return
	}
	if err == nil {
		err = s.measure(g)
	}
	if err != nil {
		for _, c := range s.constants {
			g.failed[c.name] = err
		}
	}
}

// farOff is by which factor a constant of the table may differ from what was
// measured: machines of a kind differ by less, and a plan hardly changes.
const farOff = 2

// An estimate says what became of a constant.
type estimate struct {
	Name     string         `json:"name"`
	Unit     string         `json:"unit"`
	About    string         `json:"about"`
	Values   []float64      `json:"values,omitempty"` // one of each round
	Median   float64        `json:"median"`
	Interval stats.Interval `json:"interval"`
	Table    *float64       `json:"table,omitempty"` // what the planner has; nil where it has none
	Ratio    float64        `json:"ratio,omitempty"` // of the median to that; 0 where there is none
	Off      bool           `json:"off,omitempty"`   // by more than farOff
	Error    string         `json:"error,omitempty"` // why it could not be measured
}

// estimateOf returns the estimate from values, compared with the table's. failed
// is why there are not as many values as there should be.
func (c constant) estimateOf(values []float64, table map[string]float64, failed error) estimate {
	e := estimate{Name: c.name, Unit: c.unit, About: c.about, Values: values}
	if failed != nil {
		e.Error = failed.Error()
		return e
	}
	e.Median, e.Interval = stats.Estimate(values)
	if known, ok := table[c.name]; ok {
		e.Table = &known
		if ratio := e.Median / known; !math.IsNaN(ratio) && !math.IsInf(ratio, 0) {
			e.Ratio = ratio
		}
		e.Off = !(e.Ratio <= farOff && e.Ratio >= 1.0/farOff)
	}
	return e
}
