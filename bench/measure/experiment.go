package measure

import (
	"github.com/oriel-go/oriel/bench/pagecache"
	"github.com/oriel-go/oriel/bench/stats"
)

// A Metric says which way a ratio goes.
type Metric string

const (
	// Speed is how many times as fast the first way is: more is better.
	Speed Metric = "speed"
	// Time is how many times as long it takes: less is better.
	Time Metric = "time"
)

// An Experiment is some ways of doing the same work in one state of the
// machine.
type Experiment struct {
	Name  string // workload and conditions, such as "seq/large"
	About string // what is compared, in a sentence
	Unit  string // "byte" or what else the ways' Amount counts

	// File, if not "", is looked at before and after.
	File string
	// Setup, if not nil, runs before everything, and Keep before every pair;
	// neither is measured.
	Setup func() error
	Keep  func() error

	Metric   Metric
	Pairs    int
	Contests []Contest
	Best     *Best // nil: nothing has to be chosen
	Itself   *Way  // compared with itself; nil only where nothing is compared
	Limits   []Limit
}

// A Contest compares two ways. Bound is nil where nothing is claimed.
type Contest struct {
	A, B  Way
	Bound *stats.Bound
}

// Best compares A with the best of several baselines. The bound is on that
// one; all are reported.
type Best struct {
	A     Way
	Of    []Way
	Bound *stats.Bound
}

// A Limit is a claim about one way alone.
type Limit struct {
	Name  string
	Unit  string // of the figure
	Bound *stats.Bound
	Runs  int
	// Every says that every run has to keep the bound; otherwise the median
	// has to, by its interval.
	Every   bool
	Measure func() (float64, error)
}

// A Report says how an experiment went.
type Report struct {
	Name     string           `json:"name"`
	About    string           `json:"about"`
	Unit     string           `json:"unit"`
	Metric   Metric           `json:"metric,omitempty"`
	Before   *pagecache.State `json:"before,omitempty"`
	After    *pagecache.State `json:"after,omitempty"`
	Seconds  float64          `json:"seconds"` // the whole experiment
	Contests []Score          `json:"contests,omitempty"`
	Itself   *Score           `json:"itself,omitempty"`
	Limits   []Kept           `json:"limits,omitempty"`
	Error    string           `json:"error,omitempty"` // why it could not be measured
}

// A Score says how a contest went.
type Score struct {
	A        Side             `json:"a"`
	B        Side             `json:"b"`
	Best     bool             `json:"best,omitempty"` // B was chosen as the best
	Compared stats.Comparison `json:"compared"`
	Bound    *stats.Bound     `json:"bound,omitempty"`
	Verdict  stats.Verdict    `json:"verdict,omitempty"`
}

// A Side is one way in a contest; sample i of both sides are a pair.
type Side struct {
	Name    string   `json:"name"`
	Amount  float64  `json:"amount"` // of the unit, in each sample
	Samples []Sample `json:"samples"`
	Chosen  []Sample `json:"choosing,omitempty"` // by which the best was chosen
}

// Kept says what became of a limit.
type Kept struct {
	Name     string         `json:"name"`
	Unit     string         `json:"unit"`
	Every    bool           `json:"every"`
	Values   []float64      `json:"values"`
	Median   float64        `json:"median"`
	Interval stats.Interval `json:"interval"`
	Bound    *stats.Bound   `json:"bound,omitempty"`
	Verdict  stats.Verdict  `json:"verdict,omitempty"`
}

// seconds returns the time of each sample for one unit.
func (s *Side) seconds() []float64 { return perUnit(s.Samples, s.Amount) }

func perUnit(samples []Sample, amount float64) []float64 {
	v := make([]float64, len(samples))
	for i := range v {
		v[i] = samples[i].Seconds / amount
	}
	return v
}

// Seconds returns the median time for one unit.
func (s *Side) Seconds() float64 { return stats.Median(s.seconds()) }

// CPUSeconds returns the median CPU time of a run.
func (s *Side) CPUSeconds() float64 {
	return s.median(func(s Sample) float64 { return s.CPUSeconds })
}

// Allocs returns the median number of allocations of a run.
func (s *Side) Allocs() float64 {
	return s.median(func(s Sample) float64 { return float64(s.Allocs) })
}

func (s *Side) median(of func(Sample) float64) float64 {
	v := make([]float64, len(s.Samples))
	for i := range v {
		v[i] = of(s.Samples[i])
	}
	return stats.Median(v)
}
