package archtest

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// A sample is a tree in a few lines; path → source.
type sample map[string]string

// A broken sample breaks one rule, which says so in words that contain want.
// A sample without want breaks none: it is what the rule must leave alone.
type broken struct {
	rule  string
	name  string
	files sample
	want  string
}

const unit = "package pool\n\n"

// with returns source of package pool that holds the lines.
func with(lines ...string) string { return unit + strings.Join(lines, "\n") + "\n" }

var samples = []broken{
	{"parse", "syntax", sample{"pool/a.go": "package"}, "expected"},
	{"parse", "build line", sample{"pool/a.go": "//go:build linux &&\n\n" + unit}, "unexpected end"},

	{"package comment", "no doc.go", sample{"pool/a.go": unit}, "no doc.go"},
	{"package comment", "only tests", sample{"pool/a_test.go": unit}, "no doc.go"},
	{"package comment", "none", sample{"pool/doc.go": unit}, "no package comment"},
	{"package comment", "detached", sample{"pool/doc.go": "// Package pool pools.\n\n" + unit}, "hides"},
	{"package comment", "other words", sample{"pool/doc.go": "// The pool.\n" + unit}, "begins with"},
	{"package comment", "another's name", sample{"pool/doc.go": "// Package pools pools.\n" + unit}, "begins with"},
	{"package comment", "second one", sample{"pool/doc.go": "// Package pool pools.\n" + unit, "pool/a.go": "// Slots.\n" + unit}, "belongs into doc.go"},
	{"package comment", "command", sample{"cmd/oriel/doc.go": "// Package main runs.\npackage main\n"}, "Command"},
	{"package comment", "good", sample{"pool/doc.go": "// Package pool pools.\n" + unit, "pool/a.go": "// Slots.\n\n" + unit,
		"cmd/oriel/doc.go": "// Command oriel reads.\npackage main\n"}, ""},

	{"platform names", "unix", sample{"pool/a_unix.go": unit}, "go:build unix"},
	{"platform names", "unix not meant", sample{"pool/a_unix.go": "//go:build !race\n\n" + unit}, "go:build unix"},
	{"platform names", "other", sample{"pool/a_other.go": unit}, "_other constrains nothing"},
	{"platform names", "system inside", sample{"pool/ring_linux_unsafe.go": unit}, "comes last"},
	{"platform names", "machine inside", sample{"pool/ring_amd64_linux.go": unit}, "comes last"},
	{"platform names", "windows, the noun", sample{"pool/cursor_windows_test.go": unit}, "for Windows only"},
	{"platform names", "good", sample{"pool/a_linux.go": unit, "pool/a_unsafe_linux_amd64_test.go": unit, "pool/windows_test.go": unit, "pool/linux.go": unit,
		"pool/a_unix.go": "//go:build unix && !linux\n\n" + unit, "pool/a_other.go": "//go:build !linux\n\n" + unit,
		"pool/a_windows.go": "//go:build windows\n\n" + unit, "pool/b_windows.go": with(`import "golang.org/x/sys/windows"`)}, ""},

	{"sizes", "file", sample{"pool/a.go": unit + strings.Repeat("//\n", maxFileLines)}, "lines, more than"},
	{"sizes", "test file", sample{"pool/a_test.go": unit + strings.Repeat("//\n", maxTestFileLines)}, "lines, more than"},
	{"sizes", "function", sample{"pool/b.go": unit, "pool/c.go": with("func long() {" + strings.Repeat("\n", maxFuncLines) + "}")}, "func long has"},
	{"sizes", "test function", sample{"pool/a_test.go": with("func TestLong() {" + strings.Repeat("\n", maxTestFuncLines) + "}")}, "func TestLong has"},
	{"sizes", "nested", sample{"bench/go.mod": "", "bench/a.go": unit + strings.Repeat("//\n", maxFileLines)}, "lines, more than"},
	{"sizes", "good", sample{"pool/a.go": with("func long() {" + strings.Repeat("\n", maxFuncLines-1) + "}"),
		"pool/a_test.go": unit + strings.Repeat("//\n", maxFileLines)}, ""},

	{"lattice", "up", sample{"window/a.go": with(`import "github.com/oriel-go/oriel/pool"`)}, "window must not import pool"},
	{"lattice", "up on another system", sample{"window/a_windows.go": "//go:build windows\n\n" + with(`import _ "github.com/oriel-go/oriel/pool"`)}, "window must not import pool"},
	{"lattice", "up in a test", sample{"window/a_test.go": with(`import "github.com/oriel-go/oriel/pool"`)}, "window must not import pool"},
	{"lattice", "root", sample{"pool/a.go": with(`import "github.com/oriel-go/oriel"`)}, "pool must not import ."},
	{"lattice", "sideways", sample{"mmapsrc/a.go": with(`import "github.com/oriel-go/oriel/uringsrc"`)}, "must not import uringsrc"},
	{"lattice", "pipeline", sample{"pipeline/a.go": with(`import "github.com/oriel-go/oriel/source"`)}, "must not import source"},
	{"lattice", "internal", sample{"internal/x/a_test.go": "package x_test\n\n" + `import "github.com/oriel-go/oriel/window"`}, "must not import window"},
	{"lattice", "conformance", sample{"window/windowtest/a.go": with(`import "github.com/oriel-go/oriel/pool"`)}, "must not import pool"},
	{"lattice", "command", sample{"source/a.go": with(`import "github.com/oriel-go/oriel/cmd/oriel"`)}, "must not import cmd/oriel"},
	{"lattice", "no row", sample{"extra/a.go": "package extra\n"}, "no row"},
	{"lattice", "good", sample{"source/a.go": with(`import "github.com/oriel-go/oriel/mmapsrc"`), "uringsrc/a.go": with(`import "github.com/oriel-go/oriel/uringsrc/internal/ring"`),
		"window/a_test.go":        "package window_test\n\n" + `import "github.com/oriel-go/oriel/source"`,
		"window/b_test.go":        with(`import "github.com/oriel-go/oriel/internal/leaktest"`),
		"cmd/oriel/a.go":          "package main\n\n" + `import "github.com/oriel-go/oriel/internal/x"`,
		"bench/go.mod":            "",
		"bench/internal/x/any.go": "package x\n\n" + `import "github.com/oriel-go/oriel/source"`}, ""},

	{"outside", "module", sample{"pool/a.go": with(`import "github.com/spf13/cobra"`)}, "must not import github.com/spf13/cobra"},
	{"outside", "beside", sample{"pool/a.go": with(`import "golang.org/x/system"`)}, "must not import golang.org/x/system"},
	{"outside", "http", sample{"pool/a.go": with(`import "net/http"`)}, "must not import net/http"},
	{"outside", "log", sample{"pool/a.go": with(`import "log"`)}, "must not import log"},
	{"outside", "cgo", sample{"pool/a_test.go": with(`import "C"`)}, "no cgo"},
	{"outside", "dot", sample{"pool/a.go": with(`import . "strings"`)}, "dot import"},
	{"outside", "good", sample{"pool/a.go": with(`import ("golang.org/x/sys/unix"; "github.com/edsrzf/mmap-go"; "log/slog"; "github.com/oriel-go/oriel/window")`),
		"pool/a_test.go": with(`import "net/http"`), "cmd/oriel/a.go": "package main\n\n" + `import "github.com/spf13/cobra"`}, ""},

	{"test support", "library", sample{"pool/a.go": with(`import "github.com/oriel-go/oriel/internal/leaktest"`)}, "for tests only"},
	{"test support", "command", sample{"cmd/oriel/a.go": with(`import "github.com/oriel-go/oriel/window/windowtest"`)}, "for tests only"},
	{"test support", "good", sample{"pool/a_test.go": with(`import "github.com/oriel-go/oriel/internal/leaktest"`)}, ""},

	{"nested modules", "workspace", sample{"go.work": ""}, "workspace"},
	{"nested modules", "not a module", sample{"bench/a.go": "package main\n"}, "module of its own"},
	{"nested modules", "imported", sample{"cmd/oriel/a.go": with(`import "github.com/oriel-go/oriel/bench/plot"`)}, "must not import the nested module"},
	{"nested modules", "unknown", sample{"pool/go.mod": ""}, "policy does not name"},
	{"nested modules", "name", sample{"bench/go.mod": "module bench\n\nreplace github.com/oriel-go/oriel => ../\n"}, "lacks \"module"},
	{"nested modules", "no replace", sample{"bench/go.mod": "module github.com/oriel-go/oriel/bench\n"}, "=> .."},
	{"nested modules", "good", sample{"bench/go.mod": "module github.com/oriel-go/oriel/bench\n\nreplace github.com/oriel-go/oriel => ../\n",
		"bench/a.go": "package main\n"}, ""},

	{"unsafe", "name", sample{"pool/a.go": with(`import "unsafe"`)}, "unsafe in their name"},
	{"unsafe", "in a test", sample{"pool/a_test.go": with(`import _ "unsafe"`)}, "unsafe in their name"},
	{"unsafe", "good", sample{"pool/a_unsafe.go": with(`import "unsafe"`), "pool/a_unsafe_test.go": with(`import "unsafe"`)}, ""},

	{"no init", "init", sample{"pool/a.go": with("func init() {}")}, "func init"},
	{"no init", "good", sample{"pool/a.go": with("type T int", "func (T) init() {}"), "pool/a_test.go": with("func init() {}"),
		"cmd/oriel/a.go": with("func init() {}")}, ""},

	{"no configuring globals", "var", sample{"pool/a.go": with("var Size = 1")}, "pool.Size"},
	{"no configuring globals", "group", sample{"pool/a.go": with("var (", "a int", "b, Debug bool", ")")}, "pool.Debug"},
	{"no configuring globals", "good", sample{"pool/a.go": with("var ErrFull error", "var size int", "const Max = 1"),
		"pool/a_test.go": with("var Size = 1"), "window/a.go": "package window\n\nvar Heap = 1\n"}, ""},

	{"silent library", "fmt", sample{"pool/a.go": with(`import "fmt"`, "func f() { fmt.Println() }")}, "fmt.Println"},
	{"silent library", "renamed", sample{"pool/a.go": with(`import out "fmt"`, "func f() { out.Printf(`x`) }")}, "fmt.Printf"},
	{"silent library", "stream", sample{"pool/a.go": with(`import "os"`, "var w = os.Stderr")}, "os.Stderr"},
	{"silent library", "environment", sample{"pool/a_linux.go": with(`import "os"`, "var v = os.Getenv(`X`)")}, "os.Getenv"},
	{"silent library", "builtin", sample{"pool/a.go": with("func f() { println(1) }")}, "must not print"},
	{"silent library", "good", sample{"pool/a.go": with(`import ("fmt"; "os")`, "func f() { _ = fmt.Sprint(os.Stdin) }"),
		"pool/a_test.go": with(`import "fmt"`, "func f() { fmt.Println() }"), "cmd/oriel/a.go": with("func f() { println(1) }")}, ""},

	{"words", "package", sample{"pool/a.go": "package util\n"}, `"util"`},
	{"words", "folder", sample{"internal/common/a.go": "package x\n"}, `"common"`},
	{"words", "file", sample{"pool/helpers_test.go": unit}, `"helpers"`},
	{"words", "function", sample{"pool/a.go": with("func readHelper() {}")}, "readHelper"},
	{"words", "variable", sample{"pool/a.go": with("func f() { ioUtil := 1; _ = ioUtil }")}, "ioUtil"},
	{"words", "method", sample{"pool/a.go": with("func (r reader) readHelper() {}")}, "readHelper"},
	{"words", "must", sample{"pool/a_test.go": with("func MustOpen() {}")}, "return the error"},
	{"words", "good", sample{"pool/a_test.go": with("func commonPrefix(t T) { t.Helper(); mustard := 1; _ = mustard }", "func mustOpen() {}", "func Mustard() {}", "func (r *recorder) Helper() {}")}, ""},

	{"skips say why", "skip", sample{"pool/a_test.go": with("func f(t T) { t.Skip() }")}, "says why"},
	{"skips say why", "skip now", sample{"pool/a_test.go": with("func f(b T) { b.SkipNow() }")}, "says why"},
	{"skips say why", "empty", sample{"window/windowtest/a.go": with("func f(t T) { t.Skip(``) }")}, "says why"},
	{"skips say why", "method", sample{"pool/a_test.go": with("func (r R) run(t T) { t.Skip() }")}, "says why"},
	{"skips say why", "good", sample{"pool/a_test.go": with("func f(t T) { t.Skip(`no io_uring`); t.Skipf(`%v`, 1) }", "func (r R) Skip(...any) { r.SkipNow() }"), "pool/a.go": with("func f(c C) { c.Skip() }")}, ""},

	{"no sleeping tests", "sleep", sample{"pool/a_test.go": with(`import "time"`, "func f() { time.Sleep(1) }")}, "within synctest"},
	{"no sleeping tests", "renamed", sample{"pool/a_test.go": with(`import clock "time"`, "var nap = clock.Sleep")}, "within synctest"},
	{"no sleeping tests", "after", sample{"pool/a_test.go": with(`import "time"`, "func f() { <-time.After(1) }")}, "a sleep"},
	{"no sleeping tests", "beside a bubble", sample{"pool/a_test.go": with(`import ("testing/synctest"; "time")`,
		"func f() { time.Sleep(1); synctest.Test(nil, func(t T) { synctest.Wait() }) }")}, "within synctest"},
	{"no sleeping tests", "in a bubble", sample{"pool/a_test.go": with(`import ("testing/synctest"; "time")`,
		"func f() { synctest.Test(nil, func(t T) { time.Sleep(1); synctest.Wait() }) }", "func settle() { time.Sleep(1); synctest.Wait() }")}, ""},
	{"no sleeping tests", "good", sample{"pool/a_test.go": with(`import "time"`, "func f(c chan int) { select { case <-c: case <-time.After(1): } }"),
		"pool/a.go": with(`import "time"`, "func f() { time.Sleep(1) }"), "internal/leaktest/a.go": with(`import "time"`, "func f() { time.Sleep(1) }")}, ""},
}

