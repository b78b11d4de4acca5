package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// account with the counts.
func accountOf(breaks int64, of map[count]int64) *account {
	a := &account{Freezes: true, Guard: guard{Breaks: breaks, FrozenBreaks: breaks / 2}, Attacks: newReport()}
	for c, n := range of {
		a.Counts[c] = n
	}
	return a
}

func TestJudgement(t *testing.T) {
	good := map[count]int64{guarded: 5, frozen: 2, guardedChecks: 9, frozenChecks: 1}
	for _, test := range []struct {
		breaks int64
		of     map[count]int64
		err    error
		source string
		want   string // "": nothing is wrong
	}{
		{3, good, nil, "mmap", ""},
		{0, map[count]int64{privateChecks: 1}, nil, "pread", ""},
		{3, good, &crashError{errors.New("exit status 2"), ""}, "mmap", "process died"},
		{0, good, nil, "mmap", "no lease broke"},
		{1, good, nil, "mmap", "while a window was held"},
		{3, map[count]int64{guarded: 1}, nil, "mmap", "frozen in place"},
		{3, map[count]int64{guarded: 1, frozen: 1, guardedChecks: 1}, nil, "mmap", "after it had been frozen"},
		{3, map[count]int64{privateChecks: 9}, nil, "mmap", "no window was guarded"},
		{3, map[count]int64{guarded: 5, frozen: 2, changed: 1}, nil, "mmap", "changed: 1"},
		{0, map[count]int64{faults: 1}, nil, "pread", "faults: 1"},
		{0, map[count]int64{misplacement: 1}, nil, "pread", "misplaced: 1"},
		{0, map[count]int64{misdescribed: 1}, nil, "pread", "misdescribed: 1"},
		{0, map[count]int64{unexpected: 1}, nil, "pread", "unexpected: 1"},
	} {
		r := &record{}
		a := accountOf(test.breaks, test.of)
		if test.err != nil {
			a = nil
		}
		r.judge(&plan{Name: "ext4", Source: test.source}, a, test.err)
		if (test.want == "") != (len(r.Problems) == 0) || !strings.Contains(strings.Join(r.Problems, "\n"), test.want) {
			t.Errorf("%+v: %q", test, r.Problems)
		}
		if want := exitBroken; len(r.Problems) > 0 && r.status() != want || len(r.Problems) == 0 && r.status() != exitFine {
			t.Errorf("%+v: status %d", test, r.status())
		}
	}
	r := &record{}
	a := accountOf(3, good)
	a.Findings = []string{"an attacker did not come back"}
	r.judge(&plan{Name: "ext4", Source: "mmap"}, a, nil)
	if len(r.Problems) != 1 {
		t.Errorf("a finding is no problem: %q", r.Problems)
	}
}

// times are so many calls that take d each.
func times(n int, d time.Duration) (waits []time.Duration) {
	for range n {
		waits = append(waits, d)
	}
	return waits
}

// TestWritersBoundsAreJudged: calls of other processes that met a lease decide,
// and no others. Few of them are judged by the worst only.
func TestWritersBoundsAreJudged(t *testing.T) {
	const enough = leastForP99
	slow := 110 * time.Millisecond
	for _, test := range []struct {
		name  string
		waits []time.Duration
		want  string
	}{
		{metLease, append(times(enough, time.Millisecond), times(enough, 90*time.Millisecond)...), ""},
		{metLease, append(times(enough, time.Millisecond), times(enough/100, slow)...), ""},
		{metLease, append(times(enough, time.Millisecond), times(enough/100+1, slow)...), "99th percentile"},
		{metLease, times(enough, slow), "99th percentile"},
		{metLease, times(enough-1, slow), ""},
		{metLease, []time.Duration{time.Second}, "a call that met a lease took 1 s"},
		{metLease, append(times(enough, time.Millisecond), time.Second), "a call that met a lease took 1 s"},
		{"open", times(enough, time.Second), ""},
		{insidePrefix + metLease, times(enough, time.Second), ""},
	} {
		a := attacked(test.name, test.waits)
		r := &record{}
		p := &plan{Name: "ext4", Source: "mmap", WaitP99: 100 * time.Millisecond, WaitWorst: 500 * time.Millisecond}
		r.judge(p, a, nil)
		what := fmt.Sprintf("%d calls, %s", len(test.waits), test.name)
		if (test.want == "") != (len(r.Problems) == 0) || !strings.Contains(strings.Join(r.Problems, "\n"), test.want) {
			t.Errorf("%s: %q, want %q", what, r.Problems, test.want)
		}
		p.WaitP99, p.WaitWorst, r.Problems = 0, 0, nil
		if r.judge(p, a, nil); len(r.Problems) > 0 {
			t.Errorf("%s without bounds: %q", what, r.Problems)
		}
	}
	for short, want := range map[bool]time.Duration{false: boundWorst, true: shortWorst} {
		c := &campaign{options: &options{short: short}}
		if p := c.planFor("", "", 0, 0); p.WaitWorst != want {
			t.Errorf("-short=%v: a call may take %v", short, p.WaitWorst)
		}
	}
}

