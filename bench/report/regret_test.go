package report

import (
	"strings"
	"testing"

	"github.com/oriel-go/oriel/bench/measure"
	"github.com/oriel-go/oriel/bench/stats"
)

func sampleRegret() *measure.Regret {
	return &measure.Regret{
		Cells: []measure.Cell{
			{Name: "regret/lost", Unit: "read", Seconds: 13e-6, Best: "uring", BestSeconds: 10e-6,
				Compared: stats.Comparison{Ratio: 1.3, Interval: stats.Interval{Low: 1.25, High: 1.35}}, CPURatio: 2.25, Verdict: stats.FallsShort,
				Covers: true, Allocs: 142, Copied: 1,
				Others: []measure.Other{{Name: "uring", Seconds: 1e-5}, {Name: "pread", Seconds: 1.3e-5}, {Name: "mmap", Seconds: 9e-5, Hopeless: true}}},
			{Name: "regret/mixed", Unit: "byte", Seconds: 0.05e-9, Best: "mmap", BestSeconds: 0.05e-9,
				Compared: stats.Comparison{Ratio: 1, Interval: stats.Interval{Low: 0.99, High: 1.01}}, Verdict: stats.Undecided,
				Lent: 0.9, Ringed: 0.04, Copied: 0.06, Others: []measure.Other{{Name: "mmap", Seconds: 5e-11}}},
			{Name: "regret/slow", Unit: "open", Seconds: 2.5e-3, Best: "pread", BestSeconds: 3e-3,
				Compared: stats.Comparison{Ratio: 0.83, Interval: stats.Interval{Low: 0.8, High: 0.9}}, Verdict: stats.Holds, Covers: true, Copied: 1},
		},
		Mean: 1.026, Interval: stats.Interval{Low: 1.01, High: 1.04}, Bound: stats.AtMost(1.03), Verdict: stats.Undecided,
		Itself: stats.Interval{Low: 1.02, High: 1.05}, Failed: []string{"regret/broken"},
	}
}

// TestRegretIsShown: every cell with its times, its ratio, what served it and
// what became of it, in every form.
func TestRegretIsShown(t *testing.T) {
	r := sampleRun()
	r.Regret = sampleRegret()
	var text, page strings.Builder
	RegretText(&text, r.Regret)
	r.Markdown(&page)
	for _, want := range []string{
		"geometric mean of 3 cells: 1.026 (1.010–1.040), claimed ≤ 1.03: undecided",
		"1.020–1.050, DOES NOT COVER 1: the mean does not hold", "do not cover 1: 1 of 3", "COULD NOT BE MEASURED: regret/broken",
		"regret/lost", "13 µs/read", "10 µs/read", "1.300", "1.250–1.350", "2.25", "142", "100 % pread", "FALLS SHORT",
		"uring 1.00, pread 1.30, mmap 9.00 (given up)",
		"0.05 ns/byte", "90 % lent, 4 % ringed, 6 % pread", "undecided; A/A does not cover 1", "2.5 ms/open", "holds",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the text lacks %q:\n%s", want, text.String())
		}
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if !strings.Contains(r.Summary(), "1 hold, 2 fall short, 1 undecided") {
		t.Errorf("the claim about all cells does not count: %s", r.Summary())
	}
	if without := sampleRun(); strings.Contains(without.Summary(), "1 undecided") {
		t.Errorf("without cells there is a claim about them: %s", without.Summary())
	}
}

// TestNotesAreShown: what was left out of an experiment, and what was given up.
func TestNotesAreShown(t *testing.T) {
	r := sampleRun()
	e := r.Experiments[0]
	e.Notes = []string{"mmap is left out: refused"}
	e.Contests[1].Hopeless = true
	var text strings.Builder
	Text(&text, e)
	for _, want := range []string{"mmap is left out: refused", "theirs (given up)"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the text lacks %q:\n%s", want, text.String())
		}
	}
}

// TestRegretWithoutAMean: no cell was measured.
func TestRegretWithoutAMean(t *testing.T) {
	var text strings.Builder
	RegretText(&text, &measure.Regret{Bound: stats.AtMost(1.03), Verdict: stats.Undecided, Failed: []string{"regret/broken"}})
	if s := text.String(); !strings.Contains(s, "no mean") || !strings.Contains(s, "regret/broken") || strings.Contains(s, "0.000") {
		t.Error(s)
	}
}
