package sizes

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A Size is a number of bytes, at least 1, such as 4GiB. It is a flag.Value.
type Size int64

var units = []struct {
	name  string
	bytes int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}}

// Set reads a number, with or without a unit directly behind it.
func (s *Size) Set(v string) error {
	times := int64(1)
	for _, u := range units {
		if number, ok := strings.CutSuffix(v, u.name); ok {
			v, times = number, u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n <= 0 || n > 1<<62/times {
		return errors.New("want a number of bytes, KiB, MiB or GiB")
	}
	*s = Size(n * times)
	return nil
}

// String returns the number in the largest unit that divides it, as Set reads it.
func (s *Size) String() string {
	for _, u := range units {
		if n := int64(*s); n >= u.bytes && n%u.bytes == 0 {
			return fmt.Sprintf("%d%s", n/u.bytes, u.name)
		}
	}
	return strconv.FormatInt(int64(*s), 10)
}
