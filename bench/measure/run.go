package measure

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/oriel-go/oriel/bench/pagecache"
	"github.com/oriel-go/oriel/bench/stats"
)

// Run runs the experiment. What could not be measured is in Report.Error; what
// was measured until then is in the report.
func (e *Experiment) Run() *Report {
	began := time.Now()
	r := &Report{Name: e.Name, About: e.About, Unit: e.Unit, Metric: e.Metric, Notes: e.Notes, Regret: e.Regret}
	if err := (&running{Experiment: e, report: r}).run(); err != nil {
		r.Error = err.Error()
	}
	r.Seconds = time.Since(began).Seconds()
	return r
}

// running is an experiment under way.
type running struct {
	*Experiment
	report   *Report
	contests []*match // those with the candidates for best come last
	itself   *match
	answered bool
	answer   uint64
}

// A match is a contest under way.
type match struct {
	a, b      *Way
	candidate bool
	score     Score
}

func newMatch(a, b *Way, bound, cpu *stats.Bound) *match {
	return &match{a: a, b: b, score: Score{
		A: Side{Name: a.Name, Amount: a.Amount},
		B: Side{Name: b.Name, Amount: b.Amount},

		Bound: bound, CPUBound: cpu,
	}}
}

func (r *running) run() (err error) {
	if r.Setup != nil {
		if err := r.Setup(); err != nil {
			return err
		}
	}
	if r.report.Before, err = r.look(); err != nil {
		return err
	}
	for i := range r.Contests {
		c := &r.Contests[i]
		r.contests = append(r.contests, newMatch(&c.A, &c.B, c.Bound, c.CPU))
	}
	if r.Best != nil {
		for i := range r.Best.Of {
			m := newMatch(&r.Best.A, &r.Best.Of[i], nil, nil)
			m.candidate = true
			r.contests = append(r.contests, m)
		}
	}
	matches := r.contests
	if r.Itself != nil {
		r.itself = newMatch(r.Itself, r.Itself, nil, nil)
		matches = append(slices.Clone(matches), r.itself)
	}
	for round := range r.Pairs {
		if round == hopelessRounds {
			r.giveUp()
		}
		if err := errors.Join(r.choose(round), r.play(matches, round)); err != nil {
			return err
		}
	}
	calm := r.judge()
	if err := r.measureLimits(calm); err != nil {
		return err
	}
	r.report.After, err = r.look()
	return err
}

// look returns the state of the file, if there is one.
func (r *running) look() (*pagecache.State, error) {
	if r.File == "" {
		return nil, nil
	}
	s, err := pagecache.Look(r.File)
	return &s, err
}

// choose runs every candidate once.
func (r *running) choose(round int) error {
	for i := range r.contests {
		m := r.contests[i]
		if round%2 == 1 {
			m = r.contests[len(r.contests)-1-i]
		}
		if !m.candidate || m.score.Hopeless {
			continue
		}
		if err := r.keep(); err != nil {
			return err
		}
		s, err := r.sample(m.b)
		if err != nil {
			return err
		}
		m.score.B.Chosen = append(m.score.B.Chosen, s)
	}
	return nil
}

// play runs one pair of every match, in the other order every other round.
func (r *running) play(matches []*match, round int) error {
	for i := range matches {
		m := matches[i]
		first, second := m.a, m.b
		if round%2 == 1 {
			m = matches[len(matches)-1-i]
			first, second = m.b, m.a
		}
		if m.score.Hopeless {
			continue
		}
		if err := r.keep(); err != nil {
			return err
		}
		s, err := r.sample(first)
		if err != nil {
			return err
		}
		t, err := r.sample(second)
		if err != nil {
			return err
		}
		if round%2 == 1 {
			s, t = t, s
		}
		m.score.A.Samples = append(m.score.A.Samples, s)
		m.score.B.Samples = append(m.score.B.Samples, t)
	}
	return nil
}

// keep keeps the state of the experiment.
func (r *running) keep() error {
	if r.Keep == nil {
		return nil
	}
	return r.Keep()
}

// sample runs a way once and checks what it computed.
func (r *running) sample(w *Way) (Sample, error) {
	s, o, err := w.sample()
	if err != nil {
		return s, err
	}
	if o.Unanswered {
		return s, nil
	}
	if !r.answered {
		r.answered, r.answer = true, o.Answer
	}
	if o.Answer != r.answer {
		return s, fmt.Errorf("%s: computed %d, the first way %d", w.Name, o.Answer, r.answer)
	}
	return s, nil
}

