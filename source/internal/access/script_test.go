package access

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write what is got into the scripts as what is wanted")

// The scripts in testdata have one line for each step, then a bar and the state
// that is wanted after it, which go test -rewrite fills in. "xN" at the end of
// a step repeats it. Sizes are in bytes, or in K, M, G, or in W for windows.
//
//	limits window=1M max=16M declared=random
//	next EVENT          the next window is handed out; then Depth is filled
//	noted N             the caller had N bytes itself
//	read OFF LEN EVENT  a read anywhere
//	by DIFF LEN EVENT   a read that begins DIFF after the beginning of the last
//	seek OFF            what is ahead is thrown away and the session moved
//	skip N              the same, by N from where it is
//	fetched N, waste N  as they stand
//
// The state of an Ahead, in windows where no unit is given:
//
//	ORDER STRIDE depth D ahead A wasted X of N hint COUNT×LEN@OFF+STRIDE
//
// N is all that was fetched: what was waited for and what was ahead. What is zero
// is left out. Of repeated steps all hints are listed.
type script struct {
	limits  Limits
	a       Ahead
	s       *Streams // if it is a script about these
	pos     int64
	last    int64 // beginning of the last read
	ahead   int64
	fetched int64
	wasted  int64
	hints   []Hint
	check   func(*script)
}

// errStep is wrapped by what is wrong with a step.
var errStep = errors.New("not a step")

func (sc *script) size(s string) (int64, error) {
	unit := int64(1)
	sign := int64(1)
	if rest, ok := strings.CutPrefix(s, "-"); ok {
		s, sign = rest, -1
	}
	if s != "" {
		switch s[len(s)-1] {
		case 'K':
			unit = 1 << 10
		case 'M':
			unit = 1 << 20
		case 'G':
			unit = 1 << 30
		case 'W':
			unit = sc.limits.WindowBytes
		}
		if unit != 1 {
			s = s[:len(s)-1]
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errStep, err)
	}
	return sign * n * unit, nil
}

func parseEvent(s string) (Event, error) {
	switch s {
	case "hit":
		return Hit, nil
	case "waited":
		return Waited, nil
	case "arrived":
		return Arrived, nil
	case "noted":
		return Noted, nil
	}
	return 0, fmt.Errorf("%w: event %q", errStep, s)
}

func (sc *script) set(args []string) error {
	var l Limits
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		var err error
		switch name {
		case "window":
			l.WindowBytes, err = sc.size(value)
			sc.limits.WindowBytes = l.WindowBytes
		case "max":
			l.MaxBytes, err = sc.size(value)
		case "declared":
			for o := Unknown; o <= Random; o++ {
				if o.String() == value {
					l.Declared = o
				}
			}
		default:
			err = fmt.Errorf("%w: %q", errStep, name)
		}
		if err != nil {
			return err
		}
	}
	sc.limits = l
	sc.a.Set(l)
	if sc.s != nil {
		sc.s.Set(l)
	}
	return nil
}

// hand hands out the n bytes at off and then reads ahead.
func (sc *script) hand(off, n int64, e Event, fill bool) {
	sc.last, sc.pos = off, off+n
	if sc.s != nil {
		sc.hints = append(sc.hints, sc.s.Read(off, n, e))
		return
	}
	sc.a.Read(off, n, e)
	sc.hints = append(sc.hints, sc.a.Hint())
	if e == Waited && sc.ahead == 0 {
		sc.fetched += n
	}
	if e != Noted && fill {
		sc.ahead -= min(sc.ahead, n)
	}
	if w, depth := sc.limits.WindowBytes, sc.a.Depth(); fill && sc.ahead < depth {
		missing := (depth - sc.ahead - 1) / w
		sc.fetch((missing + 1) * w)
	}
}

func (sc *script) fetch(n int64) {
	sc.a.Fetched(n)
	sc.ahead += max(0, n)
	sc.fetched += max(0, n)
}

func (sc *script) waste(n int64) {
	sc.a.Waste(n)
	n = max(0, min(n, sc.ahead))
	sc.ahead -= n
	sc.wasted += n
}

