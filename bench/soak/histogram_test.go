package main

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

// TestBuckets: every duration is in the bucket that it is counted in, and
// buckets are in order, without gaps.
func TestBuckets(t *testing.T) {
	before := time.Duration(-1)
	for i := range 1500 {
		end := bucketEnd(i)
		if end <= before || bucket(end) != i || bucket(before+1) != i {
			t.Fatalf("bucket %d is (%d, %d], and holds %d and %d", i, before, end, bucket(before+1), bucket(end))
		}
		if wide := end - before; i > steps && float64(wide) > float64(end)/steps+1 {
			t.Fatalf("bucket %d is (%d, %d]", i, before, end)
		}
		before = end
	}
	for _, d := range []time.Duration{-1, 1<<63 - 1} {
		if i := bucket(d); d > 0 && bucketEnd(i) < d || d < 0 && i != 0 {
			t.Errorf("%d is in bucket %d", d, i)
		}
	}
}

// TestQuantiles compares with sorting.
func TestQuantiles(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var h, half histogram
	var list []time.Duration
	for i := range 10_001 {
		d := time.Duration(rng.ExpFloat64() * float64(time.Millisecond))
		list = append(list, d)
		if i%2 == 0 {
			h.add(d)
		} else {
			half.add(d)
		}
	}
	h.merge(&half)
	slices.Sort(list)
	for _, q := range []float64{0.001, 0.5, 0.99, 0.999, 1} {
		want := list[max(int(q*float64(len(list))+0.999999)-1, 0)]
		if got := h.quantile(q); got < want || float64(got) > float64(want)*(1+1.0/steps)+1 {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	if h.quantile(1) != list[len(list)-1] {
		t.Errorf("the worst is %v, want %v", h.quantile(1), list[len(list)-1])
	}
	if got := (&histogram{}).quantile(0.5); got != 0 {
		t.Errorf("the median of nothing is %v", got)
	}
}

func TestReportMakesItsWay(t *testing.T) {
	r := newReport()
	r.Operations, r.WouldBlock, r.Faults, r.Bytes = 1, 2, 3, 4
	r.Errors["ENOENT"] = 5
	r.Waits.add("open", time.Second)
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	other := newReport()
	if err := json.Unmarshal(b, other); err != nil || !reflect.DeepEqual(r, other) {
		t.Errorf("%+v, %v", other, err)
	}
	other.merge(r)
	if other.Operations != 2 || other.Bytes != 8 || other.Errors["ENOENT"] != 10 || other.Waits["open"].Count != 2 {
		t.Errorf("%+v", other)
	}
	c := counts{1, 2, 3}
	c[unexpected] = 7
	b, err = json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var d counts
	if err := json.Unmarshal(b, &d); err != nil || c != d {
		t.Errorf("%s is %v, %v", b, d, err)
	}
}
