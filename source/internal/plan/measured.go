package plan

import (
	"math"
	"slices"
	"time"
)

// How measurements are kept and compared.
const (
	keptStretches = 32 // of each way: enough for the noise of one to be a sixth of that in their middle
	// So many stretches in a row that are all dearer, or all cheaper, are a change:
	// if one in 20 is far off, that happens by chance once in 160,000.
	recentStretches = 4
	// After so many stretches what the present way costs is worked out anew.
	rebaseStretches = 8
	// The noise that is assumed of a way before there are enough stretches to
	// tell, and the least that is ever believed.
	assumedNoise = 0.10
	leastNoise   = 0.01
	noiseAfter   = 4 // stretches
	// The median deviation of normally distributed values is their standard
	// deviation by this.
	deviations = 1.4826
	// The middle of n values scatters by about this much more than their mean.
	middleScatter = 1.1
)

// measured is what reading by one way has cost, in nanoseconds per byte.
type measured struct {
	costs [keptStretches]float64 // a ring of the latest stretches since the last change
	n     int                    // how many there are
	next  int                    // where the next goes
	last  float64                // the middle when the way was last left or lost its stretches; 0: never measured

	bytes int64 // all that was read by it
	took  time.Duration

	left int64 // the stretch of the session at which it was left
	gap  int64 // stretches that must pass until it is tried again; 0: it was never left
}

func (m *measured) push(cost float64) {
	m.costs[m.next] = cost
	m.next = (m.next + 1) % keptStretches
	m.n = min(m.n+1, keptStretches)
}

// total counts a stretch for Measured.
func (m *measured) total(bytes int64, took time.Duration) {
	m.bytes += min(bytes, math.MaxInt64-m.bytes)
	m.took += min(took, math.MaxInt64-m.took)
}

// latest copies the latest k costs to p, oldest last, and returns how many there
// are.
func (m *measured) latest(p []float64) int {
	k := min(len(p), m.n)
	for i := range k {
		p[i] = m.costs[(m.next-1-i+keptStretches)%keptStretches]
	}
	return k
}

// recent returns the least, the middle and the most of what the way costs now.
func (m *measured) recent() (least, typical, most float64) {
	var p [recentStretches]float64
	k := m.latest(p[:])
	typical = middle(p[:k])
	if k > 0 {
		least, most = p[0], p[k-1]
	}
	return least, typical, most
}

// typical returns what the way has cost since the last change, and the relative
// noise of that.
func (m *measured) typical() (cost, noise float64) {
	var p [keptStretches]float64
	k := m.latest(p[:])
	cost = middle(p[:k])
	if k < noiseAfter || cost == 0 {
		return cost, assumedNoise
	}
	for i := range k {
		p[i] = math.Abs(p[i] - cost)
	}
	slices.Sort(p[:k])
	return cost, max(leastNoise, deviations*p[k/2]/cost)
}

// forget drops all but the latest k stretches.
func (m *measured) forget(k int) {
	if m.n > 0 {
		m.last, _ = m.typical()
	}
	m.n = min(m.n, k)
}

// middle sorts p and returns the mean of its middle half: as deaf to values that
// are far off as the median, and steadier.
func middle(p []float64) float64 {
	if len(p) == 0 {
		return 0
	}
	slices.Sort(p)
	cut := len(p) / 4
	if len(p) < noiseAfter {
		cut = (len(p) - 1) / 2
	}
	sum := 0.0
	for _, v := range p[cut : len(p)-cut] {
		sum += v
	}
	return sum / float64(len(p)-2*cut)
}

// gain is by how much one way costs less than another, relative to the other,
// and how far off that may be.
type gain struct {
	by, error float64
	n         int // stretches that it is known from
}

// against compares two ways.
func (m *measured) against(other *measured) gain {
	a, noiseA := m.typical()
	b, noiseB := other.typical()
	if b <= 0 || m.n == 0 {
		return gain{}
	}
	noise := max(noiseA, noiseB)
	if m.n < noiseAfter && other.n >= noiseAfter {
		noise = noiseB
	}
	return gain{
		by:    (b - a) / b,
		error: middleScatter * noise * math.Sqrt(1/float64(m.n)+1/float64(other.n)),
		n:     m.n,
	}
}
