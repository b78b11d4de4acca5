package measure

import (
	"cmp"
	"slices"

	"github.com/oriel-go/oriel/bench/stats"
)

// MostRegret is what is claimed of the geometric mean of all cells' ratios.
const MostRegret = 1.03

// Names of the figures that a cell's ways have: which shares of the bytes came
// how.
const (
	FigureLent   = "lent"   // slices of a mapping
	FigureRinged = "ringed" // through the ring
	FigureCopied = "copied" // by pread
)

// A Regret says how a way that chooses compares, over many cells, with the best
// of those that do not in each.
type Regret struct {
	Cells    []Cell         `json:"cells"` // by ratio, the worst first
	Mean     float64        `json:"mean"`  // geometric, of the ratios of time
	Interval stats.Interval `json:"interval"`
	Bound    *stats.Bound   `json:"bound"`
	Verdict  stats.Verdict  `json:"verdict"`
	// Itself is the mean of the cells' A/A tests. If it does not cover 1 the
	// claim does not hold.
	Itself stats.Interval `json:"itself"`
	Failed []string       `json:"failed,omitempty"` // cells that could not be measured
}

// A Cell is what an experiment said about the best.
type Cell struct {
	Name string `json:"name"`
	Unit string `json:"unit"`

	Seconds     float64          `json:"seconds"`     // of the way that chooses, for one unit
	Best        string           `json:"best"`        // of the others
	BestSeconds float64          `json:"bestSeconds"` // of that
	Compared    stats.Comparison `json:"compared"`
	CPURatio    float64          `json:"cpuRatio,omitempty"` // 0 where there was none to compare
	Verdict     stats.Verdict    `json:"verdict"`
	Covers      bool             `json:"covers"` // the A/A test covers 1
	Allocs      float64          `json:"allocs"` // of a run
	Lent        float64          `json:"lent"`   // shares of the bytes, medians
	Ringed      float64          `json:"ringed"`
	Copied      float64          `json:"copied"`
	Others      []Other          `json:"others"` // the candidates by time, the best among them
}

// An Other is a candidate for the best.
type Other struct {
	Name     string  `json:"name"`
	Seconds  float64 `json:"seconds"` // for one unit, in the runs that chose
	Hopeless bool    `json:"hopeless,omitempty"`
}

// RegretOf returns the regret of the cells among the experiments, nil if there
// are none. It has no mean where no cell could be measured, or none beside an
// A/A test.
func RegretOf(experiments []*Report) *Regret {
	g := &Regret{Bound: stats.AtMost(MostRegret)}
	var sets, selves []stats.Paired
	for _, e := range experiments {
		if !e.Regret {
			continue
		}
		i := slices.IndexFunc(e.Contests, func(s Score) bool { return s.Best })
		if e.Error != "" || i < 0 {
			g.Failed = append(g.Failed, e.Name)
			continue
		}
		g.Cells = append(g.Cells, newCell(e, &e.Contests[i]))
		sets = append(sets, e.Contests[i].paired())
		if e.Itself != nil {
			selves = append(selves, e.Itself.paired())
		}
	}
	if len(g.Cells)+len(g.Failed) == 0 {
		return nil
	}
	if len(g.Cells) == 0 || len(selves) == 0 {
		g.Verdict = stats.Undecided
		return g // without a mean, which would be no number
	}
	slices.SortStableFunc(g.Cells, func(a, b Cell) int { return cmp.Compare(b.Compared.Ratio, a.Compared.Ratio) })
	g.Mean, g.Interval = stats.GeometricMean(sets)
	_, g.Itself = stats.GeometricMean(selves)
	// A cell that is missing may be the one that is lost.
	calm := g.Itself.Covers(1) && len(g.Failed) == 0
	g.Verdict = g.Bound.Judge(g.Interval, calm)
	return g
}

func (s *Score) paired() stats.Paired {
	return stats.Paired{A: s.A.perUnit(wallTime), B: s.B.perUnit(wallTime)}
}

// cpuRatio returns how much CPU time A takes for a unit, compared with B, or 0.
func cpuRatio(s *Score) float64 {
	if b := s.B.CPUPerUnit(); b > 0 {
		return s.A.CPUPerUnit() / b
	}
	return 0
}

func newCell(e *Report, s *Score) Cell {
	figure := func(name string) float64 {
		return s.A.median(func(x Sample) float64 { return x.Figures[name] })
	}
	c := Cell{
		Name: e.Name, Unit: e.Unit,
		Seconds: s.A.Seconds(), Best: s.B.Name, BestSeconds: s.B.Seconds(), Compared: s.Compared,
		CPURatio: cpuRatio(s),
		Verdict:  s.Verdict, Covers: e.Itself != nil && e.Itself.Compared.Interval.Covers(1), Allocs: s.A.Allocs(),
		Lent: figure(FigureLent), Ringed: figure(FigureRinged), Copied: figure(FigureCopied),
	}
	for i := range e.Contests {
		if b := &e.Contests[i].B; len(b.Chosen) > 0 {
			c.Others = append(c.Others, Other{b.Name, stats.Median(perUnit(b.Chosen, b.Amount, wallTime)), e.Contests[i].Hopeless})
		}
	}
	slices.SortStableFunc(c.Others, func(a, b Other) int { return cmp.Compare(a.Seconds, b.Seconds) })
	return c
}
