package access

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"
)

func TestMerge(t *testing.T) {
	const most = math.MaxInt64
	for _, x := range []struct {
		name  string
		gap   int64
		amp   float64
		bytes int64
		in    []Range
		want  []Range
	}{
		{"none", 0, 1, most, nil, nil},
		{"one", 0, 1, most, []Range{{5, 6}}, []Range{{5, 6}}},
		{"sorted", 0, 1, most, []Range{{90, 1}, {50, 1}, {70, 1}}, []Range{{50, 1}, {70, 1}, {90, 1}}},
		{"adjacent", 0, 1, most, []Range{{10, 10}, {0, 10}}, []Range{{0, 20}}},
		{"one byte apart, no gap allowed", 0, 9, most, []Range{{0, 10}, {11, 10}}, []Range{{0, 10}, {11, 10}}},
		{"the same twice", 0, 1, most, []Range{{7, 3}, {7, 3}}, []Range{{7, 3}}},
		{"one within another", 0, 1, most, []Range{{0, 100}, {40, 10}, {100, 1}}, []Range{{0, 101}}},
		{"gap as large as allowed", 20, 2, most, []Range{{0, 10}, {30, 10}}, []Range{{0, 40}}},
		{"gap a byte larger", 20, 3, most, []Range{{0, 10}, {31, 10}}, []Range{{0, 10}, {31, 10}}},
		{"a byte too much read", 21, 2, most, []Range{{0, 10}, {31, 10}}, []Range{{0, 10}, {31, 10}}},
		// ▇▇··▇▇··▇▇ reads 10 for 6: over all, not for each gap.
		{"amplification is of all that is joined", 2, 1.7, most,
			[]Range{{0, 2}, {4, 2}, {8, 2}}, []Range{{0, 10}}},
		{"a large one pays for small ones", 100, 1.1, most,
			[]Range{{0, 10_000}, {10_100, 1}, {10_200, 1}, {10_300, 1}}, []Range{{0, 10_301}}},
		{"overlaps are wanted once", 10, 1.5, most,
			[]Range{{0, 10}, {0, 10}, {0, 10}, {20, 5}}, []Range{{0, 10}, {20, 5}}},
		{"no amplification", 10, 0, most, []Range{{0, 10}, {11, 9}, {20, 5}}, []Range{{0, 10}, {11, 14}}},
		{"not a number", 10, math.NaN(), most, []Range{{0, 10}, {11, 9}}, []Range{{0, 10}, {11, 9}}},
		{"any amplification", 1 << 40, math.Inf(1), most, []Range{{0, 1}, {1 << 40, 1}}, []Range{{0, 1<<40 + 1}}},
		{"ranges that do not exist", 0, 1, most,
			[]Range{{-1, 5}, {3, 0}, {4, -4}, {math.MaxInt64, 1}, {1, 1}}, []Range{{1, 1}}},
		{"up to the largest offset", 0, 1, most,
			[]Range{{math.MaxInt64 - 5, math.MaxInt64}, {math.MaxInt64 - 9, 4}},
			[]Range{{math.MaxInt64 - 9, 9}}},
		{"up to what the device takes", 0, 1, 4096,
			[]Range{{32, 4064}, {4095, 10}, {0, 64}, {8192, 4096}, {0, 256}},
			[]Range{{0, 4096}, {4095, 10}, {8192, 4096}}},
		{"longer than that, with one within it", 0, 1, 4096, []Range{{0, 9000}, {100, 8}}, []Range{{0, 9000}}},
	} {
		in := slices.Clone(x.in)
		if got := MergeUpTo(in, x.gap, x.amp, x.bytes); !slices.Equal(got, x.want) {
			t.Errorf("%s: %v, want %v", x.name, got, x.want)
		}
		if x.bytes == most {
			if got := Merge(slices.Clone(x.in), x.gap, x.amp); !slices.Equal(got, x.want) {
				t.Errorf("%s: Merge returns %v, want %v", x.name, got, x.want)
			}
		}
	}
}

// rangeBytes is the size of a range in fuzzed data.
const rangeBytes = 16

func FuzzMerge(f *testing.F) {
	seed := func(ranges ...Range) {
		var b []byte
		for _, r := range ranges {
			b = binary.LittleEndian.AppendUint64(b, uint64(r.Off))
			b = binary.LittleEndian.AppendUint64(b, uint64(r.Len))
		}
		f.Add(b, int64(16), 1.5)
	}
	seed(Range{0, 64}, Range{0, 256}, Range{32, 4064}, Range{4095, 10}, Range{8192, 4096})
	seed(Range{math.MaxInt64 - 5, math.MaxInt64}, Range{-1, 5}, Range{3, 0})
	seed(Range{0, 10}, Range{20, 10}, Range{40, 10}, Range{90, 10})
	f.Fuzz(func(t *testing.T, b []byte, gap int64, amp float64) {
		const most = 1000 // ranges: enough for every case
		var in []Range
		for ; len(b) >= rangeBytes && len(in) < most; b = b[rangeBytes:] {
			in = append(in, Range{
				int64(binary.LittleEndian.Uint64(b)),
				int64(binary.LittleEndian.Uint64(b[rangeBytes/2:])),
			})
		}
		out := Merge(slices.Clone(in), gap, amp)
		checkMerged(t, in, out, amp)
	})
}

// checkMerged checks that out is in order, covers in, and is not more than it
// may be.
func checkMerged(t *testing.T, in, out []Range, amp float64) {
	end := int64(-1)
	for _, r := range out {
		if r.Off <= end || r.Len <= 0 || r.Off > math.MaxInt64-r.Len {
			t.Fatalf("%v is not in order", out)
		}
		end = r.Off + r.Len
	}
	read := 0.0
	for _, r := range out {
		read += float64(r.Len)
	}
	// What is wanted, with overlaps once, is what no gap is allowed for.
	wanted := 0.0
	for _, r := range Merge(slices.Clone(in), 0, 1) {
		wanted += float64(r.Len)
	}
	const rounding = 1 + 1e-9 // sums of float64
	if amp = max(1, amp); read > rounding*amp*wanted {
		t.Fatalf("%v reads %.0f for %.0f, amplification %v", out, read, wanted, amp)
	}
	for _, r := range in {
		e, ok := clip(r.Off, r.Len)
		if !ok {
			continue
		}
		i, found := slices.BinarySearchFunc(out, r.Off, func(o Range, off int64) int {
			switch {
			case o.Off+o.Len <= off:
				return -1
			case o.Off > off:
				return 1
			}
			return 0
		})
		if !found || out[i].Off+out[i].Len < e {
			t.Fatalf("%v does not cover %v", out, r)
		}
	}
}
