package source

import "testing"

// What is asked for lies ahead of the Reader, is asked for once, and only where what
// is cached and what is not take turns.
func TestGapsAreFilled(t *testing.T) {
	const window, piece = 256 << 10, 1 << 20
	alternate := func(pos int64) bool { return pos/piece%2 == 0 }
	for _, tt := range []struct {
		what   string
		share  float64
		cached func(pos int64) bool
		asks   bool
	}{
		{"every other MiB", 0.5, alternate, true},
		{"every other MiB, by a file that was not cached before", 0.1, alternate, false},
		{"every other MiB, by a file that was cached almost wholly", 0.9, alternate, false},
		{"nobody knows", unknownShare, alternate, false},
		{"the first half", 0.5, func(pos int64) bool { return pos < 32<<20 }, false},
		{"pieces of 8 MiB", 0.5, func(pos int64) bool { return pos>>23%2 == 0 }, false},
	} {
		var g gaps
		g.find(tt.share)
		var asked, end int64
		for pos := int64(window); pos <= 64<<20; pos += window {
			h := g.pass(pos, pos, tt.cached(pos-window))
			if h.Count == 0 {
				continue
			}
			if h.Count != 1 || h.Off < pos || h.Off < end || h.Len <= 0 || h.Off+h.Len > pos+gapBytes {
				t.Errorf("%s: at %d it asks for %+v, after having asked up to %d", tt.what, pos, h, end)
			}
			asked, end = asked+h.Len, h.Off+h.Len
		}
		if (asked > 0) != tt.asks || tt.asks && asked < 56<<20 {
			t.Errorf("%s: asks for %d bytes", tt.what, asked)
		}
	}
}

// Who has read little has not much asked for, and who is elsewhere begins anew.
func TestGapsAreFilledForThoseWhoStay(t *testing.T) {
	var g gaps
	g.find(0.5)
	for i := range int64(8) {
		if h := g.pass(i<<20, i<<16, i%2 == 0); h.Len > i<<16 {
			t.Errorf("after %d bytes it asks for %d", i<<16, h.Len)
		}
	}
	if h := g.pass(100<<20, 1<<30, false); h.Count != 0 || g.flips != 0 {
		t.Errorf("far away it asks for %+v, after %d turns", h, g.flips)
	}
	if h := g.pass(0, 1<<30, false); h.Count != 0 {
		t.Errorf("far back it asks for %+v", h)
	}
}
