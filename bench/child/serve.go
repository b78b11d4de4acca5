package child

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The first arguments of a copy of the program: marker, then starter or task.
const (
	marker  = "oriel-bench-child"
	starter = "start" // starts the command that follows and measures it
	task    = "task"  // does the task that follows itself
)

// A Task is something that a copy of the program does. What it returns is its
// standard output.
type Task func(args []string) (string, error)

// Serve returns in the program that was started by somebody else. In a copy
// that this package started it does what the copy is for, and exits.
func Serve(tasks map[string]Task) {
	if len(os.Args) < 4 || os.Args[1] != marker {
		return
	}
	args := os.Args[3:]
	out, err := "", error(nil)
	switch os.Args[2] {
	case starter:
		out, err = start(args)
	case task:
		do := tasks[args[0]]
		if do == nil {
			err = fmt.Errorf("there is no task %q", args[0])
			break
		}
		out, err = do(args[1:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Stdout.WriteString(out)
	os.Exit(0)
}

// start runs a command and returns its Result in JSON.
func start(args []string) (string, error) {
	c := exec.Command(args[0], args[1:]...)
	c.Env = append(os.Environ(), "LC_ALL=C")
	var stdout strings.Builder
	c.Stdout, c.Stderr = &stdout, os.Stderr
	began := time.Now()
	err := c.Run()
	r := Result{Seconds: time.Since(began).Seconds(), Stdout: stdout.String()}
	if err != nil {
		return "", err
	}
	// Children's children are in it, as far as they were waited for.
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_CHILDREN, &u); err != nil {
		return "", os.NewSyscallError("getrusage", err)
	}
	r.CPUSeconds = float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
	r.PeakRSSBytes = u.Maxrss << 10
	r.DeviceBytes = u.Inblock * 512
	b, err := json.Marshal(r)
	return string(b), err
}
