package arch

import (
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// maxWidth is how many characters a line may have, a tab as one. Raw strings and the tags of fields are not counted: they cannot
// be broken without saying something else.
const maxWidth = 130

func TestLinesAreShort(t *testing.T) {
	lines := 0
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
		if err != nil || generated.Match(text) {
			return err
		}
		for i, line := range strings.Split(withoutRaw(text), "\n") {
			lines++
			if n := utf8.RuneCountInString(line); n > maxWidth {
				t.Errorf("%s:%d has %d characters, at most %d are allowed", path, i+1, n, maxWidth)
			}
		}
		return nil
	})
	if err != nil || lines < 10_000 {
		t.Fatalf("%d lines seen, %v", lines, err)
	}
}

// withoutRaw is Go source whose raw strings are empty, with its lines as they were.
func withoutRaw(source []byte) string {
	file := token.NewFileSet().AddFile("", -1, len(source))
	var s scanner.Scanner
	s.Init(file, source, nil, 0)
	var b strings.Builder
	done := 0
	for {
		at, kind, text := s.Scan()
		if kind == token.EOF {
			return b.String() + string(source[done:])
		}
		if kind == token.STRING && text[0] == '`' {
			from := file.Offset(at)
			b.Write(source[done:from])
			b.WriteString("``" + strings.Repeat("\n", strings.Count(text, "\n")))
			done = from + len(text)
		}
	}
}
