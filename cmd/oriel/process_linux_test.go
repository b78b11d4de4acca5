package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestProcessReadsProc(t *testing.T) {
	want, err := os.ReadFile("/proc/version")
	if err != nil {
		t.Skip("no /proc here: ", err)
	}
	if got := outcomeOf(t, process(t.Context(), t, "cat", "/proc/version")); got.stdout != string(want) || got.status != exitFine {
		t.Errorf("%+v, want %q", got, want)
	}
	got := outcomeOf(t, process(t.Context(), t, "scan", "--json", "/proc/version"))
	if !strings.Contains(got.stdout, `"lines":1,`) || got.status != exitFine {
		t.Errorf("%+v", got)
	}
}

func TestProcessReadsAFIFO(t *testing.T) {
	grow(t, "p|")
	c := process(t.Context(), t, "scan", "--json", "p")
	go func() {
		w, err := os.OpenFile("p", os.O_WRONLY, 0)
		if err != nil {
			t.Error(err)
			return
		}
		defer w.Close()
		io.WriteString(w, "first\n")
		io.WriteString(w, "second")
	}()
	if got := outcomeOf(t, c); got.status != exitFine || !strings.Contains(got.stdout, `"bytes":12,"lines":1`) {
		t.Errorf("%+v", got)
	}
}

// TestProcessEndsAtASignal although it waits for a FIFO whose writer is silent.
func TestProcessEndsAtASignal(t *testing.T) {
	grow(t, "f", "p|")
	for _, args := range [][]string{{"scan", "--jobs", "1", "f", "p", "f"}, {"cat", "p"}, {"scan", "--files-from", "p"}, {"explain", "--analyze", "f", "p", "f"}} {
		ctx, cancel := context.WithCancel(t.Context())
		c := process(ctx, t, args...)
		c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
		ended := make(chan struct{})
		go func() {
			w, err := os.OpenFile("p", os.O_WRONLY, 0) // returns when the process has opened it
			if err != nil {
				t.Error(err)
			}
			cancel()
			<-ended
			w.Close()
		}()
		got := outcomeOf(t, c)
		close(ended)
		if got.status != exitInterrupted || !strings.HasSuffix(got.stderr, "oriel: interrupted\n") {
			t.Errorf("%q: %+v", args, got)
		}
		if args[1] == "--jobs" && !strings.HasPrefix(got.stdout, "files           2\n") {
			t.Errorf("no totals so far: %q", got.stdout)
		}
		if args[0] == "explain" && (strings.Count(got.stdout, "what reading it took\n") != 2 || !strings.Contains(got.stdout, "  read                 0 bytes in 0 windows\n")) {
			t.Errorf("no analysis so far: %q", got.stdout)
		}
	}
}

// unprivileged makes c run as somebody who is not allowed everything.
func unprivileged(t *testing.T, c *exec.Cmd) {
	t.Helper()
	if os.Getuid() != 0 {
		return
	}
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	binary, err := os.ReadFile(c.Path)
	if err != nil {
		t.Fatal(err)
	}
	c.Path = filepath.Join(t.TempDir(), "oriel") // where 65534 finds it
	if err := os.WriteFile(c.Path, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	for dir := filepath.Dir(c.Path); dir != os.TempDir() && len(dir) > 1; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Skip("the tests run as root and cannot drop that: ", err)
		}
	}
}

func TestProcessReadsTheRestOfWhatItMayNotRead(t *testing.T) {
	root := grow(t, "d/a", "d/closed/x", "d/secret", "d/z")
	for name, mode := range map[string]os.FileMode{".": 0o755, "..": 0o755, "d/secret": 0, "d/closed": 0} {
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { os.Chmod(filepath.Join(root, "d/closed"), 0o755) })
	c := process(t.Context(), t, "scan", "--per-file", "d")
	unprivileged(t, c)
	got := outcomeOf(t, c)
	want := "oriel: open d/closed: permission denied\noriel: open d/secret: permission denied\n"
	if got.status != exitUnread || got.stderr != want || !strings.Contains(got.stdout, " d/a\n") || !strings.Contains(got.stdout, " d/z\n") {
		t.Errorf("%+v", got)
	}
}

// peakOf returns how many KiB were resident at most, of what a process that was
// measured has said. The Maxrss of wait4 would not do: a process that is made by vfork,
// as os/exec makes them, begins with the peak of its parent, and only VmHWM begins
// anew with exec.
func peakOf(t *testing.T, said string) (kib int) {
	t.Helper()
	_, rest, found := strings.Cut(said, "VmHWM:")
	if _, err := fmt.Sscanf(rest, "%d kB\n", &kib); !found || err != nil {
		t.Skipf("no VmHWM in /proc here: %v in %q", err, said)
	}
	return kib
}

// TestProcessMemoryDoesNotGrowWithTheFile: a file of holes is as good as any.
func TestProcessMemoryDoesNotGrowWithTheFile(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 1 GiB")
	}
	if raceEnabled {
		t.Skip("the race detector's own memory counts too")
	}
	grow(t, "holes")
	if err := os.Truncate("holes", 1<<30); err != nil {
		t.Skip("no large file here: ", err)
	}
	c := process(t.Context(), t, "scan", "--json", "--words", "--match", "x", "holes", "holes")
	c.Env = append(c.Env, beOriel+"="+measured)
	got := outcomeOf(t, c)
	if got.status != exitFine || !strings.Contains(got.stdout, `"bytes":2147483648,"lines":2,"words":2,"matches":0`) {
		t.Errorf("%+v", got)
	}
	if kib := peakOf(t, got.stderr); kib > 64<<10 {
		t.Errorf("%d KiB resident, want at most 64 MiB", kib)
	}
}

// A mapped source reads the same, and what it cannot keep still is refused with
// the reason.
func TestProcessMaps(t *testing.T) {
	grow(t, "f")
	if got := outcomeOf(t, process(t.Context(), t, "scan", "--source", "mmap", "f")); got.status == exitUsage {
		t.Skip("files here cannot be mapped: ", got.stderr)
	}
	text := bytes.Repeat([]byte("a line of text\n"), 500_000)
	if err := os.WriteFile("f", text, 0o666); err != nil {
		t.Fatal(err)
	}
	all := int64(len(text))
	for _, c := range []struct {
		args  string
		alone bool // the mapping brings every byte
	}{
		{"", true},
		// Where the machine has dropped a page the Reader waits and loads ahead, and what
		// finds no room beside the window that it holds is copied.
		{"--lock-budget 2MiB", false},
		{"--window 64k", true},
	} {
		with := func(args ...string) outcome {
			return outcomeOf(t, process(t.Context(), t, append(append(args, "--source", "mmap", "f"), strings.Fields(c.args)...)...))
		}
		o := summaryOf(t, with("scan", "--json"))
		mapped, copied := o.Sources["mmap"], o.Sources["pread"]
		if o.Lines != 500_000 || mapped.Files+copied.Files != 1 || mapped.Bytes+copied.Bytes != all || mapped.Bytes == 0 || c.alone && mapped.Bytes != all {
			t.Errorf("%q: %+v", c.args, o)
		}
		if got := with("cat"); got.stdout != string(text) {
			t.Errorf("%q: cat wrote %d bytes, status %d: %s", c.args, len(got.stdout), got.status, got.stderr)
		}
	}
	w, err := os.OpenFile("f", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	got := outcomeOf(t, process(t.Context(), t, "scan", "--source", "mmap", "f"))
	if got.status != exitUsage || !strings.Contains(got.stderr, "open for writing") || strings.Count(got.stderr, "\n") != 1 {
		t.Errorf("%+v", got)
	}
}
