package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/oriel-go/oriel/window"
)

// explainObjects are what explain --json says, one for each file.
func explainObjects(t *testing.T, got outcome) (all []explainObject) {
	t.Helper()
	for line := range strings.Lines(got.stdout) {
		var o explainObject
		d := json.NewDecoder(strings.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&o); err != nil || o.Schema != 1 {
			t.Fatalf("%v: %q", err, line)
		}
		all = append(all, o)
	}
	return all
}

// explainOne is what explain --json says of one file that there is.
func explainOne(t *testing.T, got outcome) explainObject {
	t.Helper()
	all := explainObjects(t, got)
	if got.status != exitFine || got.stderr != "" || len(all) != 1 || all[0].Error != nil || all[0].Explanation == nil {
		t.Fatalf("%+v", got)
	}
	return all[0]
}

func TestExplainReadsNothing(t *testing.T) {
	e := &fakeEngine{files: map[string]fakeFile{"a": {data: []byte("one")}, "b": {data: []byte("two")}}}
	for _, o := range explainObjects(t, runFake(t, t.Context(), e, "explain", "--json", "a", "b")) {
		if o.Explanation.Name != o.Path || o.Explanation.Stats.Bytes != 0 || o.Analysis != nil {
			t.Errorf("%+v", o)
		}
	}
	got := runFake(t, t.Context(), e, "explain", "a", "b")
	if got.status != exitFine || !strings.HasPrefix(got.stdout, "a: ") || !strings.Contains(got.stdout, "\n\nb: ") || strings.Contains(got.stdout, "what reading it took") {
		t.Errorf("%+v", got)
	}
}

func TestExplainAnalyzeReadsEverything(t *testing.T) {
	data := []byte(strings.Repeat("0123456789abcdef", 500))
	e := &fakeEngine{files: map[string]fakeFile{"changing": {data: data}}}
	o := explainOne(t, runFake(t, t.Context(), e, "explain", "--json", "--analyze", "changing"))
	a := o.Analysis
	pread, mmap := a.Sources["pread"], a.Sources["mmap"]
	if a.Bytes != int64(len(data)) || pread.Bytes+mmap.Bytes != a.Bytes || pread.Windows+mmap.Windows != a.Windows || mmap.Windows == 0 || a.WaitSeconds != 0.001 || a.BytesPerSecond <= 0 {
		t.Errorf("%+v", a)
	}
	got := runFake(t, t.Context(), e, "explain", "--analyze", "changing")
	for _, want := range []string{"what reading it took\n", "  read                 8000 bytes (7.8 KiB) in ", "0.001 waited for input", "  by mmap              ", "  by pread             "} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("the text lacks %q:\n%s", want, got.stdout)
		}
	}
}

// A file that cannot be read to its end is explained as far as it was, and the
// others are too.
func TestExplainOfWhatFails(t *testing.T) {
	e := &fakeEngine{files: map[string]fakeFile{
		"torn": {data: []byte("two"), err: fs.ErrInvalid}, "refused": {open: window.ErrRefused}, "good": {data: []byte("x")},
	}}
	got := runFake(t, t.Context(), e, "explain", "--json", "--analyze", "none", "torn", "good")
	all := explainObjects(t, got)
	if got.status != exitUnread || len(all) != 3 || got.stderr != "oriel: open none: file does not exist\noriel: read torn [3): invalid argument\n" {
		t.Fatalf("%+v", got)
	}
	if all[0].Explanation != nil || all[0].Analysis != nil || all[0].Error == nil || *all[0].Error != "open none: file does not exist" {
		t.Errorf("what was not opened: %+v", all[0])
	}
	if all[1].Explanation == nil || all[1].Analysis.Bytes != 3 || all[1].Error == nil {
		t.Errorf("what was read in part: %+v", all[1])
	}
	if all[2].Error != nil || all[2].Analysis.Bytes != 1 {
		t.Errorf("what is fine: %+v", all[2])
	}
	got = runFake(t, t.Context(), e, "explain", "none", "refused", "good")
	if got.status != exitUsage || strings.Count(got.stderr, "\n") != 2 || !strings.HasPrefix(got.stdout, "good: ") {
		t.Errorf("%+v", got)
	}
}

func TestExplainInterrupted(t *testing.T) {
	for _, args := range [][]string{{"--analyze"}, {"--analyze", "--json"}} {
		ctx, cancel := context.WithCancel(t.Context())
		e := &fakeEngine{files: map[string]fakeFile{"a": {data: []byte("three"), hang: true, hung: cancel}}}
		got := runFake(t, ctx, e, append([]string{"explain", "a", "a"}, args...)...)
		if got.status != exitInterrupted || got.stderr != "oriel: interrupted\n" || e.opened.Load() != 1 {
			t.Errorf("%+v, %d opened", got, e.opened.Load())
		}
		if !strings.Contains(got.stdout, "read                 5 bytes in ") && !strings.Contains(got.stdout, `"analysis":{"bytes":5,`) {
			t.Errorf("no analysis so far: %q", got.stdout)
		}
	}
}

