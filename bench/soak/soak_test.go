package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/oriel-go/oriel/internal/leaktest"
)

func TestMain(m *testing.M) {
	serve()
	leaktest.Main(m)
}

// soaked runs the command and returns its status, its record and what it said.
func soaked(t *testing.T, args ...string) (int, *record, string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "soak.json")
	var out, errs strings.Builder
	status := run(t.Context(), append(args, "-json", name), &out, &errs)
	r := &record{}
	if b, err := os.ReadFile(name); err == nil {
		if err := json.Unmarshal(b, r); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Contains(out.String(), filepath.Dir(name)) {
		t.Error("the page names a folder of this machine")
	}
	return status, r, out.String() + errs.String()
}

// TestShort is the short form on fewer file systems: the command itself is what
// continuous integration runs.
func TestShort(t *testing.T) {
	switch {
	case testing.Short():
		t.Skip("it takes some seconds, and -short is set")
	case os.Getuid() != 0:
		t.Skip("volumes are made by root only")
	}
	status, r, said := soaked(t, "-short", "-fs=ext4,tmpfs", "-breaks=100", "-checks=10000")
	if status != exitFine {
		t.Fatalf("status %d\n%s", status, said)
	}
	ordinary := false
	for _, p := range r.Places {
		if p.Unavailable != "" {
			t.Logf("%s is left out: %s", p.FileSystem, p.Unavailable)
			continue
		}
		if p.Account == nil || p.Account.Counts[guarded] == 0 || p.Control == nil || p.Control.Problem != "" {
			t.Errorf("%+v", p)
		}
		ordinary = ordinary || p.Ordinary != nil
	}
	if c, _ := r.total(); r.soaked() > 0 && (c[own] == 0 || c[lines] == 0 || c[longHeld] == 0 || c[relimited] == 0) {
		t.Errorf("%d reads into own memory, %d lines, %d held for long, limits changed %d times", c[own], c[lines], c[longHeld], c[relimited])
	}
	if r.soaked() > 0 && !ordinary {
		t.Errorf("there was no stage of an ordinary user: %s", r.NoOrdinary)
	}
}

// TestReachable: a folder that its owner keeps to himself is none for others.
func TestReachable(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(dir), 0o700); err != nil {
		t.Fatal(err)
	}
	if reachable(dir) == nil {
		t.Error("a folder in one that is its owner's alone is reachable")
	}
	if err := reachable("/"); err != nil {
		t.Error(err)
	}
}

// TestCopies runs everything but what mapping is needed for.
func TestCopies(t *testing.T) {
	status, r, said := soaked(t, "-source=pread", "-fs=", "-dir", t.TempDir(), "-d=300ms", "-baseline=0s", "-files=3", "-largest=2MiB", "-seed=1")
	if status != exitFine || len(r.Places) != 1 {
		t.Fatalf("status %d\n%s", status, said)
	}
	a := r.Places[0].Account
	if c := a.Counts; c[windows] == 0 || c[privateChecks] < c[windows] || c[guardedChecks] != 0 || c[guarded] != 0 || a.Lives == 0 || a.Attacks.Operations == 0 {
		t.Errorf("%+v", a)
	}
	if r.Places[0].Control != nil || r.Seed != 1 {
		t.Errorf("%+v", r)
	}
	for _, want := range []string{"hash checks", "What writers waited"} {
		if !strings.Contains(said, want) {
			t.Errorf("nothing is said of %q:\n%s", want, said)
		}
	}
}

// TestInterrupted: nothing is left of a run that is interrupted.
func TestInterrupted(t *testing.T) {
	dir := t.TempDir()
	ctx, end := context.WithCancel(t.Context())
	var out, errs strings.Builder
	w := &triggerWriter{w: &errs, on: "files of", do: end}
	status := run(ctx, []string{"-source=pread", "-fs=", "-dir", dir, "-d=1h", "-baseline=0s", "-files=1", "-largest=1MiB"}, &out, w)
	if status != exitUsage || !strings.Contains(errs.String(), "interrupted") {
		t.Errorf("status %d, %s", status, errs.String())
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// A triggerWriter calls do when it has to write on.
type triggerWriter struct {
	w  *strings.Builder
	on string
	do func()
}

func (w *triggerWriter) Write(p []byte) (int, error) {
	if strings.Contains(string(p), w.on) {
		w.do()
	}
	return w.w.Write(p)
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{
		{"-nothing"}, {"argument"}, {"-fs=ntfs"}, {"-fs="}, {"-source=ring"}, {"-g=0"}, {"-attackers=63"}, {"-files=0"},
		{"-smallest=4KiB"}, {"-largest=1x"}, {"-largest=1MiB", "-smallest=2MiB"}, {"-hold=0s"}, {"-source=pread", "-breaks=1"},
		{"-source=pread", "-control"}, {"-control", "-nocontrol"},
	} {
		status, _, said := soaked(t, args...)
		if status != exitUsage || !strings.Contains(said, "\n") {
			t.Errorf("%v: status %d, %q", args, status, said)
		}
	}
}

func TestShortForm(t *testing.T) {
	var errs strings.Builder
	o, err := parse([]string{"-short", "-breaks=5", "-json=x/y"}, &errs)
	if err != nil || o.breaks != 5 || o.checks != 100_000 || o.seconds != 0 || len(o.plan.FileBytes) != 4 {
		t.Errorf("%+v, %v", o, err)
	}
	if got := strings.Join(o.recorded, " "); got != "-breaks=5 -short=true" {
		t.Errorf("recorded are %s", got)
	}
	if o, err = parse([]string{"-short"}, &errs); err != nil || o.breaks != 1000 || o.seconds != 5*time.Second {
		t.Errorf("%+v, %v", o, err)
	}
	if o.plan.Seed == 0 {
		t.Error("the seed is not chosen")
	}
}
