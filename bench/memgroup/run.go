package memgroup

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/oriel-go/oriel/bench/child"
)

const taskName = "grouped"

// Tasks are what a copy of the program does for this package, for child.Serve.
func Tasks() map[string]child.Task { return map[string]child.Task{taskName: grouped} }

// Run runs a command in the group and measures it, as child.Run does. Of a nil
// Group the command runs in that of this process, and all else is the same.
func (g *Group) Run(command string, args ...string) (child.Result, error) {
	procs := ""
	if g != nil {
		procs = filepath.Join(g.dir, "cgroup.procs")
	}
	r, err := child.Do(taskName, append([]string{procs, command}, args...)...)
	if err == nil || g == nil {
		return r, err
	}
	c, countErr := g.Counts()
	if countErr == nil && c.Kills > 0 {
		err = fmt.Errorf("%w (the kernel has killed %d processes for want of memory)", err, c.Kills)
	}
	return r, errors.Join(err, countErr)
}

// grouped moves this process into a group and becomes the command that follows:
// the file that takes its number, "" for no group, the command, its arguments. It
// does not return unless that fails.
func grouped(args []string) (string, error) {
	if len(args) < 2 {
		return "", fmt.Errorf("%s: %d arguments", taskName, len(args))
	}
	if procs := args[0]; procs != "" {
		f, err := os.OpenFile(procs, os.O_WRONLY, 0)
		if err != nil {
			return "", err
		}
		_, err = f.WriteString(strconv.Itoa(os.Getpid()))
		if err = errors.Join(err, f.Close()); err != nil {
			return "", err
		}
	}
	command, err := exec.LookPath(args[1])
	if err != nil {
		return "", err
	}
	return "", &os.PathError{Op: "exec", Path: command, Err: unix.Exec(command, args[1:], os.Environ())}
}
