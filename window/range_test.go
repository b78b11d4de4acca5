package window

import (
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

const maxOff = math.MaxInt64

func TestRangeCheck(t *testing.T) {
	for _, c := range []struct {
		r  Range
		ok bool
	}{
		{Range{}, true}, {Range{0, maxOff}, true}, {Range{maxOff, 0}, true}, {Range{1, maxOff - 1}, true},
		{Range{maxOff - 1, 1}, true}, {Range{1 << 62, 1<<62 - 1}, true},
		{Range{-1, 0}, false}, {Range{0, -1}, false}, {Range{-1, 1}, false}, {Range{1, maxOff}, false},
		{Range{maxOff, 1}, false}, {Range{1 << 62, 1 << 62}, false}, {Range{maxOff, maxOff}, false},
		{Range{math.MinInt64, math.MinInt64}, false}, {Range{math.MinInt64, maxOff}, false}, {Range{5, math.MinInt64}, false},
	} {
		if err := c.r.Check(); (err == nil) != c.ok || err != nil && !errors.Is(err, ErrRange) {
			t.Errorf("Check of %d, %d = %v", c.r.Off, c.r.Len, err)
		}
	}
}

func TestRange(t *testing.T) {
	for _, c := range []struct{ r, s, intersect, join Range }{
		{Range{}, Range{}, Range{}, Range{}},
		{Range{0, 10}, Range{5, 10}, Range{5, 5}, Range{0, 15}},
		{Range{5, 10}, Range{0, 10}, Range{5, 5}, Range{0, 15}},
		{Range{0, 10}, Range{2, 3}, Range{2, 3}, Range{0, 10}},
		{Range{2, 3}, Range{0, 10}, Range{2, 3}, Range{0, 10}},
		{Range{0, 5}, Range{5, 5}, Range{5, 0}, Range{0, 10}},
		{Range{5, 5}, Range{0, 5}, Range{5, 0}, Range{0, 10}},
		{Range{0, 5}, Range{10, 5}, Range{5, 0}, Range{0, 15}},
		{Range{10, 5}, Range{0, 5}, Range{10, 0}, Range{0, 15}},
		{Range{0, maxOff}, Range{maxOff, 0}, Range{maxOff, 0}, Range{0, maxOff}},
		{Range{0, maxOff}, Range{maxOff - 1, 1}, Range{maxOff - 1, 1}, Range{0, maxOff}},
		{Range{maxOff, 0}, Range{0, 1}, Range{maxOff, 0}, Range{0, maxOff}},
	} {
		if got := c.r.Intersect(c.s); got != c.intersect {
			t.Errorf("%v.Intersect(%v) = %v, not %v", c.r, c.s, got, c.intersect)
		}
		if got := c.r.Join(c.s); got != c.join {
			t.Errorf("%v.Join(%v) = %v, not %v", c.r, c.s, got, c.join)
		}
	}
}

func TestRangeAlign(t *testing.T) {
	for _, c := range []struct {
		r           Range
		granularity int64
		want        Range
	}{
		{Range{}, 4096, Range{}},
		{Range{0, 1}, 4096, Range{0, 4096}},
		{Range{1, 1}, 4096, Range{0, 4096}},
		{Range{4095, 1}, 4096, Range{0, 4096}},
		{Range{4095, 2}, 4096, Range{0, 8192}},
		{Range{4096, 4096}, 4096, Range{4096, 4096}},
		{Range{4097, 4095}, 4096, Range{4096, 4096}},
		{Range{7, 9}, 1, Range{7, 9}},
		{Range{7, 9}, 10, Range{0, 20}},
		{Range{5, 0}, 4, Range{4, 4}},
		{Range{8, 0}, 4, Range{8, 0}},
		{Range{maxOff - 1, 1}, 4096, Range{maxOff - 4095, 4095}},
		{Range{0, maxOff}, 4096, Range{0, maxOff}},
		{Range{1, 1}, maxOff, Range{0, maxOff}},
		{Range{maxOff, 0}, maxOff, Range{maxOff, 0}},
	} {
		if got := c.r.Align(c.granularity); got != c.want {
			t.Errorf("%v.Align(%d) = %v, not %v", c.r, c.granularity, got, c.want)
		}
	}
}

func TestRangeContains(t *testing.T) {
	r := Range{maxOff - 5, 5}
	for off, want := range map[int64]bool{
		math.MinInt64: false, -1: false, 0: false, maxOff - 6: false, maxOff - 5: true, maxOff - 1: true, maxOff: false,
	} {
		if r.Contains(off) != want {
			t.Errorf("%v.Contains(%d) = %t", r, off, !want)
		}
	}
	if (Range{3, 0}).Contains(3) {
		t.Error("an empty range contains its offset")
	}
}

func TestRangeString(t *testing.T) {
	for r, want := range map[Range]string{
		{}:          "[0:0)",
		{4096, 512}: "[4096:4608)",
		{0, maxOff}: "[0:9223372036854775807)",
		{maxOff, 0}: "[9223372036854775807:9223372036854775807)",
	} {
		if r.String() != want {
			t.Errorf("%d, %d prints %s, not %s", r.Off, r.Len, r, want)
		}
	}
}

// checkRange compares the arithmetic with that of big numbers.
func checkRange(t *testing.T, r, s Range, granularity, off int64) {
	t.Helper()
	num := big.NewInt
	end := func(r Range) *big.Int { return new(big.Int).Add(num(r.Off), num(r.Len)) }
	valid := func(r Range) bool { return r.Off >= 0 && r.Len >= 0 && end(r).IsInt64() }
	for _, x := range []Range{r, s} {
		if (x.Check() == nil) != valid(x) {
			t.Fatalf("Check of %d, %d = %v", x.Off, x.Len, x.Check())
		}
	}
	if !valid(r) || !valid(s) {
		return
	}
	if num(r.End()).Cmp(end(r)) != 0 {
		t.Errorf("End of %v", r)
	}
	in := func(r Range) bool { return num(r.Off).Cmp(num(off)) <= 0 && num(off).Cmp(end(r)) < 0 }
	if r.Contains(off) != in(r) {
		t.Errorf("%v.Contains(%d) = %t", r, off, r.Contains(off))
	}
	x := r.Intersect(s)
	if !valid(x) || x.Off < r.Off || x.End() > r.End() || in(x) != (in(r) && in(s)) {
		t.Errorf("%v.Intersect(%v) = %v", r, s, x)
	}
	if y := s.Intersect(r); x.Len != y.Len || x.Len > 0 && x != y {
		t.Errorf("%v and %v intersect in %v and in %v", r, s, x, y)
	}
	j := r.Join(s)
	if !valid(j) || j.Off != min(r.Off, s.Off) || j.End() != max(r.End(), s.End()) || j != s.Join(r) {
		t.Errorf("%v.Join(%v) = %v", r, s, j)
	}
	if granularity < 1 {
		return
	}
	// The end rounded up, as a big number, and cut.
	g := num(granularity)
	up := new(big.Int).Add(end(r), new(big.Int).Sub(g, num(1)))
	up.Div(up, g).Mul(up, g)
	if !up.IsInt64() {
		up.SetInt64(maxOff)
	}
	a := r.Align(granularity)
	if a.Off != r.Off/granularity*granularity || end(a).Cmp(up) != 0 || !valid(a) {
		t.Errorf("%v.Align(%d) = %v", r, granularity, a)
	}
}

func FuzzRange(f *testing.F) {
	edges := []int64{math.MinInt64, -1, 0, 1, 4095, 4096, 1 << 32, 1 << 62, maxOff - 4096, maxOff - 1, maxOff}
	for i, a := range edges {
		b, c := edges[(i*3+1)%len(edges)], edges[(i*5+2)%len(edges)]
		f.Add(a, b, b, c, c, a)
		f.Add(int64(0), a, int64(4096), b, int64(4096), c)
	}
	f.Fuzz(func(t *testing.T, off, n, off2, n2, granularity, at int64) {
		checkRange(t, Range{off, n}, Range{off2, n2}, granularity, at)
	})
}

func TestRangeAgainstBigNumbers(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	number := func() int64 { // of any size, often close to a power of two
		n := int64(rnd.Uint64() >> rnd.IntN(64))
		if rnd.IntN(2) == 0 {
			n = int64(uint64(1)<<rnd.IntN(64)) + int64(rnd.IntN(5)) - 2
		}
		return n
	}
	for range rounds(t, 200_000) {
		checkRange(t, Range{number(), number()}, Range{number(), number()}, number(), number())
		if t.Failed() {
			return
		}
	}
}
