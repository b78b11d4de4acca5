package clients

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// programs is the folder that TestMain builds the clients into.
var programs string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "oriel-clients-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-o", dir+"/", "./...")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "building the clients:", err)
		return 1
	}
	programs = dir
	return m.Run()
}

// runClient returns what a client prints to standard output and error, and its
// exit status. Clients give their files fixed names in the temporary folder, and so
// each has one of its own.
func runClient(t *testing.T, name string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	c := exec.Command(filepath.Join(programs, name), args...)
	var out, errs strings.Builder
	c.Stdout, c.Stderr = &out, &errs
	c.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	err := c.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return out.String(), errs.String(), exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), 0
}

// prints fails unless the client succeeds and prints want.
func prints(t *testing.T, want, name string, args ...string) {
	t.Helper()
	stdout, stderr, status := runClient(t, name, args...)
	if stdout != want || stderr != "" || status != 0 {
		t.Errorf("%s %q printed %q, to standard error %q, and ended with %d; want %q", name, args, stdout, stderr, status, want)
	}
}

func write(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestC1Counts(t *testing.T) {
	prints(t, "0 0 <nil> <nil>\n", "c1count", write(t, ""))
	prints(t, "3 3 <nil> <nil>\n", "c1count", write(t, "a\nb\nc\nno newline"))
	prints(t, "500000 500000 <nil> <nil>\n", "c1count", write(t, strings.Repeat("x\n", 500000)))
}

func TestC1CountsAPipe(t *testing.T) {
	c := exec.Command(filepath.Join(programs, "c1count"), "/dev/stdin")
	c.Stdin = strings.NewReader(strings.Repeat("x\n", 100000))
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	// The second count begins where the first ended.
	if want := "100000 0 <nil> <nil>\n"; string(out) != want {
		t.Errorf("printed %q, want %q", out, want)
	}
}

func TestC2FindsLinesAndStops(t *testing.T) {
	var log strings.Builder
	want := ""
	for i := range 100000 {
		off := log.Len()
		if i%10000 == 7 {
			fmt.Fprintf(&log, "line %d has it\n", i)
			if i < 50000 {
				want += fmt.Sprintf("%d: line %d has it\n", off, i)
			}
		} else {
			fmt.Fprintf(&log, "line %d\n", i)
		}
	}
	name := write(t, log.String())
	prints(t, want, "c2log", name, "has it")
	prints(t, "", "c2log", name, "nobody has this")
}

func TestC2SaysWhatIsMissing(t *testing.T) {
	name := filepath.Join(t.TempDir(), "missing")
	stdout, stderr, status := runClient(t, "c2log", name, "x")
	if stdout != "" || status != 1 || !strings.Contains(stderr, "open "+name) {
		t.Errorf("printed %q and %q, ended with %d", stdout, stderr, status)
	}
}

func TestC3CacheLargerThanTheBudget(t *testing.T) {
	stdout, stderr, status := runClient(t, "c3blocks")
	m := regexp.MustCompile(`^cache thinks (\d+) KiB, pool says (\d+) KiB\n$`).FindStringSubmatch(stdout)
	if m == nil || stderr != "" || status != 0 {
		t.Fatalf("printed %q and %q, ended with %d", stdout, stderr, status)
	}
	if m[1] != m[2] {
		t.Errorf("the cache counts %s KiB, the pool %s", m[1], m[2])
	}
}

func TestC5RecordsArrive(t *testing.T) { prints(t, "true <nil>\n", "c5records") }

func TestC8Adapts(t *testing.T) {
	prints(t, `zip "hello\nworld\n"
parquet 1000 <nil>
pebble <nil> unexpected EOF
scanner 1000
fs 5000 <nil>
s3 window[2990:3000) <nil>
s3 lines 1500
`, "c8adapt")
}
