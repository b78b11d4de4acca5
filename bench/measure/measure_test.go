package measure

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/oriel-go/oriel/bench/child"
	"github.com/oriel-go/oriel/bench/stats"
)

// A machine is one on which ways take the time that a test says, with noise
// that lasts for a few runs.
type machine struct {
	r      *rand.Rand
	ran    []string
	moment float64
}

func newMachine() *machine { return &machine{r: rand.New(rand.NewPCG(7, 8)), moment: 1} }

// way returns a way that takes so many seconds.
func (m *machine) way(name string, seconds float64) Way {
	return Way{Name: name, Amount: 1, Process: func() (child.Result, Outcome, error) {
		m.ran = append(m.ran, name)
		m.moment = 0.7*m.moment + 0.3*(1+0.05*m.r.ExpFloat64())
		s := seconds * m.moment * (1 + 0.01*m.r.NormFloat64())
		return child.Result{Seconds: s, CPUSeconds: s}, Outcome{Answer: 42}, nil
	}}
}

func TestContestsAreJudged(t *testing.T) {
	m := newMachine()
	base := m.way("base", 1)
	e := &Experiment{
		Name: "x", Unit: "byte", Metric: Speed, Pairs: 31, Itself: &base,
		Contests: []Contest{
			{A: m.way("faster", 0.8), B: base, Bound: stats.AtLeast(0.97)},
			{A: m.way("slower", 1.25), B: base, Bound: stats.AtLeast(0.97)},
			{A: m.way("unclaimed", 2), B: base},
		},
	}
	r := e.Run()
	if r.Error != "" {
		t.Fatal(r.Error)
	}
	for i, want := range []stats.Verdict{stats.Holds, stats.FallsShort, ""} {
		if s := r.Contests[i]; s.Verdict != want {
			t.Errorf("%s: %q, want %q (%+v)", s.A.Name, s.Verdict, want, s.Compared)
		}
	}
	if !r.Itself.Compared.Interval.Covers(1) {
		t.Errorf("A/A %+v", r.Itself.Compared)
	}
	if s := r.Contests[0].Compared; s.Ratio < 1.2 || s.Ratio > 1.3 || s.Pairs != 31 {
		t.Errorf("a way that takes 0.8 of the time has the speed ratio %+v", s)
	}
}

func TestTimeIsTheOtherWayAround(t *testing.T) {
	m := newMachine()
	base := m.way("base", 1)
	e := &Experiment{Metric: Time, Pairs: 31, Itself: &base, Contests: []Contest{
		{A: m.way("a", 1.3), B: base, Bound: stats.AtMost(1.15)},
		{A: m.way("b", 1.05), B: base, Bound: stats.AtMost(1.15)},
	}}
	r := e.Run()
	if a, b := r.Contests[0], r.Contests[1]; a.Verdict != stats.FallsShort || b.Verdict != stats.Holds {
		t.Errorf("1.3 %s, 1.05 %s of at most 1.15", a.Verdict, b.Verdict)
	}
}

func TestPairsAreInterleaved(t *testing.T) {
	m := newMachine()
	c := m.way("c", 1)
	kept := 0
	e := &Experiment{Metric: Time, Pairs: 3, Itself: &c, Keep: func() error { kept++; return nil }, Contests: []Contest{
		{A: m.way("a", 1), B: m.way("b", 1)},
		{A: m.way("a", 1), B: c},
	}}
	e.Run()
	const want = "a b a c c c | c c c a b a | a b a c c c"
	if got := strings.Join(m.ran, " "); got != strings.ReplaceAll(want, "| ", "") {
		t.Errorf("ran %s, want %s", got, want)
	}
	if kept != 9 {
		t.Errorf("the state was kept %d times in 9 pairs", kept)
	}
}

// TestAmountsAreDividedOut: a way that does half of the work in half of the
// time is as fast.
func TestAmountsAreDividedOut(t *testing.T) {
	m := newMachine()
	half := m.way("half", 0.5)
	half.Amount = 0.5
	r := (&Experiment{Metric: Speed, Pairs: 31, Contests: []Contest{{A: half, B: m.way("whole", 1)}}}).Run()
	if s := r.Contests[0].Compared; s.Ratio < 0.95 || s.Ratio > 1.05 {
		t.Errorf("%+v", s)
	}
}

func TestBestIsChosenByRunsOfItsOwn(t *testing.T) {
	m := newMachine()
	e := &Experiment{Metric: Speed, Pairs: 15, Best: &Best{
		A:     m.way("a", 1),
		Of:    []Way{m.way("slow", 1.5), m.way("fast", 0.8), m.way("middle", 1)},
		Bound: stats.AtLeast(0.97),
	}}
	r := e.Run()
	for _, s := range r.Contests {
		if len(s.B.Chosen) != 15 || len(s.B.Samples) != 15 {
			t.Errorf("%s: %d runs to choose by, %d to compare", s.B.Name, len(s.B.Chosen), len(s.B.Samples))
		}
		want := stats.Verdict("")
		if s.B.Name == "fast" {
			want = stats.FallsShort
		}
		if s.Best != (s.B.Name == "fast") || s.Verdict != want {
			t.Errorf("%s: best %v, verdict %q", s.B.Name, s.Best, s.Verdict)
		}
	}
	if n := 15 * (3 + 2*3); len(m.ran) != n {
		t.Errorf("%d runs, want %d", len(m.ran), n)
	}
}