// judge compares what was played, and reports whether the A/A test covers 1.
func (r *running) judge() (calm bool) {
	if best := r.best(); best != nil {
		best.score.Best, best.score.Bound, best.score.CPUBound = true, r.Best.Bound, r.Best.CPU
	}
	calm, calmCPU := true, true
	if r.itself != nil {
		s := &r.itself.score
		s.compare(r.Metric)
		calm = s.Compared.Interval.Covers(1)
		if slices.ContainsFunc(r.contests, func(m *match) bool { return m.score.CPUBound != nil }) {
			s.compareCPU()
			calmCPU = s.CPU != nil && s.CPU.Interval.Covers(1)
		}
		r.report.Itself = s
	}
	for _, m := range r.contests {
		s := &m.score
		s.compare(r.Metric)
		if s.Bound != nil {
			s.Verdict = s.Bound.Judge(s.Compared.Interval, calm)
		}
		if s.CPUBound != nil {
			s.compareCPU()
			s.CPUVerdict = stats.Undecided
			if s.CPU != nil {
				s.CPUVerdict = s.CPUBound.Judge(s.CPU.Interval, calmCPU)
			}
		}
		r.report.Contests = append(r.report.Contests, *s)
	}
	return calm
}

// giveUp ends the candidates that are hopeless.
func (r *running) giveUp() {
	best := r.best()
	if best == nil || r.Best.Hopeless == 0 {
		return
	}
	most := r.Best.Hopeless * best.chosen()
	for _, m := range r.contests {
		if m.candidate && m.chosen() > most {
			m.score.Hopeless = true
			r.report.Notes = append(r.report.Notes, fmt.Sprintf("%s was given up after %d rounds: it took %.1f times as long as %s",
				m.b.Name, hopelessRounds, m.chosen()/best.chosen(), best.b.Name))
		}
	}
}

// chosen returns the median time for one unit in the runs that choose.
func (m *match) chosen() float64 {
	return stats.Median(perUnit(m.score.B.Chosen, m.b.Amount, wallTime))
}

// best returns the match with the fastest candidate of the choosing runs.
func (r *running) best() (best *match) {
	fastest := 0.0
	for _, m := range r.contests {
		if !m.candidate || m.score.Hopeless {
			continue
		}
		s := m.chosen()
		if best == nil || s < fastest {
			best, fastest = m, s
		}
	}
	return best
}

func (s *Score) compare(by Metric) {
	a, b := s.A.perUnit(wallTime), s.B.perUnit(wallTime)
	if by == Speed { // of A is the time of B over that of A
		a, b = b, a
	}
	s.Compared = stats.Compare(a, b)
}

// compareCPU compares CPU times, of which there have to be some.
func (s *Score) compareCPU() {
	a, b := s.A.perUnit(cpuTime), s.B.perUnit(cpuTime)
	if slices.Min(append(slices.Clone(a), b...)) > 0 {
		c := stats.Compare(a, b)
		s.CPU = &c
	}
}

// measureLimits says what is to be said of one way alone.
func (r *running) measureLimits(calm bool) error {
	for i := range r.Limits {
		l := &r.Limits[i]
		values, err := r.values(l)
		if err != nil {
			return fmt.Errorf("%s: %w", l.Name, err)
		}
		k := Kept{Name: l.Name, Unit: l.Unit, Every: l.Every, Bound: l.Bound, Values: values}
		k.Median, k.Interval = stats.Estimate(k.Values)
		switch {
		case l.Bound == nil:
		case l.Every:
			k.Verdict = l.Bound.JudgeAll(k.Values)
		default:
			k.Verdict = l.Bound.Judge(k.Interval, calm)
		}
		r.report.Limits = append(r.report.Limits, k)
	}
	return nil
}

// values measures what a limit is on, or finds it in what was played.
func (r *running) values(l *Limit) (values []float64, err error) {
	if l.Measure != nil {
		for range l.Runs {
			v, err := l.Measure()
			if err != nil {
				return nil, err
			}
			values = append(values, v)
		}
		return values, nil
	}
	matches := r.contests
	if r.itself != nil {
		matches = append(slices.Clone(matches), r.itself)
	}
	for _, m := range matches {
		for _, s := range []*Side{&m.score.A, &m.score.B} {
			if s.Name != l.Way {
				continue
			}
			for _, x := range s.Samples {
				values = append(values, l.Figure(x))
			}
		}
	}
	if len(values) == 0 {
		return nil, fmt.Errorf("no contest has a way %q", l.Way)
	}
	return values, nil
}
