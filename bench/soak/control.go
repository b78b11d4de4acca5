package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
)

const (
	controlTag     = "orielnofreeze"
	controlPackage = "github.com/oriel-go/oriel/bench/soak"
)

// buildControl builds this program without freezing into a folder, in the same
// way as this one was built, and returns its name.
func buildControl(ctx context.Context, dir string) (string, error) {
	program := filepath.Join(dir, "control")
	tags, race := controlTag, false
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch {
			case s.Key == "-race":
				race = s.Value == "true"
			case s.Key == "-tags" && s.Value != "":
				tags += "," + s.Value
			}
		}
	}
	args := []string{"build", "-o", program, "-tags", tags}
	if race {
		args = append(args, "-race")
	}
	out, err := exec.CommandContext(ctx, "go", append(args, controlPackage)...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building the control, which has to be done in the folder bench: %w\n%s", err, strings.TrimSpace(string(out)))
	}
	return program, nil
}

// A control says what the program without freezing found.
type control struct {
	Account *account `json:"account,omitempty"` // nil if its process died
	Problem string   `json:"problem,omitempty"` // why it is no control; "" if it found what it has to
}

// judgeControl judges what came of the control. Both kinds of damage have to be
// found, in windows that were guarded when they were handed out, by the checks
// that find nothing in the other program: a process that died shows nothing.
func judgeControl(a *account, err error) *control {
	c := &control{Account: a}
	crash, crashed := errors.AsType[*crashError](err)
	switch {
	case a == nil || err != nil && !(crashed && crash.byRace()): // races are for the other program
		c.Problem = fmt.Sprint(err)
	case a.Freezes:
		c.Problem = "the control freezes: it was built without the tag " + controlTag
	case a.Counts[guarded] == 0:
		c.Problem = "the control was lent nothing that is guarded"
	case a.Guard.Breaks == 0:
		c.Problem = "no lease of the control broke"
	case a.Counts[guardedChanged] == 0:
		c.Problem = "the control found no window that changed: the checks show nothing"
	case a.Counts[guardedFaults] == 0:
		c.Problem = "the control found no window that faulted: the checks show nothing"
	}
	return c
}