// attacked is an account with nothing wrong but what calls of a kind took.
func attacked(name string, waits []time.Duration) *account {
	a := accountOf(3, map[count]int64{guarded: 5, frozen: 2, guardedChecks: 9, frozenChecks: 1})
	for _, d := range waits {
		a.Attacks.Waits.add(name, d)
	}
	return a
}

// TestFewCallsAreJudgedTogether: stages with too few calls for a percentile have
// one together, and those with enough are not in it.
func TestFewCallsAreJudgedTogether(t *testing.T) {
	const bound, slow, fine = 100 * time.Millisecond, 110 * time.Millisecond, time.Millisecond
	for _, test := range []struct {
		stages [][]time.Duration
		want   int
	}{
		{[][]time.Duration{times(leastForP99-1, slow)}, 0},
		{[][]time.Duration{times(leastForP99-1, slow), times(1, slow)}, 1},
		{[][]time.Duration{times(leastForP99-1, fine), times(20, slow)}, 1},
		{[][]time.Duration{times(leastForP99-1, fine), times(4, slow)}, 0},
		{[][]time.Duration{times(100*leastForP99, fine), times(20, slow)}, 0},
		{[][]time.Duration{times(leastForP99, slow), times(20, fine)}, 1}, // by itself
	} {
		r := &record{}
		for _, waits := range test.stages {
			r.judge(&plan{Name: "ext4", Source: "mmap", WaitP99: bound}, attacked(metLease, waits), nil)
		}
		if r.judgeFew(bound); len(r.Problems) != test.want {
			t.Errorf("%d stages, the first of %d calls: %q, want %d problems", len(test.stages), len(test.stages[0]), r.Problems, test.want)
		}
	}
}

// TestRefusalsAreShown: a stage in which the system is to refuse to lock shows
// nothing if it never did.
func TestRefusalsAreShown(t *testing.T) {
	a := accountOf(3, map[count]int64{guarded: 5, frozen: 2, guardedChecks: 9, frozenChecks: 1})
	p := &plan{Name: "ext4", Source: "mmap", MemlockBytes: 1}
	for refused, want := range map[int64]int{0: 1, 1: 0} {
		r := &record{}
		a.Guard.LockRefused = refused
		if r.judge(p, a, nil); len(r.Problems) != want {
			t.Errorf("refused %d times: %q", refused, r.Problems)
		}
	}
}

// TestTooLittleIsFound: what is asked for is counted of guarded windows.
func TestTooLittleIsFound(t *testing.T) {
	for _, test := range []struct {
		checks, breaks int64
		want           int
	}{{9, 3, 0}, {10, 3, 1}, {9, 4, 1}} {
		a := accountOf(2, map[count]int64{guardedChecks: 4, privateChecks: 99})
		b := accountOf(1, map[count]int64{guardedChecks: 5, privateChecks: 99})
		c := &campaign{
			options: &options{checks: test.checks, breaks: test.breaks},
			record:  &record{Places: []*placeRecord{{Account: a, Ordinary: b}}},
		}
		if c.enough(); len(c.record.Problems) != test.want {
			t.Errorf("%+v: %q", test, c.record.Problems)
		}
	}
}

func TestControlIsJudged(t *testing.T) {
	of := func(breaks int64, of map[count]int64) *account {
		a := accountOf(breaks, of)
		a.Freezes = false
		return a
	}
	both := map[count]int64{guarded: 1, changed: 1, guardedChanged: 1, faults: 1, guardedFaults: 1}
	found := of(1, both)
	for _, test := range []struct {
		a    *account
		err  error
		want string
	}{
		{found, nil, ""},
		{nil, &crashError{errors.New("exit status 2"), "[signal SIGBUS: bus error"}, "died: exit status 2"},
		{of(1, map[count]int64{guarded: 1}), nil, "no window that changed"},
		{of(1, map[count]int64{guarded: 1, changed: 1, faults: 1, guardedFaults: 1}), nil, "no window that changed"},
		{of(1, map[count]int64{guarded: 1, changed: 1, guardedChanged: 1, faults: 1}), nil, "no window that faulted"},
		{of(0, both), nil, "no lease"},
		{of(1, nil), nil, "guarded"},
		{accountOf(1, both), nil, "freezes"},
		{nil, &crashError{errors.New("exit status 2"), "panic: something"}, "exit status 2"},
		{nil, errors.New("does not start"), "does not start"},
		{found, &crashError{errors.New("exit status 66"), "WARNING: DATA RACE"}, ""}, // judged elsewhere
		{found, &crashError{errors.New("exit status 2"), "fatal error"}, "exit status 2"},
	} {
		if c := judgeControl(test.a, test.err); (test.want == "") != (c.Problem == "") || !strings.Contains(c.Problem, test.want) {
			t.Errorf("%+v: %q, want %q", test, c.Problem, test.want)
		}
	}
}

