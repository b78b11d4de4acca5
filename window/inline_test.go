package window

import (
	"os/exec"
	"strings"
	"testing"
)

// Bytes is called in loops. It was made to fit the compiler's budget, and a
// small change can push it out.
func TestBytesInlines(t *testing.T) {
	if testing.Short() {
		t.Skip("short: it runs the compiler")
	}
	tool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go tool: ", err)
	}
	out, err := exec.Command(tool, "build", "-gcflags=-m", "./").CombinedOutput()
	if err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	for _, name := range []string{"Window.Bytes", "Window.Len", "Window.Off", "Window.Release", "Window.Retain"} {
		if !strings.Contains(string(out), "can inline "+name+"\n") {
			t.Errorf("%s does not inline", name)
		}
	}
}