// TestNoiseHoldsNothing: where a way differs from itself, what is claimed is
// undecided at best.
func TestNoiseHoldsNothing(t *testing.T) {
	m := newMachine()
	base := m.way("base", 1)
	n := 0
	base.Process = func() (child.Result, Outcome, error) {
		n++
		s := 1.0
		if n%4 == 1 || n%4 == 0 { // the first of odd rounds, the second of even ones
			s = 1.1
		}
		return child.Result{Seconds: s}, Outcome{Answer: 42}, nil
	}
	r := (&Experiment{Metric: Speed, Pairs: 31, Itself: &base, Contests: []Contest{
		{A: m.way("a", 0.5), B: m.way("b", 1), Bound: stats.AtLeast(0.97)},
	}}).Run()
	if r.Itself.Compared.Interval.Covers(1) {
		t.Fatalf("the A/A test covers 1: %+v", r.Itself.Compared)
	}
	if v := r.Contests[0].Verdict; v != stats.Undecided {
		t.Errorf("verdict %q", v)
	}
}

func TestFaultsOfAWay(t *testing.T) {
	m := newMachine()
	is := func(change func(*Outcome) error) Way {
		w := m.way("w", 1)
		w.Process = func() (child.Result, Outcome, error) {
			o := Outcome{Answer: 42}
			err := change(&o)
			return child.Result{Seconds: 1}, o, err
		}
		return w
	}
	sourced := func(bytes int64, change func(*Outcome)) Way {
		w := is(func(o *Outcome) error { change(o); return nil })
		w.Source, w.Bytes = "pread", bytes
		return w
	}
	for want, w := range map[string]Way{
		"w: computed 43":                 is(func(o *Outcome) error { o.Answer = 43; return nil }),
		"w: it broke":                    is(func(*Outcome) error { return errors.New("it broke") }),
		`served by "stream"`:             is(func(o *Outcome) error { o.Source = "stream"; return nil }),
		`served by "", not by "pread"`:   sourced(5, func(*Outcome) {}),
		"pread served 4 bytes of 5":      sourced(5, func(o *Outcome) { o.Source, o.Bytes = "pread", 4 }),
		"w: preparing: it cannot be had": {Name: "w", Prepare: func() error { return errors.New("it cannot be had") }},
	} {
		r := (&Experiment{Metric: Time, Pairs: 2, Contests: []Contest{{A: m.way("a", 1), B: w}}}).Run()
		if !strings.Contains(r.Error, want) {
			t.Errorf("the error is %q, want one with %q", r.Error, want)
		}
		if len(r.Contests) != 0 {
			t.Errorf("%s: a contest was judged", want)
		}
	}
	good := sourced(5, func(o *Outcome) { o.Source, o.Bytes = "pread", 5 })
	if r := (&Experiment{Metric: Time, Pairs: 2, Contests: []Contest{{A: good, B: m.way("b", 1)}}}).Run(); r.Error != "" {
		t.Error(r.Error)
	}
}

func TestLimits(t *testing.T) {
	values := func(v ...float64) func() (float64, error) {
		i := 0
		return func() (float64, error) { i++; return v[i-1], nil }
	}
	r := (&Experiment{Limits: []Limit{
		{Name: "every", Bound: stats.AtMost(64), Runs: 3, Every: true, Measure: values(1, 2, 65)},
		{Name: "median", Bound: stats.AtMost(64), Runs: 9, Measure: values(1, 2, 1, 2, 1, 2, 1, 2, 65)},
		{Name: "unclaimed", Runs: 1, Measure: values(1)},
	}}).Run()
	for i, want := range []stats.Verdict{stats.FallsShort, stats.Holds, ""} {
		if k := r.Limits[i]; k.Verdict != want {
			t.Errorf("%s: %q, want %q", k.Name, k.Verdict, want)
		}
	}
	r = (&Experiment{Limits: []Limit{{Name: "x", Runs: 1, Measure: func() (float64, error) { return 0, errors.New("it broke") }}}}).Run()
	if r.Error != "x: it broke" {
		t.Errorf("the error is %q", r.Error)
	}
}

