package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/oriel-go/oriel/window"
)

// steady replaces what differs from run to run.
func steady(s string) string {
	s = regexp.MustCompile(`(?i)(seconds":)[0-9.e-]+`).ReplaceAllString(s, "${1}0")
	s = regexp.MustCompile(`(?m)^((?:# )?seconds +).*$`).ReplaceAllString(s, "${1}…")
	return regexp.MustCompile(`(?m)^((?:# )?rate +).*$`).ReplaceAllString(s, "${1}…")
}

// world makes a few files on disk, which the lister sees, and the same in a
// fakeEngine, which reads them.
func world(t *testing.T) *fakeEngine {
	t.Helper()
	grow(t, "d/a", "d/b", "d/c", "changing")
	long := strings.Repeat("one two\nthree two", 500)
	return &fakeEngine{files: map[string]fakeFile{
		"d/a":      {data: []byte("two words\nand two more")},
		"d/b":      {},
		"d/c":      {data: []byte("twotwo\n")},
		"changing": {data: []byte(long)},
	}}
}

const worldJSON = `{"schema":1,"files":3,"bytes":29,"lines":2,"words":6,"matches":4,"matchedLines":3,` +
	`"seconds":0,"cpuSeconds":0,"waitSeconds":0,"sources":{"pread":{"files":3,"bytes":29}},"errors":[]}` + "\n"

func TestScanJSONIsExact(t *testing.T) {
	e := world(t)
	got := runFake(t, t.Context(), e, "scan", "--json", "--words", "--match", "two", "d")
	if got.status != exitFine || steady(got.stdout) != worldJSON || got.stderr != "" {
		t.Errorf("%d %s%s, want %s", got.status, got.stdout, got.stderr, worldJSON)
	}
	if !json.Valid([]byte(got.stdout)) {
		t.Error("invalid JSON")
	}
}

func TestScanJSONOfNothing(t *testing.T) {
	got := runFake(t, t.Context(), &fakeEngine{}, "scan", "--json", "/nowhere")
	want := `{"schema":1,"files":0,"bytes":0,"lines":0,"words":null,"matches":null,"matchedLines":null,` +
		`"seconds":0,"cpuSeconds":0,"waitSeconds":0,"sources":{},` +
		`"errors":[{"path":"/nowhere","error":"stat /nowhere: no such file or directory"}]}` + "\n"
	if got.status != exitUnread || steady(got.stdout) != want {
		t.Errorf("%d %s, want %s", got.status, got.stdout, want)
	}
	if want := "oriel: stat /nowhere: no such file or directory\n"; got.stderr != want {
		t.Errorf("%q, want %q", got.stderr, want)
	}
}

func TestScanJSONLines(t *testing.T) {
	e := world(t)
	e.files["d/b"] = fakeFile{data: []byte("x\ny"), err: fs.ErrInvalid}
	got := runFake(t, t.Context(), e, "scan", "--json-lines", "--sum", "xxh3", "d/c", "d/b", "none")
	want := `{"path":"d/c","bytes":7,"lines":1,"words":null,"matches":null,"matchedLines":null,"source":"pread","sum":"dd171e19ff14dbec","error":null}
{"path":"d/b","bytes":3,"lines":1,"words":null,"matches":null,"matchedLines":null,"source":"pread","sum":null,"error":"read d/b [3): invalid argument"}
{"path":"none","bytes":0,"lines":0,"words":null,"matches":null,"matchedLines":null,"source":null,"sum":null,"error":"stat none: no such file or directory"}
{"schema":1,"files":2,"bytes":10,"lines":2,"words":null,"matches":null,"matchedLines":null,"seconds":0,"cpuSeconds":0,"waitSeconds":0,"sources":{"pread":{"files":2,"bytes":10}},"errors":[{"path":"d/b","error":"read d/b [3): invalid argument"},{"path":"none","error":"stat none: no such file or directory"}]}
`
	if got.status != exitUnread || steady(got.stdout) != want {
		t.Errorf("%d\n%s\nwant\n%s", got.status, steady(got.stdout), want)
	}
}

func TestScanBytesPerSource(t *testing.T) {
	e := world(t)
	got := runFake(t, t.Context(), e, "scan", "--json", "changing", "d/a")
	var o summaryObject
	if err := json.Unmarshal([]byte(got.stdout), &o); err != nil {
		t.Fatal(err)
	}
	pread, mmap := o.Sources["pread"], o.Sources["mmap"]
	if pread.Files != 2 || mmap.Files != 0 || mmap.Bytes == 0 || pread.Bytes+mmap.Bytes != o.Bytes {
		t.Errorf("%+v of %d bytes", o.Sources, o.Bytes)
	}
}

