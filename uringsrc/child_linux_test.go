package uringsrc_test

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

// roleVariable says, in the environment of a second process of this test, what
// it is there for.
const roleVariable = "ORIEL_URING_ROLE"

// roles are what a second process can be, by name.
var roles = map[string]func(t *testing.T){
	"waits":       func(*testing.T) { io.Copy(io.Discard, os.Stdin) },
	"exits":       exitsRole,
	"threads":     threadsRole,
	"throttled":   throttledRole,
	"descriptors": descriptorsRole,
	"memlock":     memlockRole,
	"disabled":    disabledRole,
	"setup":       setupRole,
	"enter":       enterRole,
	"enterLater":  enterLaterRole,
}

// TestChild is the second process of other tests, and does nothing else.
func TestChild(t *testing.T) {
	if role := os.Getenv(roleVariable); role != "" {
		roles[role](t)
	}
}

// sign begins the lines that are meant for the parent; the testing package
// prints others.
const sign = "> "

func tell(args ...any) { fmt.Println(sign + fmt.Sprint(args...)) }

// argument is what the parent gave the role besides.
func argument() string { return os.Getenv(roleVariable + "_ARGUMENT") }

// descriptors returns how many files this process has open.
func descriptors(t testing.TB) int {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(fds)
}

// A child is a second process of this test. It ends before the test does.
type child struct {
	t   testing.TB
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
	log bytes.Buffer // what else it printed,
	bad bytes.Buffer // and as errors
}

func startChild(t testing.TB, role, argument string) *child {
	t.Helper()
	c := &child{t: t, cmd: exec.Command(os.Args[0], "-test.run=^TestChild$", "-test.timeout=60s")}
	// The race detector would sleep for a second at the end.
	c.cmd.Env = append(os.Environ(), roleVariable+"="+role, roleVariable+"_ARGUMENT="+argument, "GORACE=atexit_sleep_ms=0")
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

// hear returns the next line the child tells, and skips the test where it says
// that something is not to be had.
func (c *child) hear() string {
	c.t.Helper()
	for c.out.Scan() {
		line, meant := strings.CutPrefix(c.out.Text(), sign)
		if why, skip := strings.CutPrefix(line, "skip: "); meant && skip {
			c.t.Skip(why)
		}
		if meant {
			return line
		}
	}
	err := c.cmd.Wait()
	c.t.Fatalf("the child has ended: %v\n%s", err, c.said())
	return ""
}

// tell sends the child a line.
func (c *child) tell(line string) {
	c.t.Helper()
	if _, err := io.WriteString(c.in, line+"\n"); err != nil {
		c.t.Errorf("the child does not listen: %v", err)
	}
}

// good waits for the child's end, and fails unless all went well there.
func (c *child) good() {
	c.t.Helper()
	if err := c.wait(); err != nil {
		c.t.Errorf("the child: %v\n%s", err, c.said())
	}
}

// wait tells the child to end, and waits for that.
func (c *child) wait() error {
	c.in.Close()
	for c.out.Scan() {
		fmt.Fprintln(&c.log, c.out.Text())
	}
	return c.cmd.Wait()
}

// said returns what a child that has ended has printed, but for its parent.
func (c *child) said() string { return c.log.String() + c.bad.String() }
