package measure

import (
	"cmp"
	"time"

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

	// Notes are what is to be said beside the tables.
	Notes []string
	// Regret says that the contest with the best is a cell of the matrix that
	// RegretOf is about.
	Regret bool
	// Expected is about how long the experiment takes, 0 where nobody knows.
	Expected time.Duration
}

// A Contest compares two ways. Bound is nil where nothing is claimed of how fast
// A is, CPU where nothing is of the CPU time that it takes, divided by B's.
type Contest struct {
	A, B  Way
	Bound *stats.Bound
	CPU   *stats.Bound
}

// Best compares A with the best of several baselines. The bounds are on that
// one; all are reported.
type Best struct {
	A     Way
	Of    []Way
	Bound *stats.Bound
	CPU   *stats.Bound

	// Hopeless, if not 0, ends a candidate that has taken so many times as long
	// as the fastest in the first runs that choose. It would take most of the
	// time, and cannot be the best any more.
	Hopeless float64
}

// hopelessRounds is after how many rounds a candidate may be given up. Medians
// of three are not one stall of the device.
const hopelessRounds = 3

// A Limit is a claim about one way alone.
type Limit struct {
	Name  string
	Unit  string // of the figure
	Bound *stats.Bound
	// Every says that every run has to keep the bound; otherwise the median
	// has to, by its interval.
	Every bool

	// Measure is run so many times. Or, where it is nil, Figure is taken of
	// every sample in contests of the way that is called Way.
	Runs    int
	Measure func() (float64, error)
	Way     string
	Figure  func(Sample) float64
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
	Notes    []string         `json:"notes,omitempty"`
	Regret   bool             `json:"regret,omitempty"`
	Error    string           `json:"error,omitempty"` // why it could not be measured
}

// A Score says how a contest went.
type Score struct {
	A        Side             `json:"a"`
	B        Side             `json:"b"`
	Best     bool             `json:"best,omitempty"`     // B was chosen as the best
	Hopeless bool             `json:"hopeless,omitempty"` // B was given up before the end
	Compared stats.Comparison `json:"compared"`
	Bound    *stats.Bound     `json:"bound,omitempty"`
	Verdict  stats.Verdict    `json:"verdict,omitempty"`

	// The same of CPU time, where something is claimed of it, and of the A/A
	// test beside it.
	CPU        *stats.Comparison `json:"cpu,omitempty"`
	CPUBound   *stats.Bound      `json:"cpuBound,omitempty"`
	CPUVerdict stats.Verdict     `json:"cpuVerdict,omitempty"`
}

// A Side is one way in a contest; sample i of both sides are a pair.
type Side struct {
	Name    string   `json:"name"`
	Amount  float64  `json:"amount"` // of the unit, in each sample that does not say
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

func wallTime(s Sample) float64 { return s.Seconds }
func cpuTime(s Sample) float64  { return s.CPUSeconds }

// perUnit returns the time of each sample for one unit.
func (s *Side) perUnit(time func(Sample) float64) []float64 {
	return perUnit(s.Samples, s.Amount, time)
}

func perUnit(samples []Sample, amount float64, time func(Sample) float64) []float64 {
	v := make([]float64, len(samples))
	for i, s := range samples {
		v[i] = time(s) / cmp.Or(s.Amount, amount)
	}
	return v
}

// Seconds returns the median time for one unit.
func (s *Side) Seconds() float64 { return stats.Median(s.perUnit(wallTime)) }

// CPUSeconds returns the median CPU time of a run.
func (s *Side) CPUSeconds() float64 { return s.median(cpuTime) }

// CPUPerUnit returns the median CPU time for one unit.
func (s *Side) CPUPerUnit() float64 { return stats.Median(s.perUnit(cpuTime)) }

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
