package main

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/oriel-go/oriel/bench/child"
	"github.com/oriel-go/oriel/bench/pagecache"
	"github.com/oriel-go/oriel/bench/readers"
)

func TestMain(m *testing.M) {
	child.Serve(readers.Tasks())
	// A program with the race detector sleeps for a second before it exits.
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	os.Exit(m.Run())
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{
		{"-nothing"}, {"argument"}, {"-rounds=0"}, {"-size=1MiB"}, {"-size=33MiB"}, {"-size=x"},
	} {
		var out, errs strings.Builder
		if status := run(args, &out, &errs); status != exitUsage || errs.Len() == 0 {
			t.Errorf("%v: status %d, %q", args, status, errs.String())
		}
	}
	var out, errs strings.Builder
	if status := run([]string{"-help"}, &out, &errs); status != exitFine || !strings.Contains(errs.String(), "-table") {
		t.Errorf("-help: status %d, %q", status, errs.String())
	}
}

// dir returns a folder beside the package, because the temporary one is often a
// tmpfs, of which nothing can be evicted.
func dir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(".", ".testdata-")
	if err != nil {
		t.Skip("the folder of the package cannot be written:", err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	name := filepath.Join(dir, "probe")
	if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := pagecache.Evict(name); err != nil {
		t.Skip("files cannot be evicted here:", err)
	}
	return dir
}

// TestEverythingIsMeasured makes a run that says nothing about speed: with a
// small file, once, against a table that is wrong about one constant.
func TestEverythingIsMeasured(t *testing.T) {
	files, records := dir(t), t.TempDir()
	jsonName, table := filepath.Join(records, "new", "run.json"), filepath.Join(records, "costs.go")
	if err := os.WriteFile(table, []byte("package plan\n\nconst preadCallNs, readMapNs = 1e12, 1e12\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs strings.Builder
	status := run([]string{"-dir", files, "-size=32MiB", "-rounds=1", "-table", table, "-json", jsonName}, &out, &errs)
	b, err := os.ReadFile(jsonName)
	if err != nil {
		t.Fatalf("status %d, %v: %s", status, err, errs.String())
	}
	var r record
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	failed := 0
	for _, e := range r.Constants {
		switch {
		case e.Error != "":
			failed++
			t.Logf("%s: %s", e.Name, e.Error)
		case len(e.Values) != 1 || math.IsNaN(e.Median):
			t.Errorf("%+v", e)
		}
		if inTable := e.Name == "preadCallNs" || e.Name == "readMapNs"; inTable != (e.Table != nil) || e.Off != (inTable && e.Error == "") {
			t.Errorf("compared with the table: %+v", e)
		}
		if !strings.Contains(out.String(), e.Name) {
			t.Errorf("%s is not printed", e.Name)
		}
	}
	want := exitOff
	if failed > 0 {
		want = exitError
	}
	if status != want {
		t.Errorf("status %d, want %d", status, want)
	}
	if strings.Contains(string(b), files) || strings.Contains(string(b), records) {
		t.Error("the record names a folder of this machine")
	}
	if left, err := filepath.Glob(filepath.Join(files, "oriel-calibrate-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if failed > 0 { // no ring, or nothing may be locked
		t.Skipf("%d of %d constants cannot be measured here", failed, len(r.Constants))
	}
}

// TestNamesAreUnique looks at the list of constants.
func TestNamesAreUnique(t *testing.T) {
	var names []string
	for _, s := range sections() {
		for _, step := range s.steps {
			for _, c := range step.constants {
				if c.name == "" || c.unit == "" || c.about == "" {
					t.Errorf("%+v", c)
				}
				names = append(names, c.name)
			}
		}
	}
	slices.Sort(names)
	if all := len(names); len(slices.Compact(names)) != all || all == 0 {
		t.Errorf("of %d names some are equal", all)
	}
}

// TestPlannersTable reads the table that there is. What is measured under the name
// of one of its constants is compared; there have to be some.
func TestPlannersTable(t *testing.T) {
	table, err := readTable(filepath.Join("..", "..", "source", "internal", "plan", "costs.go"))
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("there is no planner yet:", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	g := &rig{values: map[string][]float64{}}
	compared, missing := 0, []string{}
	for _, e := range g.estimate(table) {
		if e.Table != nil {
			compared++
		} else {
			missing = append(missing, e.Name)
		}
	}
	if compared < 15 {
		t.Errorf("%d constants are in the table; not in it: %v", compared, missing)
	}
}

func TestReadTable(t *testing.T) {
	name := filepath.Join(t.TempDir(), "costs.go")
	text := `package plan

import "nowhere"

const (
	a, b  = 1.5, 2 * a
	c     = 60_000
	d int = 1 << 3
	e     = iota
	text  = "not a number"
	other = elsewhere * 2 // declared in another file
	outer = nowhere.Constant
)

var costs = struct{ f, g float64 }{f: 0.25, g: 3}

func local() { const h = 7 }
`
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	table, err := readTable(name)
	want := map[string]float64{"a": 1.5, "b": 3, "c": 60_000, "d": 8, "e": 3, "f": 0.25, "g": 3}
	if err != nil || len(table) != len(want) {
		t.Errorf("%v, %v", table, err)
	}
	for k, v := range want {
		if table[k] != v {
			t.Errorf("%s is %v, want %v", k, table[k], v)
		}
	}
	for _, bad := range []string{"", "package plan\n", "package plan\nconst"} {
		if err := os.WriteFile(name, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if table, err := readTable(name); err == nil {
			t.Errorf("%q: %v", bad, table)
		}
	}
}

func TestEstimates(t *testing.T) {
	table := map[string]float64{"x": 10, "zero": 0}
	for _, c := range []struct {
		name   string
		values []float64
		failed error
		ratio  float64
		off    bool
	}{
		{"x", []float64{9, 11, 10}, nil, 1, false},
		{"x", []float64{20}, nil, 2, false},
		{"x", []float64{20.5}, nil, 2.05, true},
		{"x", []float64{5}, nil, 0.5, false},
		{"x", []float64{4.9}, nil, 0.49, true},
		{"x", []float64{-3}, nil, -0.3, true},
		{"zero", []float64{1}, nil, 0, true},
		{"unknown", []float64{1}, nil, 0, false},
		{"x", []float64{100}, errors.New("it failed later"), 0, false},
	} {
		e := constant{name: c.name, unit: perCall}.estimateOf(c.values, table, c.failed)
		if math.Abs(e.Ratio-c.ratio) > 1e-9 || e.Off != c.off || (e.Error != "") != (c.failed != nil) {
			t.Errorf("%s, %v: %+v", c.name, c.values, e)
		}
	}
}

// TestFailingStep has one of two steps fail in its second round.
func TestFailingStep(t *testing.T) {
	g := &rig{rounds: 4, values: map[string][]float64{}, failed: map[string]error{}}
	tried := 0
	s := section{steps: []step{
		{[]constant{{name: "good"}}, func(g *rig) error { g.add("good", 1); return nil }},
		{[]constant{{name: "bad"}, {name: "worse"}}, func(g *rig) error {
			if tried++; tried == 2 {
				return errors.New("no more")
			}
			g.add("bad", 1)
			return nil
		}},
	}}
	s.run(g)
	if len(g.values["good"]) != 4 || g.failed["good"] != nil {
		t.Errorf("the good step: %v, %v", g.values["good"], g.failed["good"])
	}
	if tried != 2 || g.failed["bad"] == nil || g.failed["worse"] == nil {
		t.Errorf("the bad step was tried %d times: %v", tried, g.failed)
	}

	s = section{cold: true, prepare: func(*rig) error { return errors.New("no state") }, steps: s.steps[:1]}
	g.values, g.failed = map[string][]float64{}, map[string]error{}
	s.run(g)
	if len(g.values) > 0 || g.failed["good"] == nil {
		t.Errorf("without its state: %v, %v", g.values, g.failed)
	}
}
