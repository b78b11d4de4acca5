package archtest

import (
	"go/ast"
	"go/build/constraint"
	"go/token"
	"slices"
	"strings"
)

// fileRules are about files: their names, sizes and package comments.
var fileRules = []rule{
	{"parse", checkParse},
	{"package comment", checkDoc},
	{"platform names", each(checkPlatform)},
	{"sizes", each(checkSizes)},
}

func checkParse(t *tree, report reporter) {
	for _, v := range t.faults {
		report(nil, token.NoPos, "%s: %s", v.path, v.text)
	}
}

func checkDoc(t *tree, report reporter) {
	for dir, files := range t.packages() {
		i := slices.IndexFunc(files, func(f *file) bool { return f.base() == "doc.go" })
		if i < 0 {
			report(files[0], token.NoPos, "package %s has no doc.go", dir)
			continue
		}
		for j, f := range files {
			if j != i && !f.test() && f.ast.Doc != nil {
				report(f, f.ast.Doc.Pos(), "the package comment belongs into doc.go")
			}
		}
		checkComment(files[i], report)
	}
}

func checkComment(f *file, report reporter) {
	doc := f.ast.Doc
	if doc == nil {
		if len(f.ast.Comments) > 0 && f.ast.Comments[0].Pos() < f.ast.Package {
			report(f, f.ast.Package, "a blank line above the package clause hides the package comment")
		} else {
			report(f, f.ast.Package, "no package comment")
		}
		return
	}
	name, text := f.ast.Name.Name, doc.Text()
	if name == "main" {
		if !strings.HasPrefix(text, "Command ") && !strings.HasPrefix(text, "Oriel ") {
			report(f, doc.Pos(), "the package comment of a command begins with \"Command …\" or \"Oriel \"")
		}
		return
	}
	if !strings.HasPrefix(text, "Package "+name+" ") {
		report(f, doc.Pos(), "the package comment begins with \"Package %s \"", name)
	}
}

// systems and machines are the names that the go command reads in a file
// name, as far as anybody would write them here.
var (
	systems = []string{"aix", "android", "darwin", "dragonfly", "freebsd", "illumos", "ios", "js", "linux",
		"netbsd", "openbsd", "plan9", "solaris", "wasip1", "windows"}
	machines = []string{"386", "amd64", "arm", "arm64", "loong64", "mips", "mipsle", "mips64", "mips64le",
		"ppc64", "ppc64le", "riscv64", "s390x", "wasm"}
)

// checkPlatform looks at the parts of a file name between underscores. The go
// command obeys only _GOOS, _GOARCH and _GOOS_GOARCH at the end, and nothing
// before the first underscore.
func checkPlatform(f *file, report func(token.Pos, string, ...any)) {
	name := strings.TrimSuffix(strings.TrimSuffix(f.base(), ".go"), "_test")
	parts := strings.Split(name, "_")[1:]
	rest := parts
	if n := len(rest); n > 0 && slices.Contains(machines, rest[n-1]) {
		rest = rest[:n-1]
	}
	system := ""
	if n := len(rest); n > 0 && slices.Contains(systems, rest[n-1]) {
		system, rest = rest[n-1], rest[:n-1]
	}
	for _, p := range rest {
		if slices.Contains(systems, p) || slices.Contains(machines, p) {
			report(token.NoPos, "_%s constrains nothing unless it comes last (x_unsafe_linux.go, not x_linux_unsafe.go)", p)
		}
	}
	// The word is a noun here, too: cursor_windows_test.go would never run.
	if system == "windows" && f.build == nil && f.named("golang.org/x/sys/windows") == "" && f.named("syscall") == "" {
		report(token.NoPos, "compiled for Windows only; if so, say it with //go:build windows")
	}
	if slices.Contains(parts, "unix") && !unixOnly(f.build) {
		report(token.NoPos, "_unix constrains nothing: write //go:build unix")
	}
	if slices.Contains(parts, "other") && f.build == nil {
		report(token.NoPos, "_other constrains nothing: write a //go:build line")
	}
}

// unixOnly reports whether x holds on some Unix and on nothing else.
func unixOnly(x constraint.Expr) bool {
	if x == nil {
		return false
	}
	holds := func(system string) bool {
		return x.Eval(func(tag string) bool {
			other := system == "windows" || system == "plan9" || system == "js" || system == "wasip1"
			return tag == system || tag == "unix" && !other
		})
	}
	some := false
	for _, s := range systems {
		switch s {
		case "windows", "plan9", "js", "wasip1":
			if holds(s) {
				return false
			}
		default:
			some = some || holds(s)
		}
	}
	return some
}

func checkSizes(f *file, report func(token.Pos, string, ...any)) {
	maxFile, maxFunc := maxFileLines, maxFuncLines
	if f.test() {
		maxFile, maxFunc = maxTestFileLines, maxTestFuncLines
	}
	if n := f.lines(); n > maxFile {
		report(token.NoPos, "%d lines, more than %d", n, maxFile)
	}
	// The parsed file starts at an offset within its set; newlines between
	// two positions are all that counts.
	base := f.ast.FileStart
	for _, d := range f.ast.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		n := strings.Count(string(f.src[fn.Pos()-base:fn.End()-base]), "\n") + 1
		if n > maxFunc {
			report(fn.Pos(), "func %s has %d lines, more than %d", fn.Name.Name, n, maxFunc)
		}
	}
}
