package child

import (
	"os"
	"os/exec"
)

// Command returns a command that does one of the tasks that were given to
// Serve in a process of its own. Unlike [Do] it neither starts nor measures it,
// so that the caller can talk to it by its standard input and output.
func Command(name string, args ...string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return exec.Command(self, append([]string{marker, task, name}, args...)...), nil
}
