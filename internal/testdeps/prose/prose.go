// Package prose reads what is written about the project, for the tests that hold it against the code.
package prose

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// Page is a Markdown file.
type Page struct {
	Path     string   // from the project's folder
	Code     []string // what stands `in backticks`
	Blocks   []Block  // what stands between fences
	Links    []string // where its links lead
	Headings []string // as fragments: "calling-hours"
	Rows     [][]string
}

// Block is what stands between two fences.
type Block struct{ Language, Text string }

var (
	code  = regexp.MustCompile("``([^`]+)``|`([^`]+)`")
	links = regexp.MustCompile(`\]\(([^)\s]+)\)`)
)

// Root is the project's folder, from that of the test that runs.
func Root(t testing.TB) string {
	t.Helper()
	folder, err := os.Getwd()
	for err == nil {
		if _, missing := os.Stat(filepath.Join(folder, "go.mod")); missing == nil {
			return folder
		}
		if filepath.Dir(folder) == folder {
			break
		}
		folder = filepath.Dir(folder)
	}
	t.Fatalf("no go.mod above the test's folder: %v", err)
	return ""
}

// Files calls see with every file of the project whose name has one of the endings, by its path from the project's folder.
func Files(t testing.TB, see func(path, text string), endings ...string) {
	t.Helper()
	root := Root(t)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			if name == "node_modules" || name == "bin" || strings.HasPrefix(name, ".") && path != root {
				return filepath.SkipDir
			}
			return nil
		}
		for _, ending := range endings {
			if strings.HasSuffix(name, ending) {
				text, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				short, err := filepath.Rel(root, path)
				see(filepath.ToSlash(short), string(text))
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Pages are all Markdown files of the project.
func Pages(t testing.TB) []Page {
	t.Helper()
	var pages []Page
	Files(t, func(path, text string) { pages = append(pages, Parse(path, text)) }, ".md")
	if len(pages) < 10 {
		t.Fatalf("only %d pages found", len(pages))
	}
	return pages
}

// Parse reads a page. It knows as much of Markdown as our pages use.
func Parse(path, text string) Page {
	page := Page{Path: path}
	seen := map[string]int{}
	var open *Block
	var paragraph strings.Builder // code and links may go on in the next line
	flush := func() {
		for _, m := range code.FindAllStringSubmatch(paragraph.String(), -1) {
			page.Code = append(page.Code, strings.ReplaceAll(strings.TrimSpace(m[1]+m[2]), "\n", " "))
		}
		for _, m := range links.FindAllStringSubmatch(code.ReplaceAllString(paragraph.String(), "code"), -1) {
			page.Links = append(page.Links, m[1])
		}
		paragraph.Reset()
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		trimmed := strings.TrimSpace(line)
		if language, fence := strings.CutPrefix(trimmed, "```"); fence {
			flush()
			if open == nil {
				open = &Block{Language: language}
			} else {
				page.Blocks = append(page.Blocks, *open)
				open = nil
			}
			continue
		}
		if open != nil {
			open.Text += line + "\n"
			continue
		}
		if hashes := strings.TrimLeft(line, "#"); hashes != line && strings.HasPrefix(hashes, " ") {
			flush()
			name := fragment(hashes)
			if n := seen[name]; n > 0 {
				page.Headings = append(page.Headings, name+"-"+string(rune('0'+n)))
			} else {
				page.Headings = append(page.Headings, name)
			}
			seen[name]++
		}
		switch {
		case strings.HasPrefix(trimmed, "|"):
			flush()
			cells := strings.Split(strings.ReplaceAll(strings.Trim(trimmed, "|"), `\|`, "\x00"), "|")
			for i := range cells {
				cells[i] = strings.ReplaceAll(strings.TrimSpace(cells[i]), "\x00", "|")
			}
			page.Rows = append(page.Rows, cells)
			line = strings.ReplaceAll(line, `\|`, "|")
		case strings.HasPrefix(line, "    ") && paragraph.Len() == 0 && trimmed != "":
			page.Blocks = append(page.Blocks, Block{Text: trimmed + "\n"})
			continue
		case trimmed == "":
			flush()
			continue
		}
		paragraph.WriteString(line + "\n")
	}
	flush()
	return page
}

// fragment is what a heading is called in a link, as GitHub makes it.
func fragment(heading string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(strings.TrimSpace(heading)) {
		switch {
		case r == ' ':
			b.WriteByte('-')
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(r)
		}
	}
	return b.String()
}
