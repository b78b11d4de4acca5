package report

import (
	"encoding/json"
	"io"
	"time"

	"github.com/oriel-go/oriel/bench/machine"
	"github.com/oriel-go/oriel/bench/measure"
	"github.com/oriel-go/oriel/bench/stats"
)

// A Run is everything that one call of the command measured.
type Run struct {
	Schema      int               `json:"schema"` // 1
	Began       time.Time         `json:"began"`
	Seconds     float64           `json:"seconds"`
	Command     []string          `json:"command"` // flags and workloads
	Machine     machine.Facts     `json:"machine"`
	Experiments []*measure.Report `json:"experiments"`
	Regret      *measure.Regret   `json:"regret,omitempty"` // of the cells among them
}

// WriteJSON writes the run with all samples.
func (r *Run) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(r)
}

// Count returns how many claims came to each verdict, and how many experiments
// could not be measured.
func (r *Run) Count() (verdicts map[stats.Verdict]int, errors int) {
	verdicts = map[stats.Verdict]int{}
	for _, e := range r.Experiments {
		if e.Error != "" {
			errors++
		}
		for _, s := range e.Contests {
			if s.Bound != nil {
				verdicts[s.Verdict]++
			}
			if s.CPUBound != nil {
				verdicts[s.CPUVerdict]++
			}
		}
		for _, l := range e.Limits {
			if l.Bound != nil {
				verdicts[l.Verdict]++
			}
		}
	}
	if r.Regret != nil {
		verdicts[r.Regret.Verdict]++
	}
	return verdicts, errors
}
