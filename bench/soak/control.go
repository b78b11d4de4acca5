package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"
)

const (
	controlTag     = "orielnofreeze"
	controlPackage = "github.com/oriel-go/oriel/bench/soak"
	controlLeast   = 3 * time.Second // to find the second kind of damage after the first
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
	Account *account `json:"account,omitempty"` // nil if its process died of a fault outside of a reader
	Problem string   `json:"problem,omitempty"` // why it is no control; "" if it found what it has to
}

// judgeControl judges what came of the control.
func judgeControl(a *account, err error) *control {
	c := &control{Account: a}
	crash, crashed := errors.AsType[*crashError](err)
	switch {
	case a == nil && crashed && crash.byFault():
	case a == nil:
		c.Problem = err.Error()
	case a.Freezes:
		c.Problem = "the control freezes: it was built without the tag " + controlTag
	case a.Counts[guarded] == 0:
		c.Problem = "the control was lent nothing that is guarded"
	case a.Counts[changed]+a.Counts[faults] == 0:
		c.Problem = "the control found no window that changed or faulted: the checks show nothing"
	}
	return c
}
