package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oriel-go/oriel/source"
)

// large makes a file in the current folder that is large enough for a plan.
func large(t *testing.T, name string) []byte {
	t.Helper()
	text := bytes.Repeat([]byte("a line of text\n"), 300_000)
	if err := os.WriteFile(name, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return text
}

// explainedBy runs explain --json as a process of its own.
func explainedBy(t *testing.T, args ...string) *source.Explanation {
	t.Helper()
	o := explainOne(t, outcomeOf(t, process(t.Context(), t, append([]string{"explain", "--json"}, args...)...)))
	return o.Explanation
}

func TestExplainOfACachedAndAColdFile(t *testing.T) {
	grow(t, "f")
	large(t, "f")
	cached := explainedBy(t, "f")
	for range 3 { // the machine may drop a page at any time
		if cached.Facts.CachedShare == 1 {
			break
		}
		large(t, "f")
		cached = explainedBy(t, "f")
	}
	cold(t, "f")
	missing := explainedBy(t, "f")
	if cached.Facts.CachedShare < 0 || missing.Facts.CachedShare != 0 {
		t.Skipf("what is cached is not known here, or cannot be dropped: %v and %v", cached.Facts.CachedShare, missing.Facts.CachedShare)
	}
	if cached.Facts.CachedShare != 1 {
		t.Errorf("of a file just written %v is cached", cached.Facts.CachedShare)
	}
	cost := func(e *source.Explanation) (d float64) {
		for _, c := range e.Candidates {
			if c.Chosen {
				d += c.Cost.Seconds()
			}
		}
		return d
	}
	if cost(cached) <= 0 || cost(missing) <= cost(cached) {
		t.Errorf("cached it costs %v, cold %v", cost(cached), cost(missing))
	}
	if e := explainedBy(t, "f"); e.Facts.CachedShare != 0 {
		t.Errorf("explaining it has cached %v of it", e.Facts.CachedShare)
	}
	cold(t, "f")
	if got := outcomeOf(t, process(t.Context(), t, "explain", "f")); got.status != exitFine || !strings.Contains(got.stdout, "not cached") {
		t.Errorf("%+v", got)
	}
}

// Every way that there is has a candidate, one of which is chosen, and all have
// reasons.
func TestExplainGivesReasons(t *testing.T) {
	grow(t, "f")
	large(t, "f")
	for _, args := range [][]string{{}, {"--pattern", "once"}, {"--pattern", "random"}, {"--pattern", "reuse"}, {"--analyze"}, {"--source", "pread"}, {"--window", "64k"}, {"--direct", "never"}} {
		e := explainedBy(t, append(args, "f")...)
		chosen, names := 0, map[string]bool{}
		for _, c := range e.Candidates {
			names[c.Source] = true
			if c.Chosen {
				chosen++
			}
			if c.Reason == "" || c.Chosen && c.Refused {
				t.Errorf("%q: %+v", args, c)
			}
		}
		if len(names) != 4 || chosen != 1 {
			t.Errorf("%q: %+v", args, e.Candidates)
		}
	}
}

func TestExplainOfAnotherOwnersFile(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("not root, who alone can be somebody else")
	}
	grow(t, "f")
	large(t, "f")
	for _, json := range []bool{true, false} {
		args := []string{"explain", "f"}
		if json {
			args = append(args, "--json")
		}
		c := process(t.Context(), t, args...)
		unprivileged(t, c)
		got := outcomeOf(t, c)
		if !json {
			if got.status != exitFine || !strings.Contains(got.stdout, "a lease needs the owner of the file") {
				t.Errorf("%+v", got)
			}
			continue
		}
		if e := explainOne(t, got).Explanation; e.Source == "mmap" || !strings.Contains(e.Facts.NoGuard, "owner of the file") {
			t.Errorf("%+v, %+v", e, e.Facts)
		}
	}
}

func TestExplainWithoutARing(t *testing.T) {
	grow(t, "f")
	large(t, "f")
	for _, c := range []struct{ args, env, says string }{
		{"--no-uring", "", "switched off by --no-uring"},
		{"", noRingVariable + "=1", "switched off by " + noRingVariable + " in the environment"},
	} {
		for _, analyze := range []string{"", "--analyze"} {
			args := strings.Fields("explain " + c.args + " " + analyze)
			p := process(t.Context(), t, append(args, "--json", "f")...)
			p.Env = append(p.Env, c.env)
			e := explainOne(t, outcomeOf(t, p)).Explanation
			if !strings.HasSuffix(e.Facts.NoRing, c.says) || e.Source == "uring" {
				t.Errorf("%+v: %+v, %+v", c, e, e.Facts)
			}
			p = process(t.Context(), t, append(args, "f")...)
			p.Env = append(p.Env, c.env)
			if got := outcomeOf(t, p); got.status != exitFine || strings.Count(got.stdout, c.says) != 3 || strings.Contains(got.stdout, "Limits.InFlight") {
				t.Errorf("%+v: %+v", c, got)
			}
		}
	}
}

