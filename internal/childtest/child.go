package childtest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// A Child is a second process of a test. It ends before the test does.
type Child struct {
	t   testing.TB
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
	log bytes.Buffer // what else it printed,
	bad bytes.Buffer // and as errors
}

// Start starts a child that plays a role. Its [Argument] is what fmt.Sprint makes of
// argument, which may be left out.
func Start(t testing.TB, role string, argument ...any) *Child {
	t.Helper()
	c := &Child{t: t, cmd: exec.Command(os.Args[0], "-test.run=^TestChild$", "-test.timeout=60s")}
	c.cmd.Env = append(os.Environ(), roleVariable+"="+role, argumentVariable+"="+fmt.Sprint(argument...),
		"GORACE=atexit_sleep_ms=0") // the race detector would sleep for a second at the end
	c.cmd.Stderr = &c.bad
	in, err := c.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c.in, c.out = in, bufio.NewScanner(out)
	t.Cleanup(func() {
		if c.cmd.ProcessState == nil {
			c.cmd.Process.Kill()
			c.cmd.Wait()
		}
	})
	return c
}

// Tell sends the child a line, which is what fmt.Sprint makes of args.
func (c *Child) Tell(args ...any) {
	c.t.Helper()
	if _, err := io.WriteString(c.in, fmt.Sprint(args...)+"\n"); err != nil {
		c.t.Errorf("the child does not listen: %v", err)
	}
}

// Hear returns the next line that the child tells. It skips the test where the child
// says so, and fails it where the child has ended.
func (c *Child) Hear() string {
	c.t.Helper()
	for c.out.Scan() {
		line, meant := strings.CutPrefix(c.out.Text(), sign)
		if why, skipped := strings.CutPrefix(line, skip); meant && skipped {
			c.t.Skip(why)
		}
		if meant {
			return line
		}
		fmt.Fprintln(&c.log, line)
	}
	err := c.cmd.Wait()
	c.t.Fatalf("the child has ended: %v\n%s", err, c.Said())
	return ""
}

// Wait tells the child that its parent has done, and waits for its end. The error is
// that of [exec.Cmd.Wait].
func (c *Child) Wait() error {
	c.in.Close()
	for c.out.Scan() {
		fmt.Fprintln(&c.log, c.out.Text())
	}
	return c.cmd.Wait()
}

// Good is Wait, and fails the test unless all went well in the child.
func (c *Child) Good() {
	c.t.Helper()
	if err := c.Wait(); err != nil {
		c.t.Errorf("the child: %v\n%s", err, c.Said())
	}
}

// Said returns what a child that has ended has printed, but for what was heard.
func (c *Child) Said() string { return c.log.String() + c.bad.String() }

// Process returns the child's process, to look at or to kill.
func (c *Child) Process() *os.Process { return c.cmd.Process }

// State returns how the child has ended, nil before that is known.
func (c *Child) State() *os.ProcessState { return c.cmd.ProcessState }
