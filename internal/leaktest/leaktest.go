package leaktest

import (
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// A Check is one more thing that must hold after the tests.
type Check struct {
	Name string       // what is looked at, such as "pool"
	Run  func() error // an error says what was left behind; called again until it says nil or time is up
}

// patience is how long something may take to go away after the last test.
const patience = 3 * time.Second

// Main runs the tests of m and exits: with their code if they failed, with 1
// if they passed and left something behind, which is then said on standard
// error, and with 0 otherwise.
func Main(m *testing.M, checks ...Check) {
	os.Exit(run(m.Run, os.Stderr, patience, checks))
}

// run is Main with its surroundings: the tests, where to report, and how long
// to wait.
func run(tests func() int, w io.Writer, patience time.Duration, checks []Check) int {
	warmUp()
	before := look()
	if code := tests(); code != 0 || fuzzing() {
		return code
	}
	// A collection now would close forgotten files before they are seen.
	debug.SetGCPercent(-1)
	var left []string
	deadline := time.Now().Add(patience)
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		left = look().beyond(before)
		for _, c := range checks {
			if err := c.Run(); err != nil {
				left = append(left, c.Name+": "+err.Error())
			}
		}
		if len(left) == 0 {
			return 0
		}
		if time.Now().After(deadline) {
			break
		}
		time.Sleep(pause)
	}
	fmt.Fprintf(w, "leaktest: the tests passed and left %d behind:\n", len(left))
	for _, s := range left {
		fmt.Fprintf(w, "\t%s\n", strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n\t"))
	}
	return 1
}

// fuzzing reports whether this process fuzzes, or works for one that does.
func fuzzing() bool {
	for _, name := range []string{"test.fuzz", "test.fuzzworker"} {
		if f := flag.Lookup(name); f != nil && f.Value.String() != f.DefValue {
			return true
		}
	}
	return false
}

// warmUp makes the Go runtime open what it opens once and keeps for ever: the
// descriptors of its network poller.
func warmUp() {
	if r, w, err := os.Pipe(); err == nil {
		r.Close()
		w.Close()
	}
}

// A state is what a process holds at one moment.
type state struct {
	goroutines map[string]string // number → stack
	files      map[string]string // number → what it is open on; nil where unknown
	mappedLen  map[string]int64  // file → bytes mapped; nil where unknown
}

func look() state {
	return state{goroutines: goroutines(), files: files(), mappedLen: mapped()}
}

// beyond describes what s holds and before did not, a string each.
func (s state) beyond(before state) []string {
	var left []string
	for n, stack := range s.goroutines {
		if _, ok := before.goroutines[n]; !ok {
			left = append(left, stack)
		}
	}
	for n, target := range s.files {
		if before.files[n] != target {
			left = append(left, "file descriptor "+n+": "+target)
		}
	}
	for name, n := range s.mappedLen {
		if more := n - before.mappedLen[name]; more > 0 {
			left = append(left, fmt.Sprintf("mapping: %d bytes of %s", more, name))
		}
	}
	return left
}
