// Command skips reads what `go test -json` writes and says what a person wants
// to know of it: a line per package, the output of what failed, and every
// skipped test with its reason. It ends with 1 if anything failed.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// An event is a line of go test -json (go doc test2json).
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
}

// A key is a test, or a package as a whole when test is empty.
type key struct{ pkg, test string }

type summary struct {
	w                       io.Writer
	passed, failed, skipped int
	output                  map[key][]string
	broken                  map[string]bool // packages with a failed test
	reasons                 []string
}

func main() {
	counts := flag.String("counts", "", "write the numbers of passed, failed and skipped tests to `file`")
	flag.Parse()
	s := &summary{w: os.Stdout, output: map[key][]string{}, broken: map[string]bool{}}
	if err := s.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "skips:", err)
		s.failed++
	}
	s.end()
	if *counts != "" {
		line := fmt.Sprintf("%d %d %d\n", s.passed, s.failed, s.skipped)
		if err := os.WriteFile(*counts, []byte(line), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, "skips:", err)
			os.Exit(1)
		}
	}
	if s.failed > 0 {
		os.Exit(1)
	}
}

func (s *summary) read(r io.Reader) error {
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadBytes('\n')
		var e event
		if len(line) > 0 && json.Unmarshal(line, &e) != nil {
			s.w.Write(line) // not of the protocol: a message of the go command
		} else if len(line) > 0 {
			s.take(e)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (s *summary) take(e event) {
	k := key{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		fmt.Fprint(s.w, e.Output)
	case "output":
		s.output[k] = append(s.output[k], e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			s.takePackage(e)
		} else {
			s.takeTest(e)
		}
	}
}

func (s *summary) takeTest(e event) {
	k := key{e.Package, e.Test}
	switch e.Action {
	case "pass":
		s.passed++
	case "fail":
		s.failed++
		s.broken[e.Package] = true
		fmt.Fprint(s.w, strings.Join(s.output[k], ""))
	case "skip":
		s.skipped++
		s.reasons = append(s.reasons, fmt.Sprintf("%s %s: %s", e.Package, e.Test, reason(s.output[k])))
	}
	delete(s.output, k)
}

// takePackage ends a package. One that fails without a failed test did not
// compile, or its TestMain failed it; that counts as one.
func (s *summary) takePackage(e event) {
	lines := s.output[key{e.Package, ""}]
	delete(s.output, key{e.Package, ""})
	if e.Action == "fail" {
		if !s.broken[e.Package] {
			s.failed++
		}
		fmt.Fprint(s.w, strings.Join(lines, ""))
		return
	}
	for _, l := range lines {
		if strings.HasPrefix(l, "ok ") || strings.HasPrefix(l, "?") {
			fmt.Fprint(s.w, l)
		}
	}
}

// reason returns what a skipped test said, out of lines such as
// "    ring_test.go:12: no io_uring: operation not permitted".
func reason(lines []string) string {
	var said []string
	for _, l := range lines {
		l = strings.TrimSpace(l)
		if strings.HasPrefix(l, "=== ") || strings.HasPrefix(l, "--- ") || l == "" {
			continue
		}
		if _, text, ok := strings.Cut(l, ": "); ok {
			l = text
		}
		said = append(said, l)
	}
	if len(said) == 0 {
		return "no reason given"
	}
	return strings.Join(said, "; ")
}

func (s *summary) end() {
	fmt.Fprintf(s.w, "%d skipped\n", s.skipped)
	slices.Sort(s.reasons)
	for _, r := range s.reasons {
		fmt.Fprintf(s.w, "\tskipped %s\n", r)
	}
}