func TestStageEnds(t *testing.T) {
	p := &plan{Least: time.Second, Breaks: 10, Checks: 20, Limit: time.Minute}
	c := counts{}
	c[guardedChecks], c[privateChecks] = 20, 99
	for _, test := range []struct {
		elapsed time.Duration
		breaks  int64
		want    bool
	}{{0, 10, false}, {time.Second, 9, false}, {time.Second, 10, true}, {time.Minute, 0, true}} {
		if got := p.reached(test.elapsed, c, guard{Breaks: test.breaks}); got != test.want {
			t.Errorf("%+v: %v", test, got)
		}
	}
	p.Source = "mmap"
	g := guard{Breaks: 10}
	if p.reached(time.Second, c, g) {
		t.Error("a stage that has shown nothing of mappings ends")
	}
	g.FrozenBreaks, c[guarded], c[frozen], c[frozenChecks] = 1, 1, 1, 1
	if !p.reached(time.Second, c, g) {
		t.Error("a stage that has shown all does not end")
	}
	p.UntilBroken = true
	c[changed], c[faults] = 1, 1
	if c[guardedChanged] = 1; p.reached(time.Second, c, guard{Breaks: 99}) {
		t.Error("one kind of damage is enough")
	}
	if c[guardedFaults] = 1; !p.reached(0, c, guard{Breaks: 1}) || p.reached(0, c, guard{}) {
		t.Error("both kinds of damage are not enough, or no lease need break")
	}
}

func TestPage(t *testing.T) {
	a := accountOf(1234567, map[count]int64{guarded: 5, frozen: 2, checkedBytes: 1 << 30})
	a.Attacks.Waits.add("open", 3*time.Microsecond)
	a.Attacks.Waits.add(metLease, 700*time.Millisecond)
	r := &record{
		Command: []string{"-short=true"}, Problems: []string{"ext4: something"}, NoOrdinary: "nobody asked",
		Places: []*placeRecord{
			{FileSystem: "ext4", Account: a, Ordinary: accountOf(2, nil), Baseline: a, Control: &control{Problem: "found nothing"}},
			{FileSystem: "xfs", Unavailable: "no tools"},
		},
	}
	var b strings.Builder
	r.page(&b)
	for _, want := range []string{
		"BROKEN", "* ext4: something\n", "| ext4 | 0 | 1,234,567 | 617,283 |", "| xfs | left out |", " 1.0 |",
		"| ext4, ordinary user | 0 | 2 | 1 |", "| together |  | 1,234,569 | 617,284 |", "ext4, of an ordinary user", "nobody asked",
		"NO CONTROL: found nothing", "| open | 1 | 3 µs | 3 µs | 3 µs | 3 µs |", "| 700 ms |", "FALLS SHORT",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("there is no %q in\n%s", want, b.String())
		}
	}
	for line := range strings.Lines(b.String()) {
		if strings.Contains(line, "left out") && strings.Count(line, "|") != 19 {
			t.Errorf("%d cells: %s", strings.Count(line, "|"), line)
		}
	}
}

func TestSizes(t *testing.T) {
	for v, want := range map[string]int64{"0": 0, "1": 1, "4KiB": 4 << 10, "256MiB": 256 << 20, "4GiB": 4 << 30} {
		var s bytesFlag
		if err := s.Set(v); err != nil || int64(s) != want || s.String() != v {
			t.Errorf("%s: %d, %q, %v", v, s, s.String(), err)
		}
	}
	for _, v := range []string{"", "x", "-1", "1 GiB", "1TB", "9999999999GiB"} {
		var s bytesFlag
		if err := s.Set(v); err == nil {
			t.Errorf("%q is %d", v, s)
		}
	}
}

func TestOperationsAreMeasured(t *testing.T) {
	p := &plan{Dir: t.TempDir(), FileBytes: fileSizes(2, 1<<20, 2<<20), Pace: time.Microsecond}
	a := newAttacker(p.siege(1, 1))
	for i := range p.FileBytes {
		if err := a.create(i); err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	for _, o := range operations() {
		names = append(names, o.name)
		for i := range p.FileBytes {
			if err := o.run(a, i); err != nil {
				t.Errorf("%s: %v", o.name, err)
			}
		}
		if h := a.report.Waits[o.name]; h == nil || h.Count < 2 {
			t.Errorf("%s is not measured", o.name)
		}
	}
	for name := range a.report.Waits {
		if !slices.Contains(names, name) {
			t.Errorf("%s is measured and no operation", name)
		}
	}
}
