package machine

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

func TestFacts(t *testing.T) {
	f := Look(t.TempDir(), ".")
	if f.Kernel == "" || f.CPUs < 1 || f.MemoryBytes == 0 || f.FileSystem == "" || f.Go != runtime.Version() {
		t.Errorf("%+v", f)
	}
}

func TestCommit(t *testing.T) {
	dir := t.TempDir()
	if hash, modified := commit(dir); hash != "" || !modified {
		t.Errorf("without a repository: %q, modified %v", hash, modified)
	}
	write := func(name string) {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a")
	for _, args := range [][]string{
		{"init", "-q"}, {"add", "a"},
		{"-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-q", "-m", "x"},
	} {
		if out, err := exec.Command("git", append([]string{"-C", dir}, args...)...).CombinedOutput(); err != nil {
			t.Skipf("git cannot be used: %s", out)
		}
	}
	if hash, modified := commit(dir); len(hash) < 40 || modified {
		t.Errorf("after a commit: %q, modified %v", hash, modified)
	}
	write("bench/results/run.json")
	if _, modified := commit(dir); modified {
		t.Error("a recorded run is a modification")
	}
	write("b")
	if _, modified := commit(dir); !modified {
		t.Error("a new file is no modification")
	}
}
