package child

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// A Result says what a process, with its children, used and printed.
type Result struct {
	Seconds      float64 // from before its start until after its end
	CPUSeconds   float64 // user and system
	PeakRSSBytes int64   // of the largest of them, and at least that of the starter: a few MiB
	DeviceBytes  int64   // that they had read from devices, their own programs included
	Stdout       string
}

// Run runs a command, in the C locale, and measures it. A status other than 0
// is an error.
func Run(command string, args ...string) (Result, error) {
	self, err := os.Executable()
	if err != nil {
		return Result{}, err
	}
	c := exec.Command(self, append([]string{marker, starter, command}, args...)...)
	var stderr strings.Builder
	c.Stderr = &stderr
	out, err := c.Output()
	if _, exited := errors.AsType[*exec.ExitError](err); exited {
		return Result{}, fmt.Errorf("%s: %s", command, strings.TrimSpace(stderr.String()))
	}
	if err != nil {
		return Result{}, err
	}
	var r Result
	return r, json.Unmarshal(out, &r)
}

// Do runs one of the tasks that were given to Serve in a process of its own,
// and measures it.
func Do(name string, args ...string) (Result, error) {
	self, err := os.Executable()
	if err != nil {
		return Result{}, err
	}
	return Run(self, append([]string{marker, task, name}, args...)...)
}

// Ask runs such a task with a question for its one argument, in JSON, and returns
// its answer, which it prints in JSON.
func Ask[Answer any](name string, question any) (a Answer, err error) {
	b, err := json.Marshal(question)
	if err != nil {
		return a, err
	}
	r, err := Do(name, string(b))
	if err != nil {
		return a, err
	}
	return a, json.Unmarshal([]byte(r.Stdout), &a)
}