func TestExplainOutputFails(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		stderr string
	}{
		{brokenPipe(t), exitFine, ""},
		{errors.New("disk full"), exitUnread, "oriel: standard output: disk full\n"},
	} {
		for _, args := range [][]string{{"explain", "a", "a"}, {"explain", "--json", "a", "a"}, {"probe", "a"}, {"probe", "--json", "a"}} {
			e := &fakeEngine{files: map[string]fakeFile{"a": {}}}
			var stderr strings.Builder
			a := &app{stdout: &fullWriter{0, c.err}, stderr: &stderr, newEngine: func(engineOptions) (engine, error) { return e, nil }}
			if status := a.run(t.Context(), args); status != c.status || stderr.String() != c.stderr || e.opened.Load() > 1 || e.inUse.Load() != 0 {
				t.Errorf("%v of %q: %d %q, %d opened, %d in use", c.err, args, status, stderr.String(), e.opened.Load(), e.inUse.Load())
			}
		}
	}
}

// What is said of how the file will be used gets to the library, and scan's own is
// once.
func TestExplainPatterns(t *testing.T) {
	grow(t, "f")
	if err := os.WriteFile("f", make([]byte, 2<<20), 0o666); err != nil {
		t.Fatal(err)
	}
	for flag, want := range map[string]string{"": "detect", "detect": "detect", "sequential": "sequential", "random": "random", "once": "once", "reuse": "reuse"} {
		args := []string{"explain", "--json", "f"}
		if flag != "" {
			args = append(args, "--pattern", flag)
		}
		if o := explainOne(t, runReal(t, strings.NewReader(""), args...)); !strings.Contains(o.Explanation.Reads, want) {
			t.Errorf("--pattern %q is explained as %q", flag, o.Explanation.Reads)
		}
	}
	e := &fakeEngine{files: map[string]fakeFile{"f": {}}}
	for _, command := range []string{"scan", "cat"} {
		runFake(t, t.Context(), e, command, "f")
		if p := e.options.pattern.pattern().String(); p != "once" {
			t.Errorf("%s reads with the pattern %q", command, p)
		}
	}
}

func TestExplainOnTheLibrary(t *testing.T) {
	grow(t, "small", "folder/", "big", "empty", "new\nline")
	big := bytes.Repeat([]byte("a line of text\n"), 200_000)
	if err := errors.Join(os.WriteFile("big", big, 0o666), os.Truncate("empty", 0)); err != nil {
		t.Fatal(err)
	}
	explain := func(args ...string) explainObject {
		t.Helper()
		return explainOne(t, runReal(t, strings.NewReader("standard input"), append([]string{"explain", "--json"}, args...)...))
	}
	if o := explain("big"); o.Explanation.SizeBytes != int64(len(big)) || o.Explanation.Facts == nil || len(o.Explanation.Candidates) == 0 || o.Explanation.Stats.Bytes != 0 {
		t.Errorf("%+v", o.Explanation)
	}
	if o := explain("--analyze", "big"); o.Analysis.Bytes != int64(len(big)) || o.Explanation.Stats.Bytes != int64(len(big)) || o.Analysis.Seconds <= 0 {
		t.Errorf("%+v, %+v", o.Analysis, o.Explanation)
	}
	if o := explain("--source", "pread", "--analyze", "big"); !o.Explanation.Forced || o.Explanation.Source != "pread" || o.Analysis.Sources["pread"].Bytes != int64(len(big)) {
		t.Errorf("%+v, %+v", o.Analysis, o.Explanation)
	}
	for _, path := range []string{"empty", "-"} {
		if o := explain(path); o.Explanation.Source != "stream" || o.Explanation.Facts != nil || o.Explanation.Why == "" {
			t.Errorf("%s: %+v", path, o.Explanation)
		}
	}
	if o := explain("--analyze", "-"); o.Analysis.Bytes != int64(len("standard input")) || o.Analysis.Sources["stream"].Bytes != o.Analysis.Bytes {
		t.Errorf("%+v", o.Analysis)
	}
	got := runReal(t, strings.NewReader(""), "explain", "none", "folder", "new\nline", "small")
	if got.status != exitUnread || strings.Count(got.stderr, "\n") != 2 || !strings.HasPrefix(got.stdout, `new\nline: `) || !strings.Contains(got.stdout, "\n\nsmall: ") {
		t.Errorf("%+v", got)
	}
}
