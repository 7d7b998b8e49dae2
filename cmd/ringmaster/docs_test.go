package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/creditorro/ringmaster/internal/testdeps/prose"
)

// TestDocsNameCommandsThatExist: commands and flags, in docs, in what is deployed, and in comments and texts of the program; and
// docs name each command.
func TestDocsNameCommandsThatExist(t *testing.T) {
	model := commandLine(t.Context(), console{}).Model.Node
	named := map[string]bool{}
	check := func(path, line string) {
		if wrong := misused(model, line, named); wrong != "" {
			t.Errorf("%s: `%s`: %s", path, line, wrong)
		}
	}
	written := regexp.MustCompile("[`'](ringmaster [^`'\n]*)[`']|(?m:^\\s*(?:ExecStart(?:Pre)?=\\S*/)?(ringmaster [a-z][^\n]*)$)")
	prose.Files(t, func(path, text string) {
		if path == "CHANGELOG.md" || strings.HasPrefix(path, "cmd/ringmaster/docs_test") {
			return // it tells of what was, too
		}
		for _, m := range written.FindAllStringSubmatch(text, -1) {
			if !strings.HasSuffix(path, ".go") || m[1] != "" {
				check(path, m[1]+m[2])
			}
		}
	}, ".md", ".go", ".yaml", ".service", ".conf", "Dockerfile", "Makefile", "make-secrets", ".json")
	for _, page := range prose.Pages(t) {
		for _, span := range page.Code {
			first, _, _ := strings.Cut(span, " ")
			if page.Path != "CHANGELOG.md" && (strings.HasPrefix(span, "--") || child(model, first) != nil && strings.Contains(span,
				" ")) {
				check(page.Path, "ringmaster "+span)
			}
			named[span] = true // such as `extension` in a list behind `ringmaster agent`
		}
	}
	seen := 0
	for _, command := range model.Children {
		if seen++; !command.Hidden && !named[command.Name] {
			t.Errorf("no page names ringmaster %s", command.Name)
		}
	}
	if seen < 10 || len(named) < 20 {
		t.Errorf("only %d commands seen, and %d names", seen, len(named))
	}
}

var (
	aWord = regexp.MustCompile(`^[a-z][a-z-]*$`)
	aFlag = regexp.MustCompile(`^--[a-z][a-z-]*`)
)

// misused says what is wrong with a command line as somebody wrote it down; empty if nothing is. It notes the commands that it
// names.
func misused(model *kong.Node, line string, named map[string]bool) string {
	line, _, _ = strings.Cut(line, " #")
	words := strings.Fields(strings.NewReplacer(`\|`, "|", "…", "", "%w", "").Replace(line))[1:]
	at := model
	for len(words) > 0 && len(at.Children) > 0 {
		var next *kong.Node
		for name := range strings.SplitSeq(strings.Trim(words[0], ".,;:)"), "|") {
			if !aWord.MatchString(name) || name == "help" {
				break // a placeholder, or a flag
			}
			if next = child(at, name); next == nil && !slices.ContainsFunc(at.Children, isDefault) {
				return "no command is called " + name
			}
			named[name] = true
		}
		if next == nil {
			break
		}
		at, words = next, words[1:]
	}
	for _, w := range words {
		if w == "&&" || w == "|" || w == ">" || w == "<" {
			break
		}
		name := strings.TrimPrefix(aFlag.FindString(w), "--")
		if name == "" {
			continue
		}
		if !slices.ContainsFunc(flags(at), func(f *kong.Flag) bool {
			return f.Name == name || f.Tag.Negatable != "" && "no-"+f.Name == name
		}) {
			return "there is no flag --" + name
		}
	}
	return ""
}

func child(node *kong.Node, name string) *kong.Node {
	for _, c := range node.Children {
		if c.Name == name || slices.Contains(c.Aliases, name) {
			return c
		}
	}
	return nil
}

func isDefault(node *kong.Node) bool { return node.Tag != nil && node.Tag.Default != "" }

// flags are those of a command and of what is above it; of one that stands for others, those of all of them.
func flags(node *kong.Node) []*kong.Flag {
	all := []*kong.Flag{}
	for _, group := range node.AllFlags(false) {
		all = append(all, group...)
	}
	_ = kong.Visit(node, func(v kong.Visitable, next kong.Next) error {
		if below, ok := v.(*kong.Node); ok {
			all = append(all, below.Flags...)
		}
		return next(nil)
	})
	return all
}
