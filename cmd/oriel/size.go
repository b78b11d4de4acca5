package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

var errSize = errors.New("want a whole number of bytes such as 65536, 64KiB, 64k, 1MiB or 4M")

// parseSize returns the number of bytes that s says: digits, and then nothing
// or B, or one of k, M, G and T, which are powers of 1024 and may be followed
// by iB. Case does not matter. KB and its like are refused, because they mean
// two things.
func parseSize(s string) (int64, error) {
	digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
	n, err := strconv.ParseInt(s[:digits], 10, 64)
	if err != nil {
		return 0, errSize
	}
	var shift uint
	switch strings.ToLower(s[digits:]) {
	case "", "b":
	case "k", "kib":
		shift = 10
	case "m", "mib":
		shift = 20
	case "g", "gib":
		shift = 30
	case "t", "tib":
		shift = 40
	default:
		return 0, errSize
	}
	if n > math.MaxInt64>>shift {
		return 0, errSize
	}
	return n << shift, nil
}

// formatSize returns n bytes for a person: three digits or so and a unit.
func formatSize(n int64) string {
	units := [...]string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	if n < 1<<10 {
		return strconv.FormatInt(n, 10) + " B"
	}
	v, i := float64(n)/(1<<10), 0
	for ; v >= 1023.95 && i < len(units)-1; i++ {
		v /= 1 << 10
	}
	return fmt.Sprintf("%.1f %s", v, units[i])
}

// sizeValue is a flag's value of at least one byte; 0 when it was not given.
type sizeValue int64

func (v *sizeValue) Set(s string) error {
	n, err := parseSize(s)
	if err != nil || n == 0 {
		return errSize
	}
	*v = sizeValue(n)
	return nil
}

func (v *sizeValue) String() string {
	if *v == 0 {
		return ""
	}
	return strconv.FormatInt(int64(*v), 10)
}

// int returns v as an int, the largest one if it is more.
func (v sizeValue) int() int { return int(min(int64(v), math.MaxInt)) }

func (v *sizeValue) Type() string { return "SIZE" }

// rangeValue is the value of --range: OFF or OFF:LEN or OFF:. The zero value,
// which is what a flag that was not given has, reaches from 0 to the end.
type rangeValue struct {
	off, n int64
	short  bool // n says where to end
}

func (v *rangeValue) Set(s string) error {
	off, n, _ := strings.Cut(s, ":")
	var r rangeValue
	var err error
	if r.off, err = parseSize(off); err != nil {
		return err
	}
	if n != "" {
		if r.n, err = parseSize(n); err != nil {
			return err
		}
		r.short = true
	}
	*v = r
	return nil
}

func (v *rangeValue) String() string {
	switch {
	case v.short:
		return fmt.Sprintf("%d:%d", v.off, v.n)
	case v.off > 0:
		return fmt.Sprintf("%d:", v.off)
	}
	return ""
}

func (v *rangeValue) Type() string { return "OFF:LEN" }

// end returns the offset behind the range's last byte.
func (v rangeValue) end() int64 {
	if !v.short || v.n > math.MaxInt64-v.off {
		return math.MaxInt64
	}
	return v.off + v.n
}
