package workload

import (
	"testing"

	"github.com/oriel-go/oriel/bench/measure"
	"github.com/oriel-go/oriel/bench/stats"
	"github.com/oriel-go/oriel/source"
)

// TestPlanningIsTheDifferenceOfPairs plays rounds whose samples are known, with
// the order swapped every other time as an experiment does.
func TestPlanningIsTheDifferenceOfPairs(t *testing.T) {
	took := map[source.Kind][]float64{source.Auto: {110, 230, 350}, source.Pread: {100, 200, 300}}
	next := map[source.Kind]int{}
	p := newPlanning(func(k source.Kind, noted *[]float64) measure.Way {
		return measure.Way{Name: openWayName(k), Amount: 1, Run: func() (o measure.Outcome, err error) {
			*noted = append(*noted, took[k][next[k]])
			next[k]++
			return o, nil
		}}
	})
	itself := measure.Way{Name: openWayName(source.Pread), Amount: 1, Run: func() (o measure.Outcome, err error) { return o, nil }}
	e := p.experiment("x", "", 3, itself, stats.AtMost(40))
	r := e.Run()
	if r.Error != "" {
		t.Fatal(r.Error)
	}
	if got := r.Limits[0]; got.Median != 30 || len(got.Values) != 3 || got.Values[0] != 10 || got.Values[2] != 50 {
		t.Errorf("%+v", got)
	}
	if _, err := e.Limits[0].Measure(); err == nil {
		t.Error("there is a difference of a pair that was not run")
	}
}

func TestOpeningsClaim(t *testing.T) {
	small := 0
	for _, o := range openings() {
		if o.sizeBytes <= 64<<10 {
			small++
			if o.first == nil || o.first.Limit != 50_000 || o.later == nil || o.later.Limit != 5_000 {
				t.Errorf("%s: %v, %v", o.part, o.first, o.later)
			}
		}
	}
	if small != 4 {
		t.Errorf("%d small files", small)
	}
}
