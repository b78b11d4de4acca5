package measure

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/oriel-go/oriel/bench/child"
	"github.com/oriel-go/oriel/bench/stats"
)

// cell runs a cell in which auto takes so many times as long as the best.
func cell(m *machine, name string, ratio float64) *Report {
	auto := m.way("auto", ratio)
	process := auto.Process
	auto.Process = func() (child.Result, Outcome, error) {
		r, o, err := process()
		o.Figures = map[string]float64{FigureLent: 0.75, FigureCopied: 0.25}
		o.Allocs = 5
		return r, o, err
	}
	base := m.way("good", 1)
	return (&Experiment{
		Name: name, Unit: "read", Metric: Time, Pairs: 15, Regret: true, Itself: &base,
		Best: &Best{A: auto, Of: []Way{m.way("bad", 1.7), base, m.way("awful", 9)}, Bound: stats.AtMost(1.15), Hopeless: 2.5},
	}).Run()
}

func TestRegretOfCells(t *testing.T) {
	m := newMachine()
	other := (&Experiment{Name: "other", Metric: Speed, Pairs: 2, Contests: []Contest{{A: m.way("a", 1), B: m.way("b", 9)}}}).Run()
	if g := RegretOf([]*Report{other}); g != nil {
		t.Errorf("regret of what is no cell: %+v", g)
	}
	reports := []*Report{other, cell(m, "x/even", 1), cell(m, "x/lost", 1.4), cell(m, "x/won", 0.72)}
	g := RegretOf(reports)
	var names []string
	for _, c := range g.Cells {
		names = append(names, c.Name)
	}
	if want := []string{"x/lost", "x/even", "x/won"}; !slices.Equal(names, want) || len(g.Failed) != 0 {
		t.Errorf("cells %v and failed %v, want %v", names, g.Failed, want)
	}
	if want := math.Cbrt(1.4 * 0.72); math.Abs(g.Mean-want) > 0.02 || !g.Interval.Covers(g.Mean) {
		t.Errorf("mean %v %+v, want %v", g.Mean, g.Interval, want)
	}
	if g.Verdict != stats.Holds || !g.Itself.Covers(1) {
		t.Errorf("%s, A/A %+v", g.Verdict, g.Itself)
	}
	c := g.Cells[0]
	if c.Best != "good" || c.Verdict != stats.FallsShort || !c.Covers || c.Lent != 0.75 || c.Ringed != 0 || c.Copied != 0.25 || c.Allocs != 5 ||
		c.Compared.Ratio < 1.35 || c.CPURatio < 1.35 || math.Abs(c.Seconds/c.BestSeconds-c.Compared.Ratio) > 1e-9 {
		t.Errorf("%+v", c)
	}
	if len(c.Others) != 3 || c.Others[0].Name != "good" || c.Others[1].Name != "bad" || c.Others[2].Name != "awful" || !c.Others[2].Hopeless || c.Others[1].Hopeless {
		t.Errorf("%+v", c.Others)
	}
	if _, err := json.Marshal(g); err != nil {
		t.Error(err)
	}
}

// TestAFailedCellIsMissed: without it the others claim nothing.
func TestAFailedCellIsMissed(t *testing.T) {
	m := newMachine()
	failed := &Report{Name: "x/failed", Regret: true, Error: "it broke"}
	g := RegretOf([]*Report{cell(m, "x/won", 0.7), failed})
	if !slices.Equal(g.Failed, []string{"x/failed"}) || g.Verdict != stats.Undecided || len(g.Cells) != 1 {
		t.Errorf("%+v", g)
	}
	g = RegretOf([]*Report{failed})
	if g == nil || g.Verdict != stats.Undecided {
		t.Fatalf("%+v", g)
	}
	if _, err := json.Marshal(g); err != nil {
		t.Error(err)
	}
}

// TestTheHopelessAreGivenUp: after some rounds they are not run any more, and
// they are never the best.
func TestTheHopelessAreGivenUp(t *testing.T) {
	m := newMachine()
	r := cell(m, "x", 1)
	if r.Error != "" {
		t.Fatal(r.Error)
	}
	for _, s := range r.Contests {
		want := 15
		if s.B.Name == "awful" {
			want = hopelessRounds
		}
		if s.Hopeless != (s.B.Name == "awful") || len(s.B.Chosen) != want || len(s.B.Samples) != want || len(s.A.Samples) != want {
			t.Errorf("%s: given up %v, %d runs to choose, %d pairs; want %d", s.B.Name, s.Hopeless, len(s.B.Chosen), len(s.B.Samples), want)
		}
		if s.Best != (s.B.Name == "good") {
			t.Errorf("%s: best %v", s.B.Name, s.Best)
		}
	}
	if n := r.Notes; len(n) != 1 || !strings.HasPrefix(n[0], "awful was given up after 3 rounds") {
		t.Errorf("notes %q", n)
	}
}
