package volume

import (
	"errors"
	"fmt"
	"io"
	"os/exec"
	"syscall"
)

// A janitor is a process that takes a volume away when this one ends without
// having done so: a test that runs into its time limit calls no Close.
type janitor struct {
	cmd   *exec.Cmd
	stdin io.Closer
}

// cleaning waits until its standard input ends, which it does with the process
// that holds the other end.
const cleaning = `
cat >/dev/null
base=$1 backing=$2
shift 2
for dir do umount -l "$dir"; done
rm -rf --one-file-system -- "$base"
[ -z "$backing" ] || rm -f -- "$backing"
`

// hire starts a janitor for the mounts, the last first, the folder base and the
// file backing.
func hire(base, backing string, mounts ...string) (*janitor, error) {
	c := exec.Command("sh", append([]string{"-c", cleaning, "oriel-volume", base, backing}, mounts...)...)
	// A signal for the whole group of this process is not for the janitor.
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := c.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return &janitor{c, stdin}, nil
}

// dismiss ends the janitor without any cleaning.
func (j *janitor) dismiss() error {
	if j == nil {
		return nil
	}
	err := j.cmd.Process.Kill()
	j.stdin.Close()
	if _, killed := errors.AsType[*exec.ExitError](j.cmd.Wait()); !killed {
		err = errors.Join(err, errors.New("volume: the janitor cleaned up before Close"))
	}
	return err
}
