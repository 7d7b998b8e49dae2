package arch

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// maxLines is how long a Go file may be. Past it, ask which second idea moved in.
const maxLines = 600

// generated is the mark of https://go.dev/s/generatedcode.
var generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

func TestFilesAreShort(t *testing.T) {
	files := 0
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == ".git") {
			return filepath.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(path, ".go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		if lines := bytes.Count(text, []byte{'\n'}); lines > maxLines && !generated.Match(text) {
			t.Errorf("%s has %d lines, at most %d are allowed", path, lines, maxLines)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 10 {
		t.Errorf("only %d Go files found", files)
	}
}

// maxMethods is how many exported methods a type may have. Past it, find the seams by the interfaces that are asked of it.
const maxMethods = 30

func TestTypesAreSmall(t *testing.T) {
	method := regexp.MustCompile(`(?m)^func \((?:\w+ )?\*?(\w+)(?:\[[\w, ]+\])?\) [A-Z]`)
	methods := map[string]int{}
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, found := range method.FindAllSubmatch(text, -1) {
			methods[filepath.Dir(path)+"."+string(found[1])]++
		}
		return err
	})
	if err != nil || len(methods) < 100 {
		t.Fatalf("%d types with methods found, %v", len(methods), err)
	}
	for name, n := range methods {
		if n > maxMethods {
			t.Errorf("%s has %d exported methods, at most %d are allowed", name, n, maxMethods)
		}
	}
}
