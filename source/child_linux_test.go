package source

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
const roleVariable = "ORIEL_SOURCE_ROLE"

// roles are what a second process can be, by name.
var roles = map[string]func(t *testing.T, p parent){
	"writer":    writerRole,
	"reader":    readerRole,
	"nobody":    nobodyRole,
	"addresses": addressesRole,
	"maps":      mapsRole,

	"filtered":    filteredRole,
	"memlock":     memlockRole,
	"descriptors": descriptorsRole,
	"user":        userRole,
	"stranger":    strangerRole,
	"untold":      untoldRole,
	"unringed":    unringedRole,
}

// TestChild is the second process of other tests, and does nothing else.
func TestChild(t *testing.T) {
	if role := os.Getenv(roleVariable); role != "" {
		roles[role](t, parent{bufio.NewScanner(os.Stdin)})
	}
}

// A parent is the other end of a child: each line that the one tells the other
// hears.
type parent struct{ in *bufio.Scanner }

// sign begins the lines that are meant for the parent; the testing package
// prints others.
const sign = "> "

func (p parent) tell(args ...any) { fmt.Println(sign + fmt.Sprint(args...)) }

// hear returns the next line; ok is false when the parent has done, or has
// ended.
func (p parent) hear() (line string, ok bool) {
	ok = p.in.Scan()
	return p.in.Text(), ok
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

func startChild(t testing.TB, role string) *child {
	t.Helper()
	c := &child{t: t, cmd: exec.Command(os.Args[0], "-test.run=^TestChild$", "-test.timeout=60s")}
	// The race detector would sleep for a second at the end.
	c.cmd.Env = append(os.Environ(), roleVariable+"="+role, "GORACE=atexit_sleep_ms=0")
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

// tell sends the child a line.
func (c *child) tell(line string) {
	c.t.Helper()
	if _, err := io.WriteString(c.in, line+"\n"); err != nil {
		c.t.Errorf("the child does not listen: %v", err)
	}
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
		fmt.Fprintln(&c.log, line)
	}
	err := c.cmd.Wait()
	c.t.Fatalf("the child has ended: %v\n%s%s", err, c.log.String(), c.bad.String())
	return ""
}

// wait tells the child to end, and fails unless all went well there.
func (c *child) wait() {
	c.t.Helper()
	c.in.Close()
	for c.out.Scan() {
		fmt.Fprintln(&c.log, c.out.Text())
	}
	if err := c.cmd.Wait(); err != nil {
		c.t.Errorf("the child: %v\n%s%s", err, c.log.String(), c.bad.String())
	}
}