// do takes one step, without repetition.
func (sc *script) do(fields []string) error {
	op, args := fields[0], fields[1:]
	if op == "limits" {
		return sc.set(args)
	}
	var e Event
	sizes := args
	switch op {
	case "next", "read", "by":
		if len(args) == 0 {
			return fmt.Errorf("%w: no event", errStep)
		}
		var err error
		if e, err = parseEvent(args[len(args)-1]); err != nil {
			return err
		}
		sizes = args[:len(args)-1]
	}
	var n [2]int64
	want := map[string]int{"next": 0, "read": 2, "by": 2, "noted": 1, "seek": 1, "skip": 1, "fetched": 1, "waste": 1}
	if count, ok := want[op]; !ok || len(sizes) != count {
		return fmt.Errorf("%w: %q", errStep, fields)
	}
	for i, s := range sizes {
		var err error
		if n[i], err = sc.size(s); err != nil {
			return err
		}
	}
	switch op {
	case "next":
		sc.hand(sc.pos, sc.limits.WindowBytes, e, true)
	case "read":
		sc.hand(n[0], n[1], e, false)
	case "by":
		sc.hand(sc.last+n[0], n[1], e, false)
	case "noted":
		sc.hand(sc.pos, n[0], Noted, true)
	case "seek", "skip":
		to := n[0]
		if op == "skip" {
			to += sc.pos
		}
		sc.waste(sc.ahead)
		sc.a.Jump(to)
		sc.pos = to
	case "fetched":
		sc.fetch(n[0])
	case "waste":
		sc.waste(n[0])
	}
	return nil
}

// mostRepeats keeps a fuzzed script short.
const mostRepeats = 1000

// step takes the step that a line says, as often as it says.
func (sc *script) step(line string) error {
	fields := strings.Fields(line)
	times := 1
	if n := len(fields); n > 1 && fields[n-1][0] == 'x' {
		var err error
		if times, err = strconv.Atoi(fields[n-1][1:]); err != nil || times > mostRepeats {
			return fmt.Errorf("%w: %q", errStep, fields[n-1])
		}
		fields = fields[:n-1]
	}
	for range times {
		if err := sc.do(fields); err != nil {
			return err
		}
		if sc.check != nil {
			sc.check(sc)
		}
	}
	return nil
}

// state takes the hints with it.
func (sc *script) state() string {
	var b strings.Builder
	o, stride := sc.a.Order(), sc.a.Stride()
	if sc.s != nil {
		o = sc.s.Order()
	}
	b.WriteString(o.String())
	if stride != 0 {
		fmt.Fprintf(&b, " %s", human(stride))
	}
	for _, x := range []struct {
		name string
		n    int64
	}{{"depth", sc.a.Depth()}, {"ahead", sc.ahead}, {"wasted", sc.wasted}} {
		if x.n != 0 {
			fmt.Fprintf(&b, " %s %s", x.name, sc.windows(x.n))
		}
	}
	if sc.wasted != 0 {
		fmt.Fprintf(&b, " of %s", sc.windows(sc.fetched))
	}
	for _, h := range sc.hints {
		switch {
		case h.Count == 1:
			fmt.Fprintf(&b, " hint %s@%s", human(h.Len), human(h.Off))
		case h.Count > 1:
			fmt.Fprintf(&b, " hint %d×%s@%s%s", h.Count, human(h.Len), human(h.Off), signed(h.Stride))
		}
	}
	sc.hints = sc.hints[:0]
	return b.String()
}

func (sc *script) windows(n int64) string {
	if w := sc.limits.WindowBytes; w > 0 && n%w == 0 {
		return strconv.FormatInt(n/w, 10)
	}
	return human(n)
}

func signed(n int64) string {
	if n > 0 {
		return "+" + human(n)
	}
	return human(n)
}

func human(n int64) string {
	switch {
	case n == 0:
	case n%(1<<30) == 0:
		return strconv.FormatInt(n>>30, 10) + "G"
	case n%(1<<20) == 0:
		return strconv.FormatInt(n>>20, 10) + "M"
	case n%(1<<10) == 0:
		return strconv.FormatInt(n>>10, 10) + "K"
	}
	return strconv.FormatInt(n, 10)
}

// run runs the text and returns it with the states that were got.
func (sc *script) run(text string) (string, error) {
	var out strings.Builder
	for i, line := range strings.SplitAfter(text, "\n") {
		op, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "|")
		op = strings.TrimSpace(op)
		switch {
		case op == "new":
			check, streams := sc.check, sc.s != nil
			*sc = script{check: check}
			if streams {
				sc.s = new(Streams)
			}
			out.WriteString(line)
		case op == "" || op[0] == '#':
			out.WriteString(line)
		default:
			if err := sc.step(op); err != nil {
				return "", fmt.Errorf("line %d: %w", i+1, err)
			}
			fmt.Fprintf(&out, "%-27s | %s\n", op, sc.state())
		}
	}
	return out.String(), nil
}

func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.ToSlash(name), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var sc script
			if filepath.Base(filepath.Dir(name)) == "streams" {
				sc.s = new(Streams)
			}
			sc.check = func(sc *script) { sc.holds(t) }
			got, err := sc.run(string(text))
			if err != nil {
				t.Fatal(err)
			}
			if got == string(text) {
				return
			}
			if *rewrite {
				if err := os.WriteFile(name, []byte(got), 0o666); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, have := strings.Split(string(text), "\n"), strings.Split(got, "\n")
			for i := range want {
				if want[i] != have[i] {
					t.Errorf("line %d:\n got %s\nwant %s", i+1, have[i], want[i])
				}
			}
		})
	}
}
