package plan

import (
	"math/rand/v2"
	"time"
)

// phase is a part of a file in which every way costs the same.
type phase struct {
	bytes int64
	cost  [Ways]float64 // ns per byte
	waits Set           // ways whose stretches wait there
	fails Set           // ways that do not serve there
	facts Facts         // what gathering the facts finds there
}

// session is a file that is read from front to back under a Trial, by a
// consumer that costs something too. Time is modelled.
type session struct {
	phases   []phase
	lies     Facts // what gathering the facts finds at the beginning
	stubborn bool  // gathering them again finds the same
	ask      Ask
	consumer float64 // ns per byte
	noise    float64 // a stretch's cost is off by so much at most, evenly
	outliers float64 // share of stretches that cost five times as much
	seed     uint64
}

// outcome is what a session came to.
type outcome struct {
	way       Way // by which it ended
	switches  int // those that were not only tried
	tries     int
	wrong     int // switches to a way that was dearer by more than is worthwhile
	stretches int
	surprises int
	spentNs   float64 // without noise, so that luck is not counted
	bestNs    float64 // by the best way of each phase, without any set-up
	// windows that were read, since a phase began, by ways that cost more than 1.1
	// times the best one, except in tries; the most of all phases
	wrongWindows int
	trail        []Switch
}

func (o *outcome) regret() float64 { return o.spentNs/o.bestNs - 1 }

const (
	outlierFactor = 5
	wrongFactor   = 1.1
)

// setup is what each way costs when it is begun.
var setup = [Ways]float64{Mmap: mapSetupNs, Direct: directSetupNs}

func (s *session) run() outcome {
	rng := rand.New(rand.NewPCG(s.seed, 1))
	var o outcome
	var t Trial
	p := Make(&s.lies, s.ask)
	t.Start(&p)
	trying := false
	fresh := true // the way has just begun
	for i := range s.phases {
		ph := &s.phases[i]
		best := ph.best(&p)
		wrong := 0
		for left := ph.bytes; left > 0; {
			way := t.Way()
			if ph.fails.Has(way) {
				sw, ok := t.Refuse(way, "it is gone")
				o.note(sw, ok, ph, &trying)
				fresh = true
				if t.Way() == way {
					break
				}
				continue
			}
			n := (t.StretchBytes()-1)/int64(p.Windows[way])*int64(p.Windows[way]) + int64(p.Windows[way])
			n = min(n, left)
			left -= n
			spent := float64(n) * (ph.cost[way] + s.consumer)
			if fresh {
				spent += setup[way]
			}
			o.stretches++
			o.spentNs += spent
			o.bestNs += float64(n) * (best + s.consumer)
			if ph.cost[way]+s.consumer > wrongFactor*(best+s.consumer) && !trying {
				wrong += int((n-1)/int64(p.Windows[way])) + 1
			}
			noisy := spent * (1 + s.noise*(2*rng.Float64()-1))
			if rng.Float64() < s.outliers {
				noisy *= outlierFactor
			}
			sw, ok := t.Note(n, time.Duration(noisy), ph.waits.Has(way))
			fresh = ok && sw.To != way
			o.note(sw, ok, ph, &trying)
			if t.Surprised() {
				o.surprises++
				f := &ph.facts
				if s.stubborn {
					f = &s.lies
				}
				p = Make(f, s.ask)
				t.Start(&p)
				best = ph.best(&p)
			}
		}
		o.wrongWindows = max(o.wrongWindows, wrong)
	}
	o.way = t.Way()
	return o
}

// best returns what the best way costs that is not refused.
func (ph *phase) best(p *Plan) float64 {
	least := 0.0
	for w := range Way(Ways) {
		if !p.Candidates[w].Refused && !ph.fails.Has(w) && (least == 0 || ph.cost[w] < least) {
			least = ph.cost[w]
		}
	}
	return least
}

func (o *outcome) note(s Switch, ok bool, ph *phase, trying *bool) {
	if !ok {
		return
	}
	o.trail = append(o.trail, s)
	switch {
	case s.Trying:
		o.tries++
		*trying = true
		return
	case *trying && s.From != s.To && s.Reason.code != reasonFaster: // the end of a try
	default:
		o.switches++
		if ph.cost[s.To] > ph.cost[s.From]*(1+worthwhile) {
			o.wrong++
		}
	}
	*trying = false
}