func TestScanText(t *testing.T) {
	e := world(t)
	got := runFake(t, t.Context(), e, "scan", "--words", "--match", "two", "d", "none")
	want := `files           3
errors          1
bytes           29
lines           2
words           6
matches         4
matching lines  3
seconds         …
rate            …
by pread        3 files, 29 bytes
`
	if steady(got.stdout) != want {
		t.Errorf("%s\nwant\n%s", steady(got.stdout), want)
	}
}

func TestScanPerFile(t *testing.T) {
	e := world(t)
	got := runFake(t, t.Context(), e, "scan", "--words", "--match", "two", "--sum", "xxh3", "--per-file", "d", "none")
	want := `      lines       words       bytes     matches     matched  xxh3             path
          1           5          22           2           2  ec5f49c356e4db63 d/a
          0           0           0           0           0  2d06800538d394c2 d/b
          1           1           7           2           1  dd171e19ff14dbec d/c
# files           3
`
	if !strings.HasPrefix(got.stdout, want) {
		t.Errorf("%s\nwant\n%s", got.stdout, want)
	}
}

func TestScanSumEscapesNamesAsSha256sumDoes(t *testing.T) {
	grow(t, "a\nb", `back\slash`)
	e := &fakeEngine{files: map[string]fakeFile{"a\nb": {}, `back\slash`: {}}}
	got := runFake(t, t.Context(), e, "scan", "--sum", "xxh3", "a\nb", `back\slash`)
	want := "\\2d06800538d394c2  a\\nb\n\\2d06800538d394c2  back\\\\slash\n# files           2\n"
	if !strings.HasPrefix(got.stdout, want) {
		t.Errorf("%q, want %q", got.stdout, want)
	}
}

// TestScanOrderIsThatOfTheFiles: whatever the number of jobs.
func TestScanOrderIsThatOfTheFiles(t *testing.T) {
	e := &fakeEngine{files: map[string]fakeFile{}}
	var names []string
	for i := range 300 {
		name := fmt.Sprintf("d/%03d", i)
		names = append(names, name)
		e.files[name] = fakeFile{data: []byte(strings.Repeat("x\n", i*7%400))}
		if i%10 == 0 {
			e.files[name] = fakeFile{open: fs.ErrPermission}
		}
	}
	grow(t, names...)
	var first outcome
	for _, jobs := range []string{"1", "2", "16"} {
		got := runFake(t, t.Context(), e, "scan", "--per-file", "--sum", "sha256", "--jobs", jobs, "d")
		got.stdout = steady(got.stdout)
		if first.stdout == "" {
			first = got
		}
		if got != first || got.status != exitUnread {
			t.Errorf("--jobs %s: %d\n%s%s\nwant what one job gives:\n%s%s", jobs, got.status, got.stdout, got.stderr, first.stdout, first.stderr)
		}
	}
	if n := strings.Count(first.stderr, "\n"); n != 30 {
		t.Errorf("%d lines of errors, want 30", n)
	}
}

func TestScanErrorsAreOneLineEach(t *testing.T) {
	e := &fakeEngine{files: map[string]fakeFile{"a\nb": {open: errors.New("first\nsecond")}}}
	grow(t, "a\nb")
	got := runFake(t, t.Context(), e, "scan", "a\nb")
	if want := "oriel: open a\\nb: first\\nsecond\n"; got.stderr != want {
		t.Errorf("%q, want %q", got.stderr, want)
	}
}

func TestScanRefusedSourceIsStatus2AndTheRestIsRead(t *testing.T) {
	e := world(t)
	e.files["d/a"] = fakeFile{open: window.ErrRefused}
	e.files["d/b"] = fakeFile{open: fs.ErrPermission}
	got := runFake(t, t.Context(), e, "scan", "--json", "--source", "pread", "d")
	if got.status != exitUsage || !strings.Contains(got.stdout, `"files":1,"bytes":7,`) || strings.Count(got.stderr, "\n") != 2 {
		t.Errorf("%d %s%s", got.status, got.stdout, got.stderr)
	}
	if e.options.source != sourcePread {
		t.Errorf("the engine was asked for %q", e.options.source)
	}
}

