package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestGeometricMeanOfExactPairs(t *testing.T) {
	twice := Paired{A: []float64{2, 4, 6}, B: []float64{1, 2, 3}}
	half := Paired{A: []float64{1, 2, 3, 4}, B: []float64{2, 4, 6, 8}}
	near := func(a, b float64) bool { return math.Abs(a-b) < 1e-12 }
	for _, c := range []struct {
		sets []Paired
		want float64
	}{
		{[]Paired{twice}, 2},
		{[]Paired{twice, half}, 1},
		{[]Paired{twice, twice, half}, math.Cbrt(2)},
	} {
		mean, i := GeometricMean(c.sets)
		if !near(mean, c.want) || !near(i.Low, c.want) || !near(i.High, c.want) {
			t.Errorf("%v: %v, %+v; want %v", c.sets, mean, i, c.want)
		}
	}
}

func TestGeometricMeanOfNothing(t *testing.T) {
	for _, sets := range [][]Paired{nil, {{}}, {{A: []float64{1}, B: []float64{1}}, {}}, {{A: []float64{1}, B: []float64{1, 2}}}} {
		if mean, i := GeometricMean(sets); !math.IsNaN(mean) || !math.IsNaN(i.Low) || !math.IsNaN(i.High) {
			t.Errorf("%v: %v, %+v", sets, mean, i)
		}
	}
}

// TestGeometricMeanIsSurer: the interval of the mean of many sets is narrower
// than that of one, and covers the truth.
func TestGeometricMeanIsSurer(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	const sets, truth = 25, 1.1
	var all []Paired
	for range sets {
		a, b := pairs(r, 31, truth, 0.05)
		all = append(all, Paired{a, b})
	}
	_, one := GeometricMean(all[:1])
	mean, many := GeometricMean(all)
	if !many.Covers(mean) || !many.Covers(truth) {
		t.Errorf("%v, %+v of a truth of %v", mean, many, truth)
	}
	if many.High-many.Low > (one.High-one.Low)/2 {
		t.Errorf("the interval of %d sets is %+v, of one %+v", sets, many, one)
	}
	if again, j := GeometricMean(all); again != mean || j != many {
		t.Errorf("%v, %+v, then %v, %+v", mean, many, again, j)
	}
}
