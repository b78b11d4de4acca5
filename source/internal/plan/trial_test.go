package plan

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// scene is one case of testdata/trial.
type scene struct {
	where, name string
	session     session
	want        []string
}

// scenes reads a script.
func scenes(t testing.TB, name string) (all []*scene) {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var usual Facts
	var costs [Ways]float64
	lines := bufio.NewScanner(file)
	for n := 1; lines.Scan(); n++ {
		where := fmt.Sprintf("%s:%d", name, n)
		line, _, _ := strings.Cut(lines.Text(), "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		var s *scene
		if len(all) > 0 {
			s = all[len(all)-1]
		}
		err := error(nil)
		switch words[0] {
		case "usual":
			for _, w := range words[1:] {
				if _, err = set(&usual, &Ask{}, w); err != nil {
					break
				}
			}
		case "scene":
			s = &scene{where: where, name: strings.Join(words[1:], " ")}
			s.session.lies = usual
			all = append(all, s)
		case "said":
			err = s.said(words[1:])
		case "phase":
			if len(s.session.phases) == 0 {
				costs = [Ways]float64{}
			}
			err = s.phase(words[1:], usual, &costs)
		case "want":
			s.want = append(s.want, words[1:]...)
		default:
			err = fmt.Errorf("what is %q?", words[0])
		}
		if err != nil {
			t.Fatalf("%s: %v", where, err)
		}
	}
	return all
}

// said reads what the plan is made of, and the session's terms.
func (s *scene) said(words []string) (err error) {
	for _, w := range words {
		name, value, _ := strings.Cut(w, "=")
		switch name {
		case "consumer":
			s.session.consumer, err = strconv.ParseFloat(value, 64)
		case "noise":
			s.session.noise, err = strconv.ParseFloat(value, 64)
		case "outliers":
			s.session.outliers, err = strconv.ParseFloat(value, 64)
		case "stubborn":
			s.session.stubborn = true
		default:
			var ok bool
			if ok, err = set(&s.session.lies, &s.session.ask, w); !ok {
				err = fmt.Errorf("what is %q?", w)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// phase reads a part of the file: its size, the costs, and the facts that are
// found there. Costs that are not written are those of the phase before.
func (s *scene) phase(words []string, facts Facts, costs *[Ways]float64) (err error) {
	ph := phase{facts: facts}
	ph.facts.SizeBytes = s.session.lies.SizeBytes
	if ph.bytes, err = parseBytes(words[0]); err != nil {
		return err
	}
	for _, w := range words[1:] {
		name, value, _ := strings.Cut(w, "=")
		way, isWay := wayWords[name]
		switch {
		case isWay:
			costs[way], err = strconv.ParseFloat(value, 64)
		case name == "waits":
			ph.waits, err = parseWays(value)
		case name == "fails":
			ph.fails, err = parseWays(value)
		default:
			var ok bool
			if ok, err = set(&ph.facts, &Ask{}, w); !ok {
				err = fmt.Errorf("what is %q?", w)
			}
		}
		if err != nil {
			return err
		}
	}
	ph.cost = *costs
	s.session.phases = append(s.session.phases, ph)
	return nil
}

// check compares an outcome with what a scene wants of it.
func (s *scene) check(o *outcome) error {
	for _, w := range s.want {
		name, value, _ := strings.Cut(w, "=")
		if name == "way" {
			if o.way != wayWords[value] {
				return fmt.Errorf("it ends with %v, want %s", o.way, value)
			}
			continue
		}
		most, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return err
		}
		got, ok := map[string]float64{
			"regret": o.regret(), "switches": float64(o.switches), "tries": float64(o.tries),
			"wrong": float64(o.wrong), "within": float64(o.wrongWindows), "surprises": float64(o.surprises),
		}[name]
		if !ok {
			return fmt.Errorf("what is %q?", name)
		}
		if got > most {
			return fmt.Errorf("%s is %.3g, want at most %s", name, got, value)
		}
	}
	return nil
}

// seeds is how many runs of a scene have to come out as it says.
const seeds = 20

// TestTrialScripts plays the scenes under testdata/trial.
func TestTrialScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/trial/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no scripts: %v", err)
	}
	for _, name := range files {
		for _, s := range scenes(t, name) {
			t.Run(s.name, func(t *testing.T) {
				for seed := range uint64(seeds) {
					s.session.seed = seed
					o := s.session.run()
					if seed == 0 {
						t.Logf("%d stretches, regret %.4f, %d switches, %d tries, %d surprises, %d windows wrong, ends with %v",
							o.stretches, o.regret(), o.switches, o.tries, o.surprises, o.wrongWindows, o.way)
					}
					if err := s.check(&o); err != nil {
						t.Fatalf("%s, seed %d: %v\n%s", s.where, seed, err, o.story())
					}
				}
			})
		}
	}
}

// story tells the switches of a session.
func (o *outcome) story() string {
	var b strings.Builder
	for _, s := range o.trail {
		fmt.Fprintf(&b, "%8s: %v -> %v: %v\n", size(s.Bytes), s.From, s.To, s.Reason)
	}
	return b.String()
}