// TestScanBadOptionIsSaidOnce: and not once for each file.
func TestScanBadOptionIsSaidOnce(t *testing.T) {
	e := world(t)
	for name := range e.files {
		e.files[name] = fakeFile{open: fmt.Errorf("%w: a window of 5 bytes", window.ErrOption)}
	}
	got := runFake(t, t.Context(), e, "scan", "d")
	if got.status != exitUsage || got.stdout != "" || got.stderr != "oriel: open d/a: invalid option: a window of 5 bytes\n" {
		t.Errorf("%d %q %q", got.status, got.stdout, got.stderr)
	}
}

// TestScanInterrupted: the totals so far, one line, and status 130.
func TestScanInterrupted(t *testing.T) {
	e := world(t)
	e.files["d/b"] = fakeFile{data: []byte("x\ny\n"), hang: true}
	ctx, cancel := context.WithCancel(t.Context())
	e.files["d/c"] = fakeFile{open: errors.New("must not be opened")}
	stop := context.AfterFunc(t.Context(), cancel)
	defer stop()
	go func() {
		for e.opened.Load() < 2 {
			runtime.Gosched()
		}
		cancel()
	}()
	got := runFake(t, ctx, e, "scan", "--json", "--jobs", "1", "d")
	var o summaryObject
	if err := json.Unmarshal([]byte(got.stdout), &o); err != nil {
		t.Fatal(err, got)
	}
	if got.status != exitInterrupted || got.stderr != "oriel: interrupted\n" || o.Files != 2 || len(o.Errors) != 1 {
		t.Errorf("%d %q %s", got.status, got.stderr, got.stdout)
	}
}

func TestScanOfACancelledContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	e := world(t)
	got := runFake(t, ctx, e, "scan", "d")
	if got.status != exitInterrupted || e.opened.Load() != 0 {
		t.Errorf("status %d, %d files opened", got.status, e.opened.Load())
	}
}

// fullWriter fails after some bytes.
type fullWriter struct {
	room int
	err  error
}

func (w *fullWriter) Write(p []byte) (int, error) {
	if w.room -= len(p); w.room < 0 {
		return 0, w.err
	}
	return len(p), nil
}

func TestScanOutputFails(t *testing.T) {
	names := make([]string, 2000)
	for i := range names {
		names[i] = fmt.Sprintf("d/%04d", i)
	}
	root := grow(t, names...)
	for _, c := range []struct {
		err    error
		status int
		stderr string
	}{
		{brokenPipe(t), exitFine, ""},
		{errors.New("disk full"), exitUnread, "oriel: standard output: disk full\n"},
	} {
		var stderr strings.Builder
		a := &app{stdin: strings.NewReader(""), stdout: &fullWriter{100, c.err}, stderr: &stderr}
		a.newEngine = a.newLibrary
		status := a.run(t.Context(), []string{"scan", "--json-lines", root})
		if status != c.status || stderr.String() != c.stderr {
			t.Errorf("%v: %d %q, want %d %q", c.err, status, stderr.String(), c.status, c.stderr)
		}
	}
}

// brokenPipe returns the error of writing to a pipe that nobody reads.
func brokenPipe(t *testing.T) error {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer w.Close()
	if _, err = w.Write([]byte("x")); err == nil {
		t.Fatal("a pipe without a reader was written")
	}
	return err
}

func TestScanOnTheLibrary(t *testing.T) {
	root := grow(t, "d/a", "d/b", "d/.c", "list")
	os.WriteFile("list", []byte(filepath.Join(root, "d/a")+"\n-\n"), 0o666)
	for _, c := range []struct {
		args string
		want string
	}{
		{"d", `"files":3,"bytes":13,"lines":3`},
		{"--source pread --window 4k --budget 64k --jobs 3 d", `"files":3,"bytes":13,"lines":3`},
		{"-", `"files":1,"bytes":9,"lines":1`},
		{"", `"files":1,"bytes":9,"lines":1`},
		{"--files-from list", `"files":2,"bytes":13,"lines":2`},
		{"--files-from list d/.c", `"files":3,"bytes":18,"lines":3`},
	} {
		args := append([]string{"scan", "--json"}, strings.Fields(c.args)...)
		got := runReal(t, strings.NewReader("no\nend xx"), args...)
		if got.status != exitFine || !strings.Contains(got.stdout, c.want) {
			t.Errorf("scan %s: %d %s%s, want %s", c.args, got.status, got.stdout, got.stderr, c.want)
		}
	}
}

func TestScanFilesFromStandardInput(t *testing.T) {
	grow(t, "a", "b", "new\nline")
	got := runReal(t, strings.NewReader("a\x00new\nline"), "scan", "--per-file", "-0", "--files-from", "-")
	if !strings.Contains(got.stdout, " a\n") || !strings.Contains(got.stdout, ` new\nline`) || got.status != exitFine {
		t.Errorf("%+v", got)
	}
}

