package data

import (
	"bytes"
	"os"
	"testing"
)

func made(t *testing.T, name string, err error) []byte {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRandom(t *testing.T) {
	s := Store{t.TempDir()}
	for _, n := range []int{0, 1, 64<<10 + 1, 1 << 20} {
		name, err := s.Random(int64(n))
		b := made(t, name, err)
		if len(b) != n {
			t.Errorf("%d bytes, want %d", len(b), n)
		}
		if lines := bytes.Count(b, []byte{'\n'}); n == 1<<20 && (lines < n/256*9/10 || lines > n/256*11/10) {
			t.Errorf("%d newlines in %d bytes", lines, n)
		}
	}
}

func TestLinesHaveTheirLength(t *testing.T) {
	s := Store{t.TempDir()}
	for _, average := range []int{2, 10, 40, 80, 250} {
		const n = 1 << 20
		name, err := s.Lines(n, average)
		b := made(t, name, err)
		lines := bytes.Count(b, []byte{'\n'})
		if len(b) != n || b[n-1] != '\n' {
			t.Errorf("average %d: %d bytes, which end in %q", average, len(b), b[n-1])
		}
		if got := float64(n) / float64(lines); got < 0.95*float64(average) || got > 1.05*float64(average) {
			t.Errorf("lines of %.1f bytes on average, want %d", got, average)
		}
	}
}

func TestMadeOnce(t *testing.T) {
	s := Store{t.TempDir()}
	a, err := s.Random(100)
	first := made(t, a, err)
	before, _ := os.Stat(a)
	b, err := s.Random(100)
	second := made(t, b, err)
	after, _ := os.Stat(b)
	if !os.SameFile(before, after) {
		t.Error("the file was made twice")
	}
	other, err := Store{t.TempDir()}.Random(100)
	if !bytes.Equal(first, second) || !bytes.Equal(first, made(t, other, err)) {
		t.Error("other bytes the second time")
	}
}

func TestManyAreMadeOnce(t *testing.T) {
	s := Store{t.TempDir()}
	names, err := s.Many(20, 100)
	if err != nil || len(names) != 20 {
		t.Fatalf("%d files, %v", len(names), err)
	}
	first := made(t, names[0], nil)
	for _, name := range names {
		if b := made(t, name, nil); len(b) != 100 || !bytes.Equal(b, first) {
			t.Errorf("%s has %d bytes", name, len(b))
		}
	}
	before, _ := os.Stat(names[19])
	again, err := s.Many(20, 100)
	if err != nil {
		t.Fatal(err)
	}
	after, _ := os.Stat(again[19])
	if !os.SameFile(before, after) {
		t.Error("the files were made twice")
	}
	if list, err := os.ReadDir(s.Dir); err != nil || len(list) != 1 {
		t.Errorf("left behind: %v, %v", list, err)
	}
}
