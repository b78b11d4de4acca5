package interop

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oriel-go/oriel"
	"github.com/oriel-go/oriel/source"
)

// content returns n bytes of text that compresses, but not to nothing.
func content(n int) []byte {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	var b bytes.Buffer
	for b.Len() < n {
		fmt.Fprintf(&b, "line %d says %x\n", b.Len(), r.Uint64())
	}
	return b.Bytes()[:n]
}

// file returns the name of a file that holds p.
func file(t *testing.T, p []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, p, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// goFiles returns files of the installed Go that match a pattern below its
// root.
func goFiles(t *testing.T, pattern string) []string {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Skip("the go command cannot be run:", err)
	}
	names, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(root)), pattern))
	if err != nil {
		t.Fatal(err)
	}
	if len(names) == 0 {
		t.Skip("this Go has no", pattern)
	}
	return names
}

// options returns options with a Runtime of the test's own, of which nothing
// may be in use when the test ends.
func options(t *testing.T) *oriel.Options {
	t.Helper()
	rt, err := source.NewRuntime(source.Limits{MemoryBytes: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s := rt.Stats(); s.Memory.InUseBytes != 0 || s.Files != 0 {
			t.Errorf("%d bytes and %d files are still in use", s.Memory.InUseBytes, s.Files)
		}
		if err := rt.Close(); err != nil {
			t.Error(err)
		}
	})
	return &oriel.Options{Runtime: rt}
}

// both opens a file through os and through Oriel.
func both(t *testing.T, name string) (*os.File, *oriel.File) {
	t.Helper()
	std, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := oriel.Open(t.Context(), name, options(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		std.Close()
		if err := ours.Close(); err != nil {
			t.Error(err)
		}
	})
	fi, err := std.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if fi.Size() != ours.Size() {
		t.Fatalf("%s has %d bytes, not %d", name, fi.Size(), ours.Size())
	}
	return std, ours
}

// readWhole opens something and reads all of it.
func readWhole(r io.ReadCloser, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// same fails unless two ways of reading a thing gave the same.
func same(t *testing.T, what string, want []byte, wantErr error, got []byte, gotErr error) {
	t.Helper()
	if fmt.Sprint(wantErr) != fmt.Sprint(gotErr) {
		t.Errorf("%s: %v through os.File, %v through Oriel", what, wantErr, gotErr)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("%s: %d bytes through Oriel are not the %d through os.File", what, len(got), len(want))
	}
}
