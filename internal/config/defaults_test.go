package config

import (
	"go/ast"
	"go/parser"
	"go/token"
	"testing"
)

// TestLimitsHaveOneHome: what a room defaults to for itself is no number of the configuration's own, or the two part one day.
func TestLimitsHaveOneHome(t *testing.T) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "config.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	ast.Inspect(file, func(n ast.Node) bool {
		f, ok := n.(*ast.FuncDecl)
		if ok {
			return f.Name.Name == "Default"
		}
		of, ok := n.(*ast.CompositeLit)
		if !ok {
			return true
		}
		name, _ := of.Type.(*ast.Ident)
		if name == nil || name.Name != "Limits" && name.Name != "SIP" {
			return true
		}
		for _, field := range of.Elts {
			seen++
			value := field.(*ast.KeyValueExpr).Value
			if shifted, ok := value.(*ast.BinaryExpr); ok && shifted.Op == token.SHR { // another unit
				value = shifted.X
			}
			selector, _ := value.(*ast.SelectorExpr)
			if from, _ := selectorOf(selector).(*ast.Ident); from == nil || from.Name != "limits" {
				t.Errorf("%s: want a constant of internal/limits, which the room has as its default too", fset.Position(field.Pos()))
			}
		}
		return false
	})
	if seen < 9 {
		t.Errorf("%d defaults found: does the search still see what it should?", seen)
	}
}

func selectorOf(s *ast.SelectorExpr) ast.Expr {
	if s == nil {
		return nil
	}
	return s.X
}