// TestLimitsOnSamples takes figures of what was played: of every sample of a
// way, wherever it stands.
func TestLimitsOnSamples(t *testing.T) {
	m := newMachine()
	figured := func(name string, figure float64) Way {
		w := m.way(name, 1)
		process := w.Process
		w.Process = func() (child.Result, Outcome, error) {
			r, o, err := process()
			o.Figures = map[string]float64{"x": figure}
			o.Allocs = 9
			return r, o, err
		}
		return w
	}
	a, b := figured("a", 3), figured("b", 5)
	of := func(way string, bound *stats.Bound) Limit {
		return Limit{Name: way, Way: way, Bound: bound, Every: true, Figure: func(s Sample) float64 { return s.Figures["x"] }}
	}
	e := &Experiment{Metric: Speed, Pairs: 3, Itself: &b, Contests: []Contest{{A: a, B: b}, {A: a, B: b}},
		Limits: []Limit{of("a", stats.AtMost(4)), of("b", stats.AtMost(4))}}
	r := e.Run()
	if r.Error != "" {
		t.Fatal(r.Error)
	}
	if k := r.Limits[0]; len(k.Values) != 6 || k.Median != 3 || k.Verdict != stats.Holds {
		t.Errorf("%+v", k)
	}
	if k := r.Limits[1]; len(k.Values) != 12 || k.Median != 5 || k.Verdict != stats.FallsShort {
		t.Errorf("%+v", k)
	}
	if n := r.Contests[0].A.Allocs(); n != 9 {
		t.Errorf("%v allocations", n)
	}
	e.Limits = []Limit{of("c", nil)}
	if r := e.Run(); !strings.Contains(r.Error, `no contest has a way "c"`) {
		t.Errorf("the error is %q", r.Error)
	}
}

// TestCPUTimeIsJudged: a way that takes as long with less of the processor.
func TestCPUTimeIsJudged(t *testing.T) {
	m := newMachine()
	taking := func(name string, cpu float64) Way {
		w := m.way(name, 1)
		process := w.Process
		w.Process = func() (child.Result, Outcome, error) {
			r, o, err := process()
			r.CPUSeconds *= cpu
			return r, o, err
		}
		return w
	}
	base := taking("base", 1)
	half, none := taking("half", 0.5), taking("none", 0)
	e := &Experiment{Metric: Speed, Pairs: 31, Itself: &base,
		Contests: []Contest{
			{A: half, B: base, CPU: stats.AtMost(0.6)},
			{A: half, B: base, CPU: stats.AtMost(0.4)},
			{A: none, B: base, CPU: stats.AtMost(0.4)},
			{A: half, B: base},
		},
		Best: &Best{A: half, Of: []Way{base}, Bound: stats.AtLeast(0.9), CPU: stats.AtMost(0.6)},
	}
	r := e.Run()
	if r.Error != "" || !r.Itself.CPU.Interval.Covers(1) {
		t.Fatalf("%s, %+v", r.Error, r.Itself)
	}
	for i, want := range []stats.Verdict{stats.Holds, stats.FallsShort, stats.Undecided, "", stats.Holds} {
		if s := r.Contests[i]; s.CPUVerdict != want {
			t.Errorf("contest %d: %q, want %q (%+v)", i, s.CPUVerdict, want, s.CPU)
		}
	}
	if s := r.Contests[0]; s.CPU.Ratio < 0.45 || s.CPU.Ratio > 0.55 || s.Verdict != "" {
		t.Errorf("%+v", s)
	}
}

// TestRunsThatDiffer do more in one run than in another, at the same speed, and
// say nothing that could be compared.
func TestRunsThatDiffer(t *testing.T) {
	m := newMachine()
	n := 0
	w := m.way("w", 1)
	process := w.Process
	w.Source, w.Bytes = "uring", 10
	w.Process = func() (child.Result, Outcome, error) {
		n++
		r, _, err := process()
		r.Seconds *= float64(n)
		return r, Outcome{Answer: uint64(n), Unanswered: true, Amount: float64(n), Source: "uring", Bytes: int64(10 * n)}, err
	}
	r := (&Experiment{Metric: Speed, Pairs: 15, Contests: []Contest{{A: w, B: m.way("b", 1)}}}).Run()
	if r.Error != "" {
		t.Fatal(r.Error)
	}
	if s := r.Contests[0]; s.Compared.Ratio < 0.9 || s.Compared.Ratio > 1.1 || s.A.Samples[3].Amount != 4 {
		t.Errorf("%+v", s)
	}
	w.Bytes = 11
	if r := (&Experiment{Metric: Speed, Pairs: 1, Contests: []Contest{{A: w, B: m.way("b", 1)}}}).Run(); !strings.Contains(r.Error, "bytes of") {
		t.Errorf("the error is %q", r.Error)
	}
}

func TestInProcessIsMeasured(t *testing.T) {
	var kept []*[64]byte
	w := Way{Name: "w", Amount: 1, Run: func() (Outcome, error) {
		kept = kept[:0]
		sum := uint64(0)
		for i := range 30000 {
			kept = append(kept, new([64]byte))
			sum += uint64(i)
		}
		for range 2000 {
			slices.Sort([]int{3, 2, 1})
		}
		return Outcome{Answer: sum}, nil
	}}
	s, o, err := w.sample()
	if err != nil {
		t.Fatal(err)
	}
	if s.Seconds <= 0 || s.CPUSeconds < 0 || s.Allocs < 30000 || s.Allocs > 60000 || o.Answer != 30000*29999/2 {
		t.Errorf("%+v, %+v", s, o)
	}
}
