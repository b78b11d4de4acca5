package main

import (
	"encoding/json"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/oriel-go/oriel/source"
)

// capabilitiesOf is what probe --json says.
func capabilitiesOf(t *testing.T, got outcome) (c source.Capabilities) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(got.stdout))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil || got.status != exitFine || got.stderr != "" || strings.Count(got.stdout, "\n") != 1 {
		t.Fatalf("%v, %+v", err, got)
	}
	return c
}

func TestProbeOnTheLibrary(t *testing.T) {
	root := grow(t, "f", "folder/g")
	for path, by := range map[string]string{"": "f", ".": "f", "f": "f", "folder": "g", root: "f"} {
		args := []string{"probe", "--json"}
		if path != "" {
			args = append(args, path)
		}
		c := capabilitiesOf(t, runReal(t, strings.NewReader(""), args...))
		if c.By != by && runtime.GOOS != "windows" || c.Machine.OS != runtime.GOOS || c.Machine.PageBytes != os.Getpagesize() {
			t.Errorf("%q: %+v", path, c)
		}
	}
	got := runReal(t, strings.NewReader(""), "probe")
	for _, want := range []string{"machine\n", "memory\n", "(pread)\n", "(mmap)\n", "(uring)\n", runtime.Version()} {
		if got.status != exitFine || got.stderr != "" || !strings.Contains(got.stdout, want) {
			t.Errorf("the text lacks %q: %+v", want, got)
		}
	}
}

func TestProbeOfWhatIsNot(t *testing.T) {
	grow(t, "f")
	got := runReal(t, strings.NewReader(""), "probe", "none")
	if got.status != exitUnread || got.stdout != "" || strings.Count(got.stderr, "\n") != 1 || !strings.HasPrefix(got.stderr, "oriel: probe none: ") {
		t.Errorf("%+v", got)
	}
}

// What the command line bounds is what the probe says, and by whom.
func TestProbeSaysWhatTheFlagsSet(t *testing.T) {
	grow(t, "f")
	c := capabilitiesOf(t, runReal(t, strings.NewReader(""), "probe", "--json", "--no-uring", "--budget", "1M", "--lock-budget", "4M", "f"))
	if c.Memory.BudgetBytes != 1<<20 || c.Memory.LockBytes != 4<<20 {
		t.Errorf("%+v", c.Memory)
	}
	if a := c.Uring.Rings; a.Can != "no" || a.Why != "it is switched off by --no-uring" {
		t.Errorf("%+v", a)
	}
	t.Setenv(noRingVariable, "1")
	c = capabilitiesOf(t, runReal(t, strings.NewReader(""), "probe", "--json", "f"))
	if a := c.Uring.Rings; a.Can != "no" || a.Why != "it is switched off by ORIEL_NO_URING in the environment" {
		t.Errorf("%+v", a)
	}
}
