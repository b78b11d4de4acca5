package childtest

import (
	"os"
	"strings"
	"testing"
)

// machineVariable in the environment allows tests that change a setting of the
// whole machine for a moment: whoever sets it sees to it that no other test runs
// meanwhile.
const machineVariable = "ORIEL_TEST_MACHINE"

// Setting returns what changes a setting of the kernel, for all processes, which is
// changed back when the test ends. It skips the test where that is not allowed or
// cannot be, and where the setting is not want to begin with.
func Setting(t testing.TB, name, want string) (set func(value string)) {
	t.Helper()
	if os.Getenv(machineVariable) == "" {
		t.Skipf("it changes %s for all processes: set %s to allow that, and run it alone", name, machineVariable)
	}
	was, err := os.ReadFile(name)
	if err != nil {
		t.Skip("no ", err)
	}
	if got := strings.TrimSpace(string(was)); got != want {
		t.Skipf("%s is %s, not %s", name, got, want)
	}
	if err := os.WriteFile(name, was, 0o644); err != nil {
		t.Skip("it cannot be changed: ", err)
	}
	set = func(value string) {
		if err := os.WriteFile(name, []byte(value), 0o644); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(func() { set(want) })
	return set
}
