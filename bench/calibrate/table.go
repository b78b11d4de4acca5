package main

import (
	"fmt"
	"go/ast"
	number "go/constant"
	"go/parser"
	"go/token"
	"go/types"
)

// readTable returns the constants of a Go file that are numbers, and the fields
// of composite literals of its variables. What depends on other files is left
// out, so that a table is read that does not compile yet.
func readTable(name string) (map[string]float64, error) {
	files := token.NewFileSet()
	f, err := parser.ParseFile(files, name, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	info := types.Info{Defs: map[*ast.Ident]types.Object{}, Types: map[ast.Expr]types.TypeAndValue{}}
	// Errors are what other files declare.
	check := types.Config{Error: func(error) {}}
	check.Check("table", files, []*ast.File{f}, &info)

	table := map[string]float64{}
	put := func(name string, v number.Value) {
		if v == nil || v.Kind() != number.Int && v.Kind() != number.Float {
			return
		}
		if x, ok := number.Float64Val(number.ToFloat(v)); ok || x != 0 {
			table[name] = x
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			return false
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok {
				put(key.Name, info.Types[n.Value].Value)
			}
		case *ast.Ident:
			if c, ok := info.Defs[n].(*types.Const); ok {
				put(n.Name, c.Val())
			}
		}
		return true
	})
	if len(table) == 0 {
		return nil, fmt.Errorf("%s: there are no constants", name)
	}
	return table, nil
}