func TestScanUsage(t *testing.T) {
	grow(t, "f")
	for _, args := range [][]string{
		{}, {"nonsense"}, {"--nonsense"}, {"help", "nonsense"}, {"scan", "--nonsense"},
		{"scan", "--match", "", "f"}, {"scan", "--match", "a\nb", "f"}, {"scan", "--match"},
		{"scan", "--sum", "md5", "f"}, {"scan", "--source", "tape", "f"}, {"scan", "--jobs", "0", "f"},
		{"scan", "--jobs", "many", "f"}, {"scan", "--files-from", ""}, {"scan", "-0", "f"},
		{"scan", "--json", "--json-lines", "f"}, {"scan", "--json", "--per-file", "f"},
		{"scan", "--window", "0", "f"}, {"scan", "--window", "5000", "f"}, {"scan", "--window", "1G", "f"},
		{"scan", "--window", "64KB", "f"}, {"scan", "--budget", "-1", "f"}, {"scan", "--budget", "100", "f"},
		{"scan", "--budget", "64k", "--window", "1M", "f"},
		{"scan", "--direct", "perhaps", "--source", "uring", "f"}, {"scan", "--direct", "always", "--no-uring", "f"},
		{"scan", "--direct", "always", "--source", "pread", "f"}, {"cat", "--direct", "always", "--source", "mmap", "f"},
		{"scan", "--source", "uring", "--no-uring", "f"}, {"cat", "--source", "uring", "--no-uring", "f"},
		{"explain"}, {"explain", "--json"}, {"explain", "--pattern", "stripes", "f"}, {"explain", "--window", "5000", "f"},
		{"explain", "--direct", "always", "--source", "pread", "f"}, {"explain", "--source", "uring", "--no-uring", "f"},
		{"probe", "f", "f"}, {"probe", "--source", "pread"}, {"probe", "--budget", "1", "f"},
		{"cat", "--range", "x", "f"}, {"cat", "--window", "5000", "f"}, {"cat", "--budget", "1", "f"},
	} {
		got := runReal(t, strings.NewReader(""), args...)
		if got.status != exitUsage || got.stdout != "" || !strings.HasPrefix(got.stderr, "oriel: ") {
			t.Errorf("%q: status %d, %q on standard output, %q on standard error", args, got.status, got.stdout, got.stderr)
		}
	}
}

func TestHelpAndVersion(t *testing.T) {
	for _, args := range []string{"--help", "help", "help scan", "scan --help", "scan -h", "help cat", "help explain", "explain --help", "help probe", "probe -h", "--version"} {
		got := runReal(t, strings.NewReader(""), strings.Fields(args)...)
		if got.status != exitFine || got.stderr != "" || len(got.stdout) < 20 {
			t.Errorf("%s: %+v", args, got)
		}
	}
	version := runReal(t, strings.NewReader(""), "--version").stdout
	fields := strings.Fields(version)
	if len(fields) != 5 || fields[3] != runtime.Version() || fields[4] != runtime.GOOS+"/"+runtime.GOARCH {
		t.Errorf("%q", version)
	}
	help := runReal(t, strings.NewReader(""), "help", "scan").stdout
	for _, flag := range []string{"words", "match TEXT", "sum xxh3|sha256", "json-lines", "files-from FILE", "-0, --null", "jobs", "source auto|pread|mmap|uring", "direct auto|always|never", "no-uring", "ORIEL_NO_URING", "window SIZE", "budget SIZE", "lock-budget SIZE", "per-file"} {
		if !strings.Contains(help, flag) {
			t.Errorf("help scan does not name %s", flag)
		}
	}
}

func TestTotalsCountOpenedFiles(t *testing.T) {
	var all totals
	all.add(&result{path: "a", source: "pread", counts: counts{bytes: 5, lines: 1}})
	all.add(&result{path: "b", err: fs.ErrNotExist})
	all.add(&result{path: "c", source: "stream", counts: counts{bytes: 2}, err: fs.ErrInvalid})
	if all.files != 2 || all.bytes != 7 || len(all.failures) != 2 {
		t.Errorf("%+v", all)
	}
	if !slices.Equal(all.failures, []failure{{"b", fs.ErrNotExist.Error()}, {"c", fs.ErrInvalid.Error()}}) {
		t.Errorf("%+v", all.failures)
	}
}
