package arch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// TestStoredFieldsAreNamed: every exported field of what is written or read as JSON has its name in a tag. What has none is
// stored under its Go name: renaming it builds, passes, and loses what is stored. Who adds a form adds golden files too:
// internal/testdeps/forms.
func TestStoredFieldsAreNamed(t *testing.T) {
	passed := 0
	for file, untagged := range untaggedFields(t, module+"...", &passed) {
		t.Errorf("%s", file+": "+untagged)
	}
	if passed < 50 {
		t.Errorf("only %d values are seen on their way to JSON: does the search still see what it should?", passed)
	}
}

// listed is what go list tells of a package.
type listed struct {
	ImportPath, Dir, Export string
	GoFiles                 []string
}

// untaggedFields finds fields without a name, by the call that they were found by.
func untaggedFields(t *testing.T, packages string, passed *int) map[string]string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-export", "-deps", "-json=ImportPath,Dir,Export,GoFiles",
		packages).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	exports, ours := map[string]string{}, []listed{}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		exports[p.ImportPath] = p.Export
		if strings.HasPrefix(p.ImportPath, module) {
			ours = append(ours, p)
		}
	}
	fset := token.NewFileSet()
	compiled := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	found := map[string]string{}
	for _, p := range ours {
		if strings.Contains(p.ImportPath, "/testdeps") || strings.Contains(p.ImportPath, "/interop") || strings.Contains(p.ImportPath,
			"/scripts/") {
			continue
		}
		var files []*ast.File
		for _, name := range p.GoFiles {
			file, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, file)
		}
		info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}}
		config := types.Config{Importer: compiled}
		if _, err := config.Check(p.ImportPath, fset, files, info); err != nil {
			t.Fatalf("%s: %v", p.ImportPath, err)
		}
		for _, file := range files {
			ast.Inspect(file, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				arg := jsonArgument(info, call)
				if arg == nil {
					return true
				}
				*passed++
				if field := untagged(info.TypeOf(arg), map[types.Type]bool{}); field != "" {
					found[fset.Position(call.Pos()).String()] = field
				}
				return true
			})
		}
	}
	return found
}

// jsonArgument is the value that a call writes as JSON or reads from it; nil: the call does neither.
func jsonArgument(info *types.Info, call *ast.CallExpr) ast.Expr {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return nil
	}
	f, ok := info.Uses[selector.Sel].(*types.Func)
	if !ok || f.Pkg() == nil || f.Pkg().Path() != "encoding/json" {
		return nil
	}
	switch f.Name() {
	case "Marshal", "MarshalIndent", "Encode", "Decode":
		return call.Args[0]
	case "Unmarshal":
		return call.Args[1]
	}
	return nil
}

// untagged is the first exported field below the type that has no JSON name, such as "agents.Live.Login"; empty: all have one.
func untagged(of types.Type, seen map[types.Type]bool) string {
	if of == nil || seen[of] {
		return ""
	}
	seen[of] = true
	if writesItself(of) {
		return ""
	}
	switch u := of.Underlying().(type) {
	case *types.Pointer:
		return untagged(u.Elem(), seen)
	case *types.Slice:
		return untagged(u.Elem(), seen)
	case *types.Array:
		return untagged(u.Elem(), seen)
	case *types.Map:
		return untagged(u.Elem(), seen)
	case *types.Struct:
		for i := range u.NumFields() {
			field := u.Field(i)
			name, _, _ := strings.Cut(reflect.StructTag(u.Tag(i)).Get("json"), ",")
			switch {
			case name == "-" || !field.Exported() && !field.Embedded():
				continue
			case name == "" && !field.Embedded():
				return fmt.Sprintf("%s.%s is stored or sent without a name of its own: give it a json tag", types.TypeString(of, nil),
					field.Name())
			}
			if below := untagged(field.Type(), seen); below != "" {
				return below
			}
		}
	}
	return ""
}

// writesItself reports whether a type has its own way into JSON, as time.Time does.
func writesItself(of types.Type) bool {
	methods := types.NewMethodSet(of)
	if _, pointer := of.Underlying().(*types.Pointer); !pointer {
		methods = types.NewMethodSet(types.NewPointer(of))
	}
	return methods.Lookup(nil, "MarshalJSON") != nil || methods.Lookup(nil, "MarshalText") != nil
}
