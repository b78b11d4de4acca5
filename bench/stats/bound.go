package stats

import "fmt"

// A Bound is a claim about a figure.
type Bound struct {
	AtLeast bool    `json:"atLeast"` // else at most
	Limit   float64 `json:"limit"`
}

// AtLeast claims that a figure is limit or more.
func AtLeast(limit float64) *Bound { return &Bound{true, limit} }

// AtMost claims that a figure is limit or less.
func AtMost(limit float64) *Bound { return &Bound{false, limit} }

func (b Bound) String() string {
	if b.AtLeast {
		return fmt.Sprintf("≥ %.4g", b.Limit)
	}
	return fmt.Sprintf("≤ %.4g", b.Limit)
}

// A Verdict says what became of a claim.
type Verdict string

const (
	Holds      Verdict = "holds"       // the whole interval is on the right side
	FallsShort Verdict = "FALLS SHORT" // the whole interval is on the wrong side
	Undecided  Verdict = "undecided"   // neither, or the run was too noisy to say that it holds
)

// Judge returns the verdict about a figure that lies in i. calm says that a way
// compared with itself covered 1: where it did not, no claim holds. It falls
// short all the same, so that noise never hides a loss.
func (b Bound) Judge(i Interval, calm bool) Verdict {
	low, high, limit := i.Low, i.High, b.Limit
	if !b.AtLeast {
		low, high, limit = -i.High, -i.Low, -b.Limit
	}
	switch {
	case low >= limit && calm:
		return Holds
	case high < limit:
		return FallsShort
	}
	return Undecided // also what is NaN
}

// JudgeAll returns the verdict about a figure that every one of values has to
// keep, such as peak memory or a count. No values keep nothing.
func (b Bound) JudgeAll(values []float64) Verdict {
	if len(values) == 0 {
		return Undecided
	}
	for _, v := range values {
		if b.AtLeast && !(v >= b.Limit) || !b.AtLeast && !(v <= b.Limit) {
			return FallsShort
		}
	}
	return Holds
}
