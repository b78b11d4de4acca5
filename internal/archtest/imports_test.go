package archtest

import (
	"fmt"
	"go/token"
	"slices"
	"strings"
)

// importRules are about who imports whom.
var importRules = []rule{
	{"lattice", each(checkLattice)},
	{"outside", each(checkOutside)},
	{"test support", each(checkSupport)},
	{"nested modules", checkNested},
	{"unsafe", each(checkUnsafe)},
}

// ours returns the folder of an import path of the root module.
func ours(importPath string) (dir string, ok bool) {
	if importPath == modulePath {
		return ".", true
	}
	return strings.CutPrefix(importPath, modulePath+"/")
}

func checkLattice(f *file, report func(token.Pos, string, ...any)) {
	if !f.root() {
		return
	}
	i := slices.IndexFunc(lattice, func(r row) bool { return matches(r.pkg, f.dir) })
	if i < 0 {
		report(token.NoPos, "package %s has no row in the lattice", f.dir)
		return
	}
	if f.external() && !f.internal() {
		return
	}
	for _, s := range f.ast.Imports {
		dir, ok := ours(unquote(s))
		if !ok || dir == f.dir || matchesAny(lattice[i].may, dir) {
			continue
		}
		if _, ok := testSupport[dir]; ok {
			continue // checkSupport knows
		}
		report(s.Pos(), "%s must not import %s", f.dir, dir)
	}
}

// standard reports whether an import path is of the standard library, cgo
// excluded.
func standard(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return importPath != "C" && !strings.Contains(first, ".")
}

func checkOutside(f *file, report func(token.Pos, string, ...any)) {
	for _, s := range f.ast.Imports {
		p := unquote(s)
		if p == "C" {
			report(s.Pos(), "no cgo: it ends cross compilation")
		}
		if !f.library() {
			continue
		}
		why, isBanned := banned[p]
		switch _, isOurs := ours(p); {
		case isBanned && talkers[f.dir] == "":
			report(s.Pos(), "a library package must not import %s: %s", p, why)
		case p != "C" && !standard(p) && !isOurs && !matchesAny(outside, p):
			report(s.Pos(), "a library package must not import %s", p)
		case s.Name != nil && s.Name.Name == ".":
			report(s.Pos(), "a dot import hides whose names these are")
		}
	}
}

func checkSupport(f *file, report func(token.Pos, string, ...any)) {
	if f.test() || f.supportive() {
		return
	}
	for _, s := range f.ast.Imports {
		dir, _ := ours(unquote(s))
		if why, ok := testSupport[dir]; ok {
			report(s.Pos(), "%s is for tests only: %s", dir, why)
		}
	}
}

func checkNested(t *tree, report reporter) {
	for _, p := range t.work {
		report(nil, token.NoPos, "%s: the modules must build without a workspace file", p)
	}
	for _, f := range t.files {
		top, _, _ := strings.Cut(f.dir, "/")
		if why, ok := nested[top]; ok && f.root() {
			report(f, token.NoPos, "%s must be a module of its own: %s", top, why)
		}
		for _, s := range f.ast.Imports {
			dir, ok := ours(unquote(s))
			top, _, _ := strings.Cut(dir, "/")
			if _, isNested := nested[top]; ok && isNested && f.root() {
				report(f, s.Pos(), "the root module must not import the nested module %s", top)
			}
		}
	}
	for dir, mod := range t.mods {
		if nested[dir] == "" {
			report(nil, token.NoPos, "%s/go.mod: a nested module that policy does not name", dir)
		}
		up := strings.Repeat("/..", strings.Count(dir, "/")+1)[1:]
		for _, want := range []string{
			fmt.Sprintf("module %s/%s", modulePath, dir),
			fmt.Sprintf("%s => %s", modulePath, up),
		} {
			if !strings.Contains(strings.ReplaceAll(mod, up+"/\n", up+"\n"), want+"\n") {
				report(nil, token.NoPos, "%s/go.mod: lacks %q", dir, want)
			}
		}
	}
}

func checkUnsafe(f *file, report func(token.Pos, string, ...any)) {
	for _, s := range f.ast.Imports {
		if unquote(s) == "unsafe" && !strings.Contains(f.base(), "unsafe") {
			report(s.Pos(), "unsafe is imported only by files with unsafe in their name")
		}
	}
}
