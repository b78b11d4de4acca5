package archtest

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// A tree is every Go file below a folder, of the root module and of the ones
// nested in it. Build constraints are not applied.
type tree struct {
	fset   *token.FileSet
	files  []*file           // in the order of their paths
	mods   map[string]string // folder of a nested module: its go.mod
	faults []violation       // what could not be read or parsed
	work   []string          // go.work files
}

// A file is one parsed Go file.
type file struct {
	path   string // from the root, with slashes
	dir    string // "." for the root
	module string // the folder of its module, "." for the root module
	src    []byte
	ast    *ast.File
	build  constraint.Expr // the //go:build line, nil without one
}

// A violation is one place that breaks one rule.
type violation struct {
	rule string
	path string
	line int // 0 for the file as a whole
	text string
}

func (v violation) String() string {
	if v.line == 0 {
		return fmt.Sprintf("%s: %s (%s)", v.path, v.text, v.rule)
	}
	return fmt.Sprintf("%s:%d: %s (%s)", v.path, v.line, v.text, v.rule)
}

func (f *file) base() string     { return path.Base(f.path) }
func (f *file) test() bool       { return strings.HasSuffix(f.path, "_test.go") }
func (f *file) root() bool       { return f.module == "." }
func (f *file) internal() bool   { return matches("internal/...", f.dir) }
func (f *file) command() bool    { return f.root() && matches("cmd/...", f.dir) }
func (f *file) library() bool    { return f.root() && !f.test() && !f.command() }
func (f *file) external() bool   { return f.test() && strings.HasSuffix(f.ast.Name.Name, "_test") }
func (f *file) lines() int       { return bytes.Count(f.src, []byte("\n")) }
func (f *file) supportive() bool { _, ok := testSupport[f.dir]; return f.root() && ok }

// named returns the name by which f refers to an imported package, "" when
// it does not import it.
func (f *file) named(importPath string) string {
	for _, s := range f.ast.Imports {
		if unquote(s) != importPath {
			continue
		}
		if s.Name != nil {
			return s.Name.Name
		}
		return path.Base(importPath)
	}
	return ""
}

func unquote(s *ast.ImportSpec) string {
	p, err := strconv.Unquote(s.Path.Value)
	if err != nil {
		return s.Path.Value
	}
	return p
}

// matches reports whether the path p is pattern, or below it when the pattern
// ends in "/..."; the pattern "..." matches everything.
func matches(pattern, p string) bool {
	if pattern == "..." {
		return true
	}
	if dir, ok := strings.CutSuffix(pattern, "/..."); ok {
		return p == dir || strings.HasPrefix(p, dir+"/")
	}
	return p == pattern
}

func matchesAny(patterns []string, p string) bool {
	return slices.ContainsFunc(patterns, func(s string) bool { return matches(s, p) })
}

// load reads the tree below fsys as the go command would: without testdata,
// vendor, and folders that begin with a dot or an underscore.
func load(fsys fs.FS) *tree {
	t := &tree{fset: token.NewFileSet(), mods: map[string]string{}}
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if p != "." && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "vendor") {
				return fs.SkipDir
			}
			return nil
		}
		switch {
		case name == "go.work":
			t.work = append(t.work, p)
		case name == "go.mod" && p != "go.mod":
			src, err := fs.ReadFile(fsys, p)
			if err != nil {
				return err
			}
			t.mods[path.Dir(p)] = string(src)
		case strings.HasSuffix(name, ".go"):
			return t.parse(fsys, p)
		}
		return nil
	})
	if err != nil {
		t.faults = append(t.faults, violation{path: ".", text: err.Error()})
	}
	for _, f := range t.files {
		f.module = "."
		for dir := range t.mods {
			if matches(dir+"/...", f.dir) {
				f.module = dir
			}
		}
	}
	return t
}

func (t *tree) parse(fsys fs.FS, p string) error {
	src, err := fs.ReadFile(fsys, p)
	if err != nil {
		return err
	}
	a, err := parser.ParseFile(t.fset, p, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.faults = append(t.faults, violation{path: p, text: err.Error()})
		return nil
	}
	f := &file{path: p, dir: path.Dir(p), src: src, ast: a}
	for _, g := range a.Comments {
		if g.Pos() > a.Package {
			break
		}
		for _, c := range g.List {
			if !constraint.IsGoBuild(c.Text) {
				continue
			}
			f.build, err = constraint.Parse(c.Text)
			if err != nil {
				t.faults = append(t.faults, violation{path: p, text: err.Error()})
			}
		}
	}
	t.files = append(t.files, f)
	return nil
}

// packages returns the files of each folder.
func (t *tree) packages() map[string][]*file {
	m := map[string][]*file{}
	for _, f := range t.files {
		m[f.dir] = append(m[f.dir], f)
	}
	return m
}

// check runs rules over the tree and returns what they found.
func (t *tree) check(rules []rule) []violation {
	var found []violation
	for _, r := range rules {
		r.check(t, func(f *file, at token.Pos, format string, args ...any) {
			v := violation{rule: r.name, path: ".", text: fmt.Sprintf(format, args...)}
			if f != nil {
				v.path = f.path
			}
			if at.IsValid() {
				v.line = t.fset.Position(at).Line
			}
			found = append(found, v)
		})
	}
	return found
}

// A rule looks at a tree and reports every place that breaks it.
type rule struct {
	name  string
	check func(t *tree, report reporter)
}

// A reporter records a violation in f, nil for the tree as a whole, at a
// position or token.NoPos.
type reporter func(f *file, at token.Pos, format string, args ...any)

// each makes a rule's check out of a function for one file.
func each(check func(f *file, report func(at token.Pos, format string, args ...any))) func(*tree, reporter) {
	return func(t *tree, report reporter) {
		for _, f := range t.files {
			check(f, func(at token.Pos, format string, args ...any) { report(f, at, format, args...) })
		}
	}
}
