package child

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	Serve(map[string]Task{
		"use": func(args []string) (string, error) {
			n, err := strconv.Atoi(args[0])
			touch(make([]byte, n))
			return "used " + args[0], err
		},
		"fail": func([]string) (string, error) { return "", errors.New("on purpose") },
	})
	// A program with the race detector sleeps for a second before it exits.
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	os.Exit(m.Run())
}

var touched byte

func touch(p []byte) {
	for i := 0; i < len(p); i += 4096 {
		p[i] = 1
		touched += p[i]
	}
}

func TestResult(t *testing.T) {
	r, err := Run("sh", "-c", "echo $LC_ALL; i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done")
	if err != nil {
		t.Fatal(err)
	}
	if r.Stdout != "C\n" || r.Seconds <= 0 || r.CPUSeconds <= 0 || r.PeakRSSBytes <= 0 {
		t.Errorf("%+v", r)
	}
}

// TestPeakIsTheChilds: the memory of the program that measures is not counted.
func TestPeakIsTheChilds(t *testing.T) {
	const large = 256 << 20
	touch(make([]byte, large))
	little, err := Do("use", "1000")
	if err != nil {
		t.Fatal(err)
	}
	if little.Stdout != "used 1000" {
		t.Errorf("printed %q", little.Stdout)
	}
	if little.PeakRSSBytes > large/2 {
		t.Errorf("a process that uses nothing has a peak of %d MiB", little.PeakRSSBytes>>20)
	}
	much, err := Do("use", strconv.Itoa(large))
	if err != nil {
		t.Fatal(err)
	}
	if much.PeakRSSBytes < large {
		t.Errorf("a process that uses %d MiB has a peak of %d MiB", large>>20, much.PeakRSSBytes>>20)
	}
}

func TestFailureIsAnError(t *testing.T) {
	for _, c := range []struct {
		run  func() (Result, error)
		want string
	}{
		{func() (Result, error) { return Do("fail") }, "on purpose"},
		{func() (Result, error) { return Do("missing") }, "no task"},
		{func() (Result, error) { return Run("false") }, "exit status 1"},
		{func() (Result, error) { return Run("no-such-command-here") }, "not found"},
	} {
		if _, err := c.run(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("the error is %v, want one with %q", err, c.want)
		}
	}
}