// TestSamples shows for every rule what it catches and what it leaves alone.
func TestSamples(t *testing.T) {
	for _, s := range samples {
		t.Run(s.rule+"/"+s.name, func(t *testing.T) {
			i := slices.IndexFunc(rules, func(r rule) bool { return r.name == s.rule })
			if i < 0 {
				t.Fatalf("there is no rule %q", s.rule)
			}
			fsys := fstest.MapFS{}
			for path, src := range s.files {
				fsys[path] = &fstest.MapFile{Data: []byte(src)}
			}
			found := load(fsys).check(rules[i : i+1])
			if s.want == "" {
				for _, v := range found {
					t.Errorf("found %v in\n%s", v, strings.Join(slices.Sorted(maps.Values(s.files)), "----\n"))
				}
				return
			}
			if !slices.ContainsFunc(found, func(v violation) bool { return strings.Contains(v.text, s.want) }) {
				t.Errorf("found %v, want a violation with %q", found, s.want)
			}
		})
	}
}

// TestEveryRuleCanFail fails for a rule that no sample breaks: a check that
// cannot fail checks nothing.
func TestEveryRuleCanFail(t *testing.T) {
	for _, r := range rules {
		if !slices.ContainsFunc(samples, func(s broken) bool { return s.rule == r.name && s.want != "" }) {
			t.Errorf("no sample breaks rule %q", r.name)
		}
		if r.name != "parse" && !slices.ContainsFunc(samples, func(s broken) bool { return s.rule == r.name && s.want == "" }) {
			t.Errorf("no sample shows what rule %q leaves alone", r.name)
		}
	}
}

// TestLoadSkipsWhatGoSkips: testdata, vendor and hidden folders hold no code
// of the module.
func TestLoadSkipsWhatGoSkips(t *testing.T) {
	fsys := fstest.MapFS{}
	for _, p := range []string{"a/testdata/a.go", "vendor/a.go", ".ci/a.go", "_x/a.go", "a/b.go"} {
		fsys[p] = &fstest.MapFile{Data: []byte("package a\n")}
	}
	tree := load(fsys)
	if len(tree.files) != 1 || tree.files[0].path != "a/b.go" {
		t.Errorf("loaded %d files, want a/b.go only", len(tree.files))
	}
}
