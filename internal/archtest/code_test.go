package archtest

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
	"unicode"
)

// codeRules are about what is written in the files.
var codeRules = []rule{
	{"no init", each(checkInit)},
	{"no configuring globals", each(checkVars)},
	{"silent library", each(checkSilent)},
	{"words", checkWords},
	{"skips say why", each(checkSkips)},
	{"no sleeping tests", each(checkSleeps)},
}

func checkInit(f *file, report func(token.Pos, string, ...any)) {
	if !f.library() {
		return
	}
	for _, d := range f.ast.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
			report(fn.Pos(), "a library package has no func init: importing it must do nothing")
		}
	}
}

func checkVars(f *file, report func(token.Pos, string, ...any)) {
	if !f.library() {
		return
	}
	for _, d := range f.ast.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.VAR {
			continue
		}
		for _, s := range g.Specs {
			for _, id := range s.(*ast.ValueSpec).Names {
				full := f.ast.Name.Name + "." + id.Name
				if id.IsExported() && !strings.HasPrefix(id.Name, "Err") && exportedVars[full] == "" {
					report(id.Pos(), "exported variable %s: options configure, globals do not", full)
				}
			}
		}
	}
}

// loud lists what a library package must not use, by import path.
var loud = map[string][]string{
	"fmt":     {"Print", "Printf", "Println"},
	"os":      {"Stdout", "Stderr", "Getenv", "LookupEnv", "Environ", "ExpandEnv", "Exit"},
	"syscall": {"Getenv", "Environ", "Stdout", "Stderr", "Exit"},
}

func checkSilent(f *file, report func(token.Pos, string, ...any)) {
	if !f.library() || talkers[f.dir] != "" {
		return
	}
	for p, names := range loud {
		pkg := f.named(p)
		if pkg == "" {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && isIdent(s.X, pkg) && slices.Contains(names, s.Sel.Name) {
				report(s.Pos(), "a library package must not use %s.%s", p, s.Sel.Name)
			}
			return true
		})
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		if c, ok := n.(*ast.CallExpr); ok && (isIdent(c.Fun, "print") || isIdent(c.Fun, "println")) {
			report(c.Pos(), "a library package must not print")
		}
		return true
	})
}

func isIdent(x ast.Expr, name string) bool {
	id, ok := x.(*ast.Ident)
	return ok && id.Name == name
}

// checkWords looks for names that say nothing. "common" is refused where it
// is the noun; commonPrefix is a thing.
func checkWords(t *tree, report reporter) {
	for _, f := range t.files {
		name := strings.TrimSuffix(f.base(), ".go")
		for _, s := range append(strings.Split(f.dir, "/"), name, f.ast.Name.Name) {
			if w := vague(s); w != "" {
				report(f, token.NoPos, "%q says nothing: name %s for what is in it", w, s)
				break
			}
		}
		for _, id := range declared(f.ast) {
			if w := vague(id.Name); w != "" {
				report(f, id.Pos(), "%q says nothing: name %s for what it does", w, id.Name)
			}
		}
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && words(fn.Name.Name)[0] == "must" && fn.Name.IsExported() {
				report(f, fn.Pos(), "func %s: return the error", fn.Name.Name)
			}
		}
	}
}

// vague returns the word in a name that says nothing, or "".
func vague(name string) string {
	ws := words(name)
	for i, w := range ws {
		switch w {
		case "util", "utils", "helper", "helpers":
			return w
		case "common":
			if i == len(ws)-1 || ws[i+1] == "test" {
				return w
			}
		}
	}
	return ""
}

// words splits a name at capitals, underscores and digits; it returns at
// least one word.
func words(name string) []string {
	var ws []string
	begin := true
	for _, r := range name {
		switch {
		case !unicode.IsLetter(r):
			begin = true
			continue
		case unicode.IsUpper(r) || begin:
			ws = append(ws, "")
			begin = false
		}
		ws[len(ws)-1] += string(unicode.ToLower(r))
	}
	if len(ws) == 0 {
		return []string{""}
	}
	return ws
}

