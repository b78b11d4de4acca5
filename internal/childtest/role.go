package childtest

import (
	"bufio"
	"fmt"
	"os"
	"testing"
)

// These say, in the environment of a child, what it is there for, and what the role
// was given besides.
const (
	roleVariable     = "ORIEL_TEST_ROLE"
	argumentVariable = "ORIEL_TEST_ROLE_ARGUMENT"
)

// sign begins the lines that are meant for the parent; the testing package prints
// others.
const sign = "> "

// skip begins what is told where a role cannot be played.
const skip = "skip: "

// stdin is what the parent tells: a process has one.
var stdin = bufio.NewScanner(os.Stdin)

// Run plays the role that the process was started for. It does nothing where it was
// started for none, as in the run of the tests themselves.
func Run(t *testing.T, roles map[string]func(t *testing.T)) {
	t.Helper()
	name := os.Getenv(roleVariable)
	if name == "" {
		return
	}
	role := roles[name]
	if role == nil {
		t.Fatalf("there is no role %q", name)
	}
	role(t)
}

// Argument returns what [Start] was given for the role.
func Argument() string { return os.Getenv(argumentVariable) }

// Tell sends the parent a line, which is what fmt.Sprint makes of args.
func Tell(args ...any) { fmt.Println(sign + fmt.Sprint(args...)) }

// Hear returns the next line that the parent tells; ok is false when the parent has
// done, or has ended.
func Hear() (line string, ok bool) {
	ok = stdin.Scan()
	return stdin.Text(), ok
}

// Waits is a role: it does nothing, until the parent has done.
func Waits(*testing.T) {
	for _, ok := Hear(); ok; _, ok = Hear() {
	}
}
