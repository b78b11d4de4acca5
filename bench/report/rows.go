package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/oriel-go/oriel/bench/measure"
	"github.com/oriel-go/oriel/bench/stats"
)

// A table is a head and rows of as many cells.
type table struct {
	head []string
	rows [][]string
}

// contestTable returns the contests of an experiment, the A/A test last.
func contestTable(e *measure.Report) table {
	t := table{head: []string{"A", "B", "A's median", "B's median", string(e.Metric) + " ratio", "95 % interval",
		"A's CPU", "B's CPU", "CPU ratio", "A's allocs", "bound", "verdict"}}
	for i := range e.Contests {
		t.rows = append(t.rows, scoreRow(e, &e.Contests[i]))
	}
	if e.Itself != nil {
		row := scoreRow(e, e.Itself)
		row[1] = "itself (A/A)"
		row[11] = "covers 1"
		if !e.Itself.Compared.Interval.Covers(1) {
			row[11] = "DOES NOT COVER 1: nothing here holds"
		}
		if c := e.Itself.CPU; c != nil && !c.Interval.Covers(1) {
			row[11] += "; CPU DOES NOT: nothing about it holds"
		}
		t.rows = append(t.rows, row)
	}
	return t
}

func scoreRow(e *measure.Report, s *measure.Score) []string {
	c := s.Compared
	row := []string{
		s.A.Name, s.B.Name, perUnit(e, s.A.Seconds()), perUnit(e, s.B.Seconds()),
		fmt.Sprintf("%.3f", c.Ratio), interval(c.Interval),
		fmt.Sprintf("%.3g s", s.A.CPUSeconds()), fmt.Sprintf("%.3g s", s.B.CPUSeconds()), cpuRatio(s),
		fmt.Sprintf("%.0f", s.A.Allocs()), "", string(s.Verdict),
	}
	if s.Best {
		row[1] += " (best)"
	}
	if s.Hopeless {
		row[1] += " (given up)"
	}
	if s.Bound != nil {
		row[10] = s.Bound.String()
	}
	if s.CPUBound != nil {
		row[10] = joined(row[10], "CPU "+s.CPUBound.String())
		row[11] = joined(row[11], "CPU "+string(s.CPUVerdict))
	}
	return row
}

// joined returns the parts that are not empty, with a semicolon between them.
func joined(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "; ")
}

// cpuRatio returns how much CPU time A takes for a unit, compared with B.
func cpuRatio(s *measure.Score) string {
	if s.CPU != nil {
		return fmt.Sprintf("%.2f (%.2f–%.2f)", s.CPU.Ratio, s.CPU.Interval.Low, s.CPU.Interval.High)
	}
	ratio := s.A.CPUPerUnit() / s.B.CPUPerUnit()
	if math.IsNaN(ratio) || math.IsInf(ratio, 0) {
		return ""
	}
	return fmt.Sprintf("%.2f", ratio)
}

// perUnit returns the time that a unit takes as people say it.
func perUnit(e *measure.Report, seconds float64) string {
	switch {
	case e.Unit == "byte":
		return fmt.Sprintf("%.3g GB/s", 1e-9/seconds)
	case e.Metric == measure.Speed:
		return fmt.Sprintf("%.4g %ss/s", 1/seconds, e.Unit)
	}
	return fmt.Sprintf("%.4g ns", seconds*1e9)
}

func interval(i stats.Interval) string { return fmt.Sprintf("%.3f–%.3f", i.Low, i.High) }

// limitTable returns what is claimed of one way alone.
func limitTable(e *measure.Report) table {
	t := table{head: []string{"what", "median", "95 % interval", "worst", "bound", "verdict"}}
	for _, l := range e.Limits {
		row := []string{l.Name, fmt.Sprintf("%.4g %s", l.Median, l.Unit), fmt.Sprintf("%.4g–%.4g", l.Interval.Low, l.Interval.High), "", "", string(l.Verdict)}
		worst := slices.Max(l.Values)
		if l.Bound != nil {
			row[4] = l.Bound.String()
			if l.Bound.AtLeast {
				worst = slices.Min(l.Values)
			}
			if l.Every {
				row[4] += " every time"
			}
		}
		row[3] = fmt.Sprintf("%.4g", worst)
		t.rows = append(t.rows, row)
	}
	return t
}

// notes returns sentences about what the tables do not show.
func notes(e *measure.Report) []string {
	list := slices.Clone(e.Notes)
	if b, a := e.Before, e.After; b != nil {
		list = append(list, fmt.Sprintf("page cache before: %v", b))
		if a != nil {
			list = append(list, fmt.Sprintf("page cache after: %v", a))
		}
	}
	for _, s := range e.Contests {
		waits := int64(0)
		for _, x := range s.A.Samples {
			waits += x.Waits
		}
		if waits > 0 {
			list = append(list, fmt.Sprintf("%s against %s waited for the device %d times in %d runs", s.A.Name, s.B.Name, waits, len(s.A.Samples)))
		}
	}
	if e.Error != "" {
		list = append(list, "COULD NOT BE MEASURED: "+e.Error)
	}
	return list
}
