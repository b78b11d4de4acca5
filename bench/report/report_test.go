package report

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/oriel-go/oriel/bench/machine"
	"github.com/oriel-go/oriel/bench/measure"
	"github.com/oriel-go/oriel/bench/pagecache"
	"github.com/oriel-go/oriel/bench/stats"
)

// score returns a contest of two pairs.
func score(ratio float64, bound *stats.Bound, verdict stats.Verdict) measure.Score {
	side := func(name string, seconds float64) measure.Side {
		s := measure.Sample{Seconds: seconds, CPUSeconds: seconds / 2, Allocs: 7, Waits: 3}
		return measure.Side{Name: name, Amount: 1e9, Samples: []measure.Sample{s, s}}
	}
	return measure.Score{
		A: side("ours", 1/ratio), B: side("theirs", 1), Best: bound != nil, Bound: bound, Verdict: verdict,
		Compared: stats.Comparison{Ratio: ratio, Interval: stats.Interval{Low: ratio - 0.01, High: ratio + 0.01}, MedianOfRatios: ratio, Pairs: 2},
	}
}

func sampleRun() *Run {
	itself := score(1.5, nil, "")
	cpu := score(2, nil, "")
	cpu.CPU = &stats.Comparison{Ratio: 0.5, Interval: stats.Interval{Low: 0.45, High: 0.55}}
	cpu.CPUBound, cpu.CPUVerdict = stats.AtMost(0.6), stats.Holds
	return &Run{Schema: 1, Command: []string{"-pairs=2", "seq"}, Machine: machine.Facts{Commit: "abc", Modified: true, Go: "go1"}, Experiments: []*measure.Report{
		{
			Name: "seq/large", About: "count", Unit: "byte", Metric: measure.Speed, Before: &pagecache.State{CachedShare: 1, FaultsPerMiB: 0.5},
			Contests: []measure.Score{score(0.9, stats.AtLeast(0.97), stats.FallsShort), cpu},
			Itself:   &itself,
			Limits: []measure.Kept{{Name: "peak", Unit: "MiB", Every: true, Values: []float64{5, 6, 70}, Median: 6,
				Bound: stats.AtMost(64), Verdict: stats.FallsShort}},
		},
		{Name: "broken", Error: "it broke"},
	}}
}

// TestLosingCellsAreShown: what fell short, what could not be measured and an
// A/A test that failed are in every form of the report.
func TestLosingCellsAreShown(t *testing.T) {
	r := sampleRun()
	var text, page strings.Builder
	for _, e := range r.Experiments {
		Text(&text, e)
	}
	r.Markdown(&page)
	for _, want := range []string{"FALLS SHORT", "0.900", "0.890–0.910", "theirs (best)", "≥ 0.97", "0.9 GB/s", "DOES NOT COVER 1",
		"≤ 64 every time", "70", "COULD NOT BE MEASURED: it broke", "100 % cached", "waited for the device 6 times in 2 runs", "0.50 (0.45–0.55)", "CPU ≤ 0.6", "CPU holds"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the text lacks %q:\n%s", want, text.String())
		}
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q:\n%s", want, page.String())
		}
	}
	for _, want := range []string{"abc, with changes", "1 hold, 2 fall short, 0 undecided; 1 experiments could not be measured", "go run . -pairs=2 seq"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestMarkdownTablesAreEven(t *testing.T) {
	var page strings.Builder
	sampleRun().Markdown(&page)
	columns := 0
	for line := range strings.Lines(page.String()) {
		if !strings.HasPrefix(line, "|") {
			columns = 0
			continue
		}
		n := strings.Count(line, "|")
		if columns != 0 && n != columns {
			t.Errorf("%d columns after %d: %s", n, columns, line)
		}
		columns = n
	}
}

func TestJSONHasEverySample(t *testing.T) {
	var b strings.Builder
	if err := sampleRun().WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var back Run
	if err := json.Unmarshal([]byte(b.String()), &back); err != nil {
		t.Fatal(err)
	}
	s := back.Experiments[0].Contests[0]
	if len(s.A.Samples) != 2 || len(s.B.Samples) != 2 || s.A.Samples[1].Allocs != 7 || *s.Bound != *stats.AtLeast(0.97) {
		t.Errorf("%+v", s)
	}
}
