package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// rings skips a test where io_uring, or O_DIRECT in the current folder, is not to
// be had.
func rings(t *testing.T) {
	t.Helper()
	grow(t, "f")
	if got := outcomeOf(t, process(t.Context(), t, "scan", "--source", "uring", "--direct", "always", "f")); got.status == exitUsage {
		t.Skip("files here cannot be read through the ring: ", got.stderr)
	}
}

// cold drops the page cache's copy of a file, as far as there is one to drop.
func cold(t *testing.T, name string) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Sync(), unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// summaryOf is what scan --json says.
func summaryOf(t *testing.T, got outcome) (o summaryObject) {
	t.Helper()
	if err := json.Unmarshal([]byte(got.stdout), &o); err != nil || got.status != exitFine || got.stderr != "" {
		t.Fatalf("%v, %+v", err, got)
	}
	return o
}

func TestProcessReadsThroughTheRing(t *testing.T) {
	rings(t)
	text := randomText(rand.New(rand.NewPCG(7, 7)), 9<<20+123, "\n")
	if err := os.WriteFile("f", text, 0o666); err != nil {
		t.Fatal(err)
	}
	lines := int64(bytes.Count(text, []byte("\n")))
	for _, c := range []struct {
		args  string
		alone bool // the ring brings every byte
	}{
		{"--direct always", true},
		{"--direct always --window 4k", true},
		{"--direct always --window 4MiB --budget 4MiB", true},
		{"--direct never", false},
		{"--direct never --window 64k", false},
		{"", false},
	} {
		with := func(args ...string) outcome {
			cold(t, "f")
			args = append(append(args[:1:1], "--source", "uring"), append(strings.Fields(c.args), args[1:]...)...)
			return outcomeOf(t, process(t.Context(), t, args...))
		}
		o := summaryOf(t, with("scan", "--json", "f"))
		ring, copied := o.Sources["uring"], o.Sources["pread"]
		if o.Bytes != int64(len(text)) || o.Lines != lines || len(o.Sources) > 2 || ring.Bytes+copied.Bytes != o.Bytes || ring.Files+copied.Files != 1 {
			t.Errorf("%q: %+v, want %d bytes and %d lines", c.args, o, len(text), lines)
		}
		if c.alone && ring.Bytes != o.Bytes {
			t.Errorf("%q: %+v, want all by the ring", c.args, o.Sources)
		}
		if got := with("cat", "f"); got.status != exitFine || got.stdout != string(text) || got.stderr != "" {
			t.Errorf("%q: cat wrote %d bytes, status %d: %s", c.args, len(got.stdout), got.status, got.stderr)
		}
		if got := with("cat", "--range", "4095:70001", "f"); got.status != exitFine || got.stdout != string(text[4095:4095+70001]) {
			t.Errorf("%q: cat of a range wrote %d bytes, status %d: %s", c.args, len(got.stdout), got.status, got.stderr)
		}
	}
}

// TestScanCountsTheRingsBytes: what comes through the ring is told from what was
// in the page cache.
func TestScanCountsTheRingsBytes(t *testing.T) {
	rings(t)
	if err := os.WriteFile("f", make([]byte, 4<<20), 0o666); err != nil {
		t.Fatal(err)
	}
	scan := func() map[string]sourceTotals {
		return summaryOf(t, outcomeOf(t, process(t.Context(), t, "scan", "--json", "--source", "uring", "--direct", "never", "f"))).Sources
	}
	if s := scan(); s["pread"].Bytes != 4<<20 || s["uring"].Bytes != 0 {
		t.Skipf("a file just written is not resident here: %+v", s)
	}
	var s map[string]sourceTotals
	for range 10 { // a page that the kernel is busy with is not dropped
		cold(t, "f")
		if s = scan(); s["uring"].Files == 1 {
			break
		}
	}
	if s["uring"].Bytes == 0 || s["uring"].Files != 1 || s["uring"].Bytes+s["pread"].Bytes != 4<<20 {
		t.Errorf("of a cold file: %+v", s)
	}
}

func TestProcessReadsAFileAsStandardInputThroughTheRing(t *testing.T) {
	rings(t)
	if err := os.WriteFile("f", []byte("skipped\nread\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open("f")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Seek(8, 0); err != nil {
		t.Fatal(err)
	}
	c := process(t.Context(), t, "cat", "--source", "uring", "--direct", "always")
	c.Stdin = f
	if got := outcomeOf(t, c); got.status != exitFine || got.stdout != "read\n" {
		t.Errorf("%+v", got)
	}
}

func TestProcessRefusesTheRing(t *testing.T) {
	rings(t)
	for _, c := range []struct {
		args, env, says string
	}{
		{"scan --source uring --no-uring f", "", "switched off by --no-uring"},
		{"cat --source uring f", noRingVariable + "=1", "switched off by " + noRingVariable},
		{"cat --source uring f", noRingVariable + "=0", "switched off by " + noRingVariable},
		{"scan --source uring -", "", "uring of a pipe"},
		{"cat --source uring /dev/null", "", "uring of a character device"},
		{"scan --source uring --direct always /proc/version", "", "Direct: always"},
	} {
		p := process(t.Context(), t, strings.Fields(c.args)...)
		p.Env = append(p.Env, c.env)
		p.Stdin = strings.NewReader("a pipe")
		if got := outcomeOf(t, p); got.status != exitUsage || !strings.Contains(got.stderr, c.says) {
			t.Errorf("%s %s: %+v, want status %d and %q", c.env, c.args, got, exitUsage, c.says)
		}
	}
	for _, c := range []struct{ args, env string }{
		{"cat --no-uring f", ""},
		{"cat f", noRingVariable + "=1"},
		{"cat --source uring f", noRingVariable + "="},
		{"cat --source pread --no-uring --direct never f", ""},
	} {
		p := process(t.Context(), t, strings.Fields(c.args)...)
		p.Env = append(p.Env, c.env)
		if got := outcomeOf(t, p); got != (outcome{exitFine, "f\n", ""}) {
			t.Errorf("%s %s: %+v", c.env, c.args, got)
		}
	}
}

// TestScanReadsTheRestOfWhatTheRingRefuses: status 2, a line for it, and the
// other files.
func TestScanReadsTheRestOfWhatTheRingRefuses(t *testing.T) {
	rings(t)
	got := outcomeOf(t, process(t.Context(), t, "scan", "--json", "--source", "uring", "/dev/null", "f"))
	if got.status != exitUsage || strings.Count(got.stderr, "\n") != 1 || !strings.Contains(got.stdout, `"files":1,"bytes":2,`) {
		t.Errorf("%+v", got)
	}
}

// TestProcessTreeThroughTheRing: many small files, and an empty one.
func TestProcessTreeThroughTheRing(t *testing.T) {
	rings(t)
	names := []string{"d/empty"}
	for i := range 300 {
		names = append(names, "d/"+strconv.Itoa(i))
	}
	grow(t, names...)
	if err := os.Truncate("d/empty", 0); err != nil {
		t.Fatal(err)
	}
	want := summaryOf(t, outcomeOf(t, process(t.Context(), t, "scan", "--json", "--jobs", "4", "d")))
	got := summaryOf(t, outcomeOf(t, process(t.Context(), t, "scan", "--json", "--jobs", "4", "--source", "uring", "--direct", "always", "d")))
	if got.Bytes != want.Bytes || got.Lines != want.Lines || got.Files != want.Files || got.Sources["uring"].Bytes != want.Bytes {
		t.Errorf("%+v, want the numbers of %+v", got, want)
	}
}
