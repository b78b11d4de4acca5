package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// command runs a command in the C locale and returns its standard output. It
// skips the test where there is no such command.
func command(t *testing.T, stdin []byte, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skip("not compared: ", err)
	}
	c := exec.Command(path, args...)
	c.Env = append(os.Environ(), "LC_ALL=C")
	c.Stdin = bytes.NewReader(stdin)
	c.Stderr = os.Stderr
	out, err := c.Output()
	if err != nil && c.ProcessState.ExitCode() > 1 { // grep says 1 when nothing matches
		t.Fatal(err)
	}
	return string(out)
}

// scanned returns the summary of a scan by a process.
func scanned(t *testing.T, stdin []byte, args ...string) (o summaryObject) {
	t.Helper()
	c := process(t.Context(), t, append([]string{"scan", "--json"}, args...)...)
	c.Stdin = bytes.NewReader(stdin)
	got := outcomeOf(t, c)
	if err := json.Unmarshal([]byte(got.stdout), &o); err != nil || got.status != exitFine {
		t.Fatal(err, got)
	}
	return o
}

// TestWordsOfEveryByteAgreeWithWC: each byte alone, in a word, and after one.
func TestWordsOfEveryByteAgreeWithWC(t *testing.T) {
	var p []byte
	for b := range 256 {
		for _, format := range []string{"%c\n", "a%ca\n", "a%c a\n", " %c b\n", "a%[1]c%[1]ca\n"} {
			p = append(p, strings.ReplaceAll(fmt.Sprintf(format, '\uFFFD'), "\uFFFD", string([]byte{byte(b)}))...)
		}
	}
	want := strings.Fields(command(t, p, "wc", "-l", "-w", "-c"))
	o := scanned(t, p, "--words")
	if got := []string{fmt.Sprint(o.Lines), fmt.Sprint(*o.Words), fmt.Sprint(o.Bytes)}; strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("%v, wc says %v", got, want)
	}
}

// TestAgreementOnFiles compares with wc, grep and sha256sum on what is hard:
// nothing, no final newline, only newlines, random bytes, lines longer than
// windows, and matches at their edges.
func TestAgreementOnFiles(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	grow(t)
	for name, p := range map[string][]byte{
		"empty":      nil,
		"no-newline": []byte("abab"),
		"newlines":   bytes.Repeat([]byte("\n"), 70000),
		"random":     randomText(r, 1<<20, ""),
		"text":       randomText(r, 1<<20, "ab \n"),
		"long-lines": randomText(r, 1<<20, "abc"),
		"edges":      bytes.Repeat([]byte("ababababa"), 40000),
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(name, p, 0o666); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.Remove(name) })
			agree(t, name, "abab", p)
		})
	}
}

// agree compares a scan of the file, and of a pipe with the same bytes, with
// what the system's commands say.
func agree(t *testing.T, name, text string, p []byte) {
	t.Helper()
	want := strings.Join(strings.Fields(command(t, p, "wc", "-l", "-w", "-c")), " ")
	want += fmt.Sprint(" ", strings.Count(command(t, p, "grep", "-aoF", "--", text), "\n"))
	want += " " + strings.TrimSpace(command(t, p, "grep", "-acF", "--", text))
	for _, args := range [][]string{{name}, {"-"}, {"--window", "4k", name}, {"--source", "pread", "--jobs", "3", name}} {
		o := scanned(t, p, append([]string{"--words", "--match", text}, args...)...)
		got := fmt.Sprint(o.Lines, *o.Words, o.Bytes, *o.Matches, *o.MatchedLines)
		if got != want {
			t.Errorf("scan %q: %s, want %s (lines, words, bytes, matches, matching lines)", args, got, want)
		}
	}
	sums := outcomeOf(t, process(t.Context(), t, "scan", "--sum", "sha256", name)).stdout
	if line, _, _ := strings.Cut(sums, "\n"); line+"\n" != command(t, nil, "sha256sum", name) {
		t.Errorf("%q, want what sha256sum prints", line)
	}
}

// TestAgreementOnATree compares on the sources of Go's own library.
func TestAgreementOnATree(t *testing.T) {
	if testing.Short() {
		t.Skip("reads a hundred megabytes several times")
	}
	root := filepath.Join(strings.TrimSpace(command(t, nil, "go", "env", "GOROOT")), "src")
	var all bytes.Buffer // NUL-terminated names
	files := 0
	filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			all.WriteString(path + "\x00")
			files++
		}
		return nil
	})
	if files == 0 {
		t.Skip("no sources in ", root)
	}
	total := strings.Fields(command(t, all.Bytes(), "wc", "-l", "-w", "-c", "--files0-from=-"))
	want := strings.Join(total[len(total)-4:len(total)-1], " ")
	const text = "func"
	matched := 0
	s := bufio.NewScanner(strings.NewReader(command(t, nil, "grep", "-rachF", text, root)))
	for s.Scan() {
		n := 0
		fmt.Sscan(s.Text(), &n)
		matched += n
	}
	want += fmt.Sprint(" ", strings.Count(command(t, nil, "grep", "-raohF", text, root), "\n"), " ", matched)
	for _, args := range [][]string{{root}, {"--files-from", "-", "-0"}} {
		o := scanned(t, all.Bytes(), append([]string{"--words", "--match", text}, args...)...)
		got := fmt.Sprint(o.Lines, *o.Words, o.Bytes, *o.Matches, *o.MatchedLines)
		if got != want || o.Files != int64(files) {
			t.Errorf("scan %q: %d files, %s; want %d, %s", args, o.Files, got, files, want)
		}
	}
	sums := outcomeOf(t, process(t.Context(), t, "scan", "--sum", "sha256", filepath.Join(root, "runtime"))).stdout
	if out := command(t, []byte(sums), "sha256sum", "--check", "--quiet", "--strict"); out != "" || !strings.Contains(sums, "proc.go") {
		t.Errorf("sha256sum --check says %s", out)
	}
}
