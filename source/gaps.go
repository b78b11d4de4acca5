package source

import "github.com/oriel-go/oriel/source/internal/access"

// A gaps is what is known of gaps in the page cache ahead of a Reader by pread. The
// kernel's own read-ahead starts anew behind every piece that is cached: with every
// other MiB cached, reading took as long as with nothing (bench regret). So the
// kernel is asked for what is missing before the Reader comes to it.
type gaps struct {
	some    bool  // the file was cached in part before it was read
	cached  bool  // whether the last window was
	flips   int   // how often that changed lately
	flipped int64 // where it did last
	asked   int64 // up to where the kernel was asked
}

// gapBytes is how far ahead of a Reader gaps are filled, and how far they may be
// apart. Filling begins when what is cached and what is not have taken turns
// manyFlips times, in a file of which at least so much was cached, and as much was
// not.
const (
	gapBytes  = 4 << 20
	manyFlips = 3
	gapShare  = 0.25
)

// find takes in how much of a file was cached.
func (g *gaps) find(share float64) { g.some = share >= gapShare && share <= 1-gapShare }

// pass takes in that a Reader has come to pos, after it has read so many bytes in a
// row, the last of which were cached or not. It returns what is to be asked for,
// which is nothing mostly.
func (g *gaps) pass(pos, read int64, cached bool) (h access.Hint) {
	if !g.some {
		return h
	}
	if cached != g.cached {
		g.cached, g.flips, g.flipped = cached, g.flips+1, pos
	}
	if d := pos - g.flipped; d > gapBytes || d < 0 {
		g.flips = 0 // it is of one kind now, or elsewhere
	}
	if g.flips < manyFlips {
		return h
	}
	ahead := min(gapBytes, read) // who leaves early has not asked for much
	from := max(g.asked, pos)
	if to := pos + ahead; to-from >= ahead/2 {
		g.asked = to
		h = access.Hint{Off: from, Len: to - from, Count: 1}
	}
	return h
}