// declared returns every name that a file declares: functions, types, values,
// fields, parameters and local variables.
func declared(a *ast.File) []*ast.Ident {
	var ids []*ast.Ident
	ast.Inspect(a, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Recv == nil || n.Name.Name != "Helper" { // of a testing.TB
				ids = append(ids, n.Name)
			}
		case *ast.TypeSpec:
			ids = append(ids, n.Name)
		case *ast.ValueSpec:
			ids = append(ids, n.Names...)
		case *ast.Field:
			ids = append(ids, n.Names...)
		case *ast.AssignStmt:
			for _, x := range n.Lhs {
				if id, ok := x.(*ast.Ident); ok && n.Tok == token.DEFINE {
					ids = append(ids, id)
				}
			}
		}
		return true
	})
	return ids
}

func checkSkips(f *file, report func(token.Pos, string, ...any)) {
	if !f.test() && !f.supportive() {
		return
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		if fn, ok := n.(*ast.FuncDecl); ok && fn.Recv != nil && strings.HasPrefix(fn.Name.Name, "Skip") {
			return false // of a testing.TB that records
		}
		c, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		s, ok := c.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		silent := len(c.Args) == 0
		if !silent {
			lit, ok := c.Args[0].(*ast.BasicLit)
			silent = ok && (lit.Value == `""` || lit.Value == "``")
		}
		if s.Sel.Name == "SkipNow" || silent && (s.Sel.Name == "Skip" || s.Sel.Name == "Skipf") {
			report(c.Pos(), "a skip says why: t.Skip(\"reason\")")
		}
		return true
	})
}

// checkSleeps looks at test files only: test support knows what it waits for
// by an interface, so it has to look again, for a bounded time. In a bubble of
// testing/synctest a sleep takes no time and means what it says.
func checkSleeps(f *file, report func(token.Pos, string, ...any)) {
	pkg := f.named("time")
	if !f.test() || sleepers[f.path] != "" || pkg == "" {
		return
	}
	inBubble := bubbles(f)
	cases := map[ast.Stmt]bool{} // of select statements, where time.After is a limit
	ast.Inspect(f.ast, func(n ast.Node) bool {
		if n == nil || inBubble[n] {
			return false
		}
		switch n := n.(type) {
		case *ast.CommClause:
			cases[n.Comm] = true
		case *ast.SelectorExpr:
			if isSelector(n, pkg, "Sleep") {
				report(n.Pos(), "a test waits for what it needs, or sleeps within synctest.Test")
			}
		case *ast.ExprStmt: // <-time.After(d) as a statement
			if u, ok := n.X.(*ast.UnaryExpr); ok && u.Op == token.ARROW && !cases[n] {
				if c, ok := u.X.(*ast.CallExpr); ok && isSelector(c.Fun, pkg, "After") {
					report(n.Pos(), "a test waits for what it needs; this is a sleep")
				}
			}
		}
		return true
	})
}

func isSelector(x ast.Node, pkg, name string) bool {
	s, ok := x.(*ast.SelectorExpr)
	return ok && isIdent(s.X, pkg) && s.Sel.Name == name
}

// bubbles returns the functions that run in a bubble of testing/synctest: the
// literals given to synctest.Test, and the declared functions that themselves
// call synctest.Wait, which panics anywhere else.
func bubbles(f *file) map[ast.Node]bool {
	found := map[ast.Node]bool{}
	pkg := f.named("testing/synctest")
	for _, d := range f.ast.Decls {
		ast.Inspect(d, func(n ast.Node) bool {
			if c, ok := n.(*ast.CallExpr); ok && isSelector(c.Fun, pkg, "Test") {
				for _, arg := range c.Args {
					if lit, ok := arg.(*ast.FuncLit); ok {
						found[lit] = true
					}
				}
			}
			if isSelector(n, pkg, "Wait") {
				found[d] = true
			}
			return n != nil && !found[n]
		})
	}
	return found
}