func TestExplainOfATmpfs(t *testing.T) {
	grow(t, "f")
	dir, err := os.MkdirTemp("/dev/shm", "oriel")
	if err != nil {
		t.Skip("nothing can be made in /dev/shm: ", err)
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "f")
	text := large(t, name)
	if e := explainedBy(t, name); e.Facts.FileSystem != "tmpfs" {
		t.Skip("/dev/shm is no tmpfs but ", e.Facts.FileSystem)
	} else if e.Facts.InMemory != "yes" {
		t.Errorf("%+v", e.Facts)
	}
	if got := outcomeOf(t, process(t.Context(), t, "explain", "--analyze", name)); got.status != exitFine || !strings.Contains(got.stdout, "tmpfs, in memory") {
		t.Errorf("%+v", got)
	}
	o := explainOne(t, outcomeOf(t, process(t.Context(), t, "explain", "--analyze", "--json", name)))
	if o.Analysis.Bytes != int64(len(text)) {
		t.Errorf("%+v", o.Analysis)
	}
}

// Pipes, FIFOs and what /proc holds are streams: there is no choice, and nothing
// is known of them. A FIFO is not waited for.
func TestExplainOfStreams(t *testing.T) {
	grow(t, "p|")
	p := process(t.Context(), t, "explain", "--json", "-")
	p.Stdin = strings.NewReader("a pipe")
	e := explainOne(t, outcomeOf(t, p)).Explanation
	if e.Source != "stream" || e.Why != "standard input is a pipe" || e.Facts != nil || e.Candidates != nil || e.Stats.Bytes != 0 {
		t.Errorf("%+v", e)
	}
	p = process(t.Context(), t, "explain", "--analyze", "--json", "-")
	p.Stdin = strings.NewReader("a pipe")
	if o := explainOne(t, outcomeOf(t, p)); o.Analysis.Bytes != int64(len("a pipe")) {
		t.Errorf("%+v", o.Analysis)
	}
	if e := explainedBy(t, "p"); e.Source != "stream" || !strings.Contains(e.Why, "pipe") {
		t.Errorf("%+v", e)
	}
	want, err := os.ReadFile("/proc/version")
	if err != nil {
		t.Skip("no /proc here: ", err)
	}
	o := explainOne(t, outcomeOf(t, process(t.Context(), t, "explain", "--json", "--analyze", "/proc/version")))
	if o.Explanation.Source != "stream" || o.Analysis.Bytes != int64(len(want)) {
		t.Errorf("%+v, %+v", o.Explanation, o.Analysis)
	}
}

// A file that is standard input is explained as any other.
func TestExplainOfAFileAsStandardInput(t *testing.T) {
	grow(t, "f")
	text := large(t, "f")
	f, err := os.Open("f")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p := process(t.Context(), t, "explain", "--json", "-")
	p.Stdin = f
	if e := explainOne(t, outcomeOf(t, p)).Explanation; e.Facts == nil || e.SizeBytes != int64(len(text)) {
		t.Errorf("%+v", e)
	}
}

// A forced source that cannot serve is a refusal, and the rest is explained.
func TestExplainOfWhatIsRefused(t *testing.T) {
	grow(t, "f", "p|")
	for _, c := range []struct{ args, says string }{
		{"--source mmap /proc/version f", "nothing is known to keep a file still on procfs"},
		{"--source pread p f", "pread of a pipe"},
		{"--source uring p f", "uring of a pipe"},
	} {
		got := outcomeOf(t, process(t.Context(), t, strings.Fields("explain "+c.args)...))
		if strings.Count(got.stderr, "\n") == 2 && strings.Contains(got.stderr, " f: ") {
			t.Skip("files here cannot be read so: ", got.stderr)
		}
		if got.status != exitUsage || !strings.Contains(got.stderr, c.says) || strings.Count(got.stderr, "\n") != 1 || !strings.HasPrefix(got.stdout, "f: ") {
			t.Errorf("%s: %+v", c.args, got)
		}
	}
}

// To be read past the page cache a file needs no forced source.
func TestExplainPastThePageCache(t *testing.T) {
	rings(t)
	text := large(t, "f")
	o := explainOne(t, outcomeOf(t, process(t.Context(), t, "explain", "--json", "--analyze", "--direct", "always", "f")))
	if o.Explanation.Source != "uring" || o.Analysis.Sources["uring"].Bytes != int64(len(text)) {
		t.Errorf("%+v, %+v", o.Explanation, o.Analysis)
	}
}

func TestProbeAsSomebodyElse(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("not root, who alone can be somebody else")
	}
	root := grow(t, "theirs/f", "closed/f", "empty/")
	if err := errors.Join(os.Chmod(filepath.Dir(root), 0o755), os.Chmod("closed", 0)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(filepath.Join(root, "closed"), 0o755) })
	ask := func(path string) source.Capabilities {
		t.Helper()
		c := process(t.Context(), t, "probe", "--json", path)
		unprivileged(t, c)
		return capabilitiesOf(t, outcomeOf(t, c))
	}
	if c := ask("theirs"); c.By != "f, which is somebody else's" || c.Mmap.File.Can != "no" || !strings.Contains(c.Mmap.File.Why, "owner of the file") || c.Pread.Cachestat.Can == "yes" {
		t.Errorf("%+v", c)
	}
	for _, path := range []string{"closed", "empty"} {
		if c := ask(path); c.By != "" || !strings.Contains(c.NoFile, "permission denied") || c.Uring.File.Can == "yes" {
			t.Errorf("%s: %+v", path, c)
		}
	}
	left, err := os.ReadDir("empty")
	if err != nil || len(left) != 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}
