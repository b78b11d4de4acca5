package oriel_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oriel-go/oriel"
	"github.com/oriel-go/oriel/internal/leaktest"
	"github.com/oriel-go/oriel/source"
	"github.com/oriel-go/oriel/window"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func TestLinesEndsWithTheErrorOfOpen(t *testing.T) {
	n := 0
	for line, err := range oriel.Lines(t.Context(), filepath.Join(t.TempDir(), "none"), nil) {
		if n++; !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("err = %v, want fs.ErrNotExist", err)
		}
		func() {
			defer func() {
				if got, ok := recover().(error); !ok || !errors.Is(got, fs.ErrNotExist) {
					t.Errorf("the line beside the error panics with %v, want the error", got)
				}
			}()
			line.Bytes()
		}()
	}
	if n != 1 {
		t.Errorf("the loop ran %d times, want once", n)
	}
}

func TestLinesClosesWhateverHappensInTheLoop(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lines")
	if err := os.WriteFile(name, []byte(strings.Repeat("line\n", 100_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	rt, err := source.NewRuntime(source.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Close()
	o := &oriel.Options{Runtime: rt}
	for line, err := range oriel.Lines(t.Context(), name, o) {
		if err != nil || line.Len() != 4 {
			t.Fatal(line, err)
		}
		break
	}
	func() {
		defer func() { recover() }()
		for range oriel.Lines(t.Context(), name, o) {
			panic("inside the loop")
		}
	}()
	var last window.Borrowed
	for line, err := range oriel.Lines(t.Context(), name, o) {
		if err != nil {
			t.Fatal(err)
		}
		last = line
	}
	defer func() {
		if recover() == nil {
			t.Error("a line kept beyond the loop is still lent")
		}
		if s := rt.Stats(); s.Files != 0 || s.Memory.InUseBytes != 0 {
			t.Errorf("left behind: %d files, %d bytes", s.Files, s.Memory.InUseBytes)
		}
	}()
	last.Bytes()
}
