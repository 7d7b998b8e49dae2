package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/creditorro/ringmaster/internal/testdeps/prose"
)

// changelog tells of what was, too.
const changelog = "CHANGELOG.md"

// TestDocsLinkWhereSomethingIs: every relative link, with its fragment.
func TestDocsLinkWhereSomethingIs(t *testing.T) {
	pages, seen := map[string]prose.Page{}, 0
	for _, page := range prose.Pages(t) {
		pages[page.Path] = page
	}
	for name, page := range pages {
		for _, link := range page.Links {
			if strings.Contains(link, "://") || strings.HasPrefix(link, "mailto:") {
				continue
			}
			seen++
			file, fragment, anchored := strings.Cut(link, "#")
			to := name
			if file != "" {
				to = path.Join(path.Dir(name), file)
			}
			if !exists(to) {
				t.Errorf("%s links to %s, which is not there", name, link)
			} else if anchored && !slices.Contains(pages[to].Headings, fragment) {
				t.Errorf("%s links to %s, where no heading makes #%s", name, link, fragment)
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d links seen", seen)
	}
}

// aPath is what looks like a file or folder of ours. Addresses of the API begin with a slash, and files of a data folder are not
// here.
var aPath = regexp.MustCompile(`^(?:\./)?[a-z][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_.-]+)+/?$|^[A-Za-z0-9_-]+\.(?:go|md|sql|ts|js|yaml|mk)$|^[a-z]+/$`)

// elsewhere are paths of other folders (a node's data, a package's), and what only looks like a path (text/csv).
var elsewhere = regexp.MustCompile(`^(?:github\.com|dist|data|keys|bin|text|application|audio|uk|us|g711|sip|socket\.io)/|^live\.json$`)

// TestDocsNameFilesThatExist: whatever in backticks looks like a file, a folder or a package of ours.
func TestDocsNameFilesThatExist(t *testing.T) {
	names := fileNames(t)
	seen := 0
	for _, page := range prose.Pages(t) {
		if page.Path == changelog {
			continue
		}
		for _, span := range page.Code {
			for word := range strings.FieldsSeq(span) {
				if !aPath.MatchString(word) || elsewhere.MatchString(word) || strings.Contains(word, "NAME") {
					continue
				}
				seen++
				if !exists(word) && !exists(path.Join(path.Dir(page.Path), word)) && !names[word] {
					t.Errorf("%s names `%s`, which is not there", page.Path, word)
				}
			}
		}
	}
	if seen < 30 {
		t.Errorf("only %d names of files seen", seen)
	}
}

// aFile is a file of ours in a comment, by its name or its path.
var aFile = regexp.MustCompile(`(?:^|[\s("` + "`" + `])((?:[A-Za-z0-9_-]+/)*[A-Za-z0-9_-]+(?:_test)?\.(?:go|md|sql))\b`)

// TestCommentsNameFilesThatExist: files and pages in the comments of Go files.
func TestCommentsNameFilesThatExist(t *testing.T) {
	names := fileNames(t)
	seen := 0
	comments(t, func(file, text string) {
		for _, m := range aFile.FindAllStringSubmatch(text, -1) {
			name := m[1]
			seen++
			if !exists(name) && !exists(path.Join(path.Dir(file), name)) && !names[name] {
				t.Errorf("%s: a comment names %s, which is not there", file, name)
			}
		}
	})
	if seen < 10 {
		t.Errorf("only %d files named in comments seen", seen)
	}
}

// TestDocsNameCodeThatExists: `dialer.State.After` and its like, tests by name, and targets of the Makefile.
func TestDocsNameCodeThatExists(t *testing.T) {
	declared, tests := declarations(t)
	makefile, err := os.ReadFile(filepath.Join(prose.Root(t), "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	qualified := regexp.MustCompile(`^([a-z][a-z0-9]*)\.([A-Za-z]\w*)(?:\.([A-Za-z]\w*))?(?:\(\))?$`)
	aTest := regexp.MustCompile(`\b(?:Test|Fuzz|Benchmark)[A-Z]\w*`)
	target := regexp.MustCompile(`(?m)^\s*make ([a-z][a-z-]*)`)
	seen := 0
	for _, page := range prose.Pages(t) {
		if page.Path == changelog {
			continue
		}
		text := slices.Clone(page.Code)
		for _, block := range page.Blocks {
			text = append(text, block.Text)
		}
		for _, span := range text {
			if m := qualified.FindStringSubmatch(span); m != nil && declared[m[1]] != nil && !isSetting(m[2]) {
				seen++
				if !declared[m[1]][m[2]] || m[3] != "" && !declared[m[1]][m[3]] {
					t.Errorf("%s names `%s`, which package %s does not have", page.Path, span, m[1])
				}
			}
			for _, name := range aTest.FindAllString(span, -1) {
				if !slices.ContainsFunc(tests, func(test string) bool { return strings.HasPrefix(test, name) }) {
					t.Errorf("%s names %s, and no test is called so", page.Path, name)
				}
			}
			for _, m := range target.FindAllStringSubmatch(span, -1) {
				if !strings.Contains(string(makefile), "\n"+m[1]+":") {
					t.Errorf("%s names `make %s`, which the Makefile does not have", page.Path, m[1])
				}
			}
		}
	}
	if seen < 5 {
		t.Errorf("only %d names of code seen", seen)
	}
}

// TestDocsWalkACallThroughTheFiles: each step's functions are in its files.
func TestDocsWalkACallThroughTheFiles(t *testing.T) {
	quoted := regexp.MustCompile("`([^`]+)`")
	steps := 0
	for _, page := range prose.Pages(t) {
		for _, row := range page.Rows {
			if page.Path != "docs/architecture.md" || len(row) != 3 || !strings.Contains(row[1], ".go`") {
				continue
			}
			steps++
			var code strings.Builder
			for _, file := range quoted.FindAllStringSubmatch(row[1], -1) {
				text, err := os.ReadFile(filepath.Join(prose.Root(t), file[1]))
				if err != nil {
					t.Errorf("%s: %v", row[0], err)
				}
				code.Write(text)
			}
			for _, name := range quoted.FindAllStringSubmatch(row[2], -1) {
				if !regexp.MustCompile(`(?m)^func (\([^)]+\) )?` + name[1] + `\(`).MatchString(code.String()) {
					t.Errorf("%s: %s does not have %s", row[0], row[1], name[1])
				}
			}
		}
	}
	if steps < 10 {
		t.Errorf("only %d steps seen", steps)
	}
}

// isSetting: settings and events are written like a package's names, in small letters alone.
func isSetting(name string) bool { return strings.ToLower(name) == name && name != "next" }

// exists says whether a path from the project's folder is there.
func exists(name string) bool {
	_, err := os.Stat(filepath.Join("../..", name))
	return err == nil
}

// fileNames are the files and folders of the project by their last names, and by their last two.
func fileNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	err := filepath.WalkDir("../..", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == ".git") {
			return filepath.SkipDir
		}
		names[entry.Name()] = true
		names[path.Join(path.Base(path.Dir(filepath.ToSlash(name))), entry.Name())] = true
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// comments calls see with every comment of every Go file.
func comments(t *testing.T, see func(file, text string)) {
	t.Helper()
	prose.Files(t, func(name, text string) {
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, group := range file.Comments {
			see(name, group.Text())
		}
	}, ".go")
}

// declarations are the names that each package declares at its top, methods, fields and constants among them, and all tests.
func declarations(t *testing.T) (declared map[string]map[string]bool, tests []string) {
	t.Helper()
	declared = map[string]map[string]bool{}
	prose.Files(t, func(name, text string) {
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		names := declared[file.Name.Name]
		if names == nil {
			names = map[string]bool{}
			declared[file.Name.Name] = names
		}
		ast.Inspect(file, func(node ast.Node) bool {
			switch node := node.(type) {
			case *ast.FuncDecl:
				names[node.Name.Name] = true
				tests = append(tests, node.Name.Name)
				return false
			case *ast.TypeSpec:
				names[node.Name.Name] = true
			case *ast.Field:
				for _, field := range node.Names {
					names[field.Name] = true
				}
			case *ast.ValueSpec:
				for _, value := range node.Names {
					names[value.Name] = true
				}
			}
			return true
		})
	}, ".go")
	return declared, tests
}
