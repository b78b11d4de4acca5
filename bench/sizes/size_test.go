package sizes

import "testing"

func TestSizes(t *testing.T) {
	for v, want := range map[string]int64{"1": 1, "4KiB": 4 << 10, "256MiB": 256 << 20, "4GiB": 4 << 30, "1536": 1536} {
		var s Size
		if err := s.Set(v); err != nil || int64(s) != want || s.String() != v {
			t.Errorf("%s: %d, %q, %v", v, s, s.String(), err)
		}
	}
	for _, v := range []string{"", "x", "-1", "0", "1 GiB", "1TB", "GiB", "9999999999GiB"} {
		s := Size(7)
		if err := s.Set(v); err == nil || s != 7 {
			t.Errorf("%q is %d", v, s)
		}
	}
}
