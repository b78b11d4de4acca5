package fio

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oriel-go/oriel/bench/child"
	"github.com/oriel-go/oriel/source"
	"github.com/oriel-go/oriel/window"
)

func TestMain(m *testing.M) {
	child.Serve(nil)
	// A program with the race detector sleeps for a second before it exits.
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	os.Exit(m.Run())
}

// available skips a test where there is no fio, or no io_uring for it.
func available(t *testing.T, name string) {
	t.Helper()
	if err := Available(); err != nil {
		t.Skip(err)
	}
	rt, err := source.NewRuntime(source.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Close()
	f, err := source.Open(t.Context(), name, &source.Options{Runtime: rt, Source: source.Uring})
	if errors.Is(err, window.ErrRefused) {
		t.Skip("no ring here:", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}

func TestReadsAreCounted(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	const size = 8 << 20
	if err := os.WriteFile(name, make([]byte, size), 0o600); err != nil {
		t.Fatal(err)
	}
	available(t, name)
	for _, j := range []Job{
		{File: name, BlockBytes: 64 << 10, Depth: 8, Reads: size / (64 << 10)},
		{File: name, BlockBytes: 4 << 10, Depth: 64, Reads: size / (4 << 10) / 2, Random: true, Seed: 3},
	} {
		r, err := Run(j)
		if err != nil && strings.Contains(err.Error(), "less than a millisecond") {
			t.Logf("%+v: %v", j, err)
			continue
		}
		if err != nil || r.Seconds <= 0 || r.Bytes != int64(j.Reads)*int64(j.BlockBytes) || r.Process.CPUSeconds <= 0 {
			t.Errorf("%+v: %+v, %v", j, r, err)
		}
	}
	missing := Job{File: filepath.Join(t.TempDir(), "missing"), BlockBytes: 4 << 10, Depth: 1, Reads: 1}
	if r, err := Run(missing); err == nil {
		t.Errorf("a file that is missing: %+v", r)
	}
	beyond := Job{File: name, BlockBytes: 4 << 10, Depth: 1, Reads: 2 * size / (4 << 10), Random: true}
	if r, err := Run(beyond); err == nil {
		t.Errorf("more blocks than there are: %+v", r)
	}
}

func TestWhatFioSays(t *testing.T) {
	r, err := parse(`{"jobs":[{"error":0,"read":{"io_bytes":4096,"runtime":250},"usr_cpu":10.0,"sys_cpu":40.0}]}`)
	if err != nil || r.Seconds != 0.25 || r.Bytes != 4096 || r.CPUSeconds != 0.125 {
		t.Errorf("%+v, %v", r, err)
	}
	for _, bad := range []string{
		`nonsense`, `{}`, `{"jobs":[{"error":22}]}`, `{"jobs":[{"error":0,"read":{"io_bytes":4096,"runtime":0}}]}`,
	} {
		if _, err := parse(bad); err == nil {
			t.Errorf("no error: %s", bad)
		}
	}
}
