package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/oriel-go/oriel/internal/leaktest"
)

// beOriel in the environment makes this test binary the command, and with the value
// measured one that ends by saying on standard error what memory it took.
const (
	beOriel  = "ORIEL_TEST_BE_ORIEL"
	measured = "measured"
)

func TestMain(m *testing.M) {
	switch os.Getenv(beOriel) {
	case "":
		leaktest.Main(m)
	case measured:
		status := run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
		about, _ := os.ReadFile("/proc/self/status") // there is none but on Linux
		os.Stderr.Write(about)
		os.Exit(status)
	default:
		main()
	}
}

// process returns the command as a process of its own.
func process(ctx context.Context, t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(ctx, self, args...)
	c.Env = append(os.Environ(), beOriel+"=1", "GORACE=atexit_sleep_ms=0") // else a -race build sleeps before it exits
	return c
}

// outcomeOf runs c to its end.
func outcomeOf(t *testing.T, c *exec.Cmd) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if c.Stdout == nil {
		c.Stdout = &stdout
	}
	c.Stderr = &stderr
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return outcome{c.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

func TestProcessReadsAPipe(t *testing.T) {
	c := process(t.Context(), t, "scan", "--json")
	c.Stdin = io.MultiReader(strings.NewReader("a\nb"), strings.NewReader("c\n")) // exec makes a pipe of it
	got := outcomeOf(t, c)
	if got.status != exitFine || !strings.Contains(got.stdout, `"bytes":5,"lines":2`) || !strings.Contains(got.stdout, `"stream":{"files":1,"bytes":5}`) {
		t.Errorf("%+v", got)
	}
}

func TestProcessRefusesAPipe(t *testing.T) {
	for _, args := range [][]string{{"scan", "--source", "pread"}, {"cat", "--source", "pread", "-"}, {"scan", "--source", "mmap"}, {"scan", "--source", "uring"}, {"cat", "--source", "mmap", "/proc/version"}} {
		c := process(t.Context(), t, args...)
		c.Stdin = strings.NewReader("a\nb")
		if got := outcomeOf(t, c); got.status != exitUsage || strings.Count(got.stderr, "\n") != 1 {
			t.Errorf("%q: %+v", args, got)
		}
	}
}

func TestProcessReadsAFileAsStandardInput(t *testing.T) {
	grow(t, "f")
	f, err := os.Open("f")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c := process(t.Context(), t, "scan", "--json", "--source", "pread")
	c.Stdin = f
	got := outcomeOf(t, c)
	if got.status != exitFine || !strings.Contains(got.stdout, `"sources":{"pread":{"files":1,"bytes":2}}`) {
		t.Errorf("%+v", got)
	}
}

// TestProcessIsQuietWhenItsReaderGoesAway: status 0 and nothing on standard
// error.
func TestProcessIsQuietWhenItsReaderGoesAway(t *testing.T) {
	grow(t, "f")
	if err := os.WriteFile("f", make([]byte, 4<<20), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"cat", "f", "f"}, {"scan", "--json", "f"}, {"scan", "--json-lines", "f", "none"}} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		c := process(t.Context(), t, args...)
		c.Stdout = w
		r.Close()
		got := outcomeOf(t, c)
		w.Close()
		want := exitFine
		if strings.Contains(got.stderr, "none") { // what could not be read counts all the same
			want = exitUnread
		}
		if got.status != want || strings.Contains(got.stderr, "pipe") {
			t.Errorf("%q: %+v", args, got)
		}
	}
}
