package main

import (
	"math"
	"testing"
)

func TestParseSize(t *testing.T) {
	for _, c := range []struct {
		in   string
		want int64 // -1: refused
	}{
		{"0", 0}, {"1", 1}, {"65536", 65536}, {"12B", 12}, {"007", 7},
		{"64k", 64 << 10}, {"64K", 64 << 10}, {"64KiB", 64 << 10}, {"64kib", 64 << 10},
		{"1M", 1 << 20}, {"1MiB", 1 << 20}, {"4m", 4 << 20},
		{"2G", 2 << 30}, {"2GiB", 2 << 30}, {"1T", 1 << 40}, {"3TiB", 3 << 40},
		{"9223372036854775807", math.MaxInt64}, {"8388607T", 8388607 << 40},
		{"", -1}, {"k", -1}, {"-1", -1}, {"+1", -1}, {" 1", -1}, {"1 ", -1}, {"1 k", -1},
		{"1.5M", -1}, {"64KB", -1}, {"64MB", -1}, {"1kk", -1}, {"0x10", -1}, {"1_000", -1},
		{"9223372036854775808", -1}, {"8388608T", -1}, {"99999999999999999999k", -1},
		{"१", -1}, {"1\x00", -1},
	} {
		got, err := parseSize(c.in)
		if err != nil {
			got = -1
		}
		if got != c.want {
			t.Errorf("parseSize(%q) = %d, want %d", c.in, got, c.want)
		}
	}
}

func TestFormatSize(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 1<<20 - 1: "1.0 MiB",
		4 << 30: "4.0 GiB", math.MaxInt64: "8.0 EiB",
	} {
		if got := formatSize(n); got != want {
			t.Errorf("formatSize(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestSizeValueWantsAtLeastOneByte(t *testing.T) {
	var v sizeValue
	if err := v.Set("0"); err == nil {
		t.Error("0 was taken")
	}
	if err := v.Set("64k"); err != nil || v != 65536 || v.String() != "65536" {
		t.Errorf("64k: %d, %v", v, err)
	}
}

func TestRangeValue(t *testing.T) {
	for _, c := range []struct {
		in       string
		off, end int64 // off -1: refused
	}{
		{"0", 0, math.MaxInt64}, {"5:", 5, math.MaxInt64}, {"5:0", 5, 5}, {"4k:1M", 4096, 4096 + 1<<20},
		{"9223372036854775807:9", math.MaxInt64, math.MaxInt64}, {"1:9223372036854775807", 1, math.MaxInt64},
		{"", -1, 0}, {":", -1, 0}, {":5", -1, 0}, {"-1:5", -1, 0}, {"1:-5", -1, 0}, {"1:2:3", -1, 0}, {"a:b", -1, 0},
	} {
		var v rangeValue
		err := v.Set(c.in)
		switch {
		case c.off < 0 && err == nil:
			t.Errorf("%q was taken as %+v", c.in, v)
		case c.off >= 0 && (err != nil || v.off != c.off || v.end() != c.end):
			t.Errorf("%q is [%d:%d), %v; want [%d:%d)", c.in, v.off, v.end(), err, c.off, c.end)
		}
	}
}

// TestFlagValuesPrintTheirDefaults is for --help: an empty text is no default.
func TestFlagValuesPrintTheirDefaults(t *testing.T) {
	if s := new(rangeValue).String() + new(sizeValue).String() + new(sumKind).String(); s != "" {
		t.Errorf("zero values print %q", s)
	}
	for _, s := range []string{"5:", "5:7", "0:7"} {
		var v rangeValue
		if err := v.Set(s); err != nil || v.String() != s {
			t.Errorf("%q prints as %q, %v", s, v.String(), err)
		}
	}
}
