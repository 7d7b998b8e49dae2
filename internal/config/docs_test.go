package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/creditorro/ringmaster/internal/testdeps/prose"
	"github.com/creditorro/ringmaster/webhook"
)

// TestDocsNameSettingsThatExist: `limits.lease` and the like in docs, blocks of YAML there, variables of the environment and
// --set wherever they are written. That the sample shows every setting is TestSampleShowsEverySetting.
func TestDocsNameSettingsThatExist(t *testing.T) {
	s := newSettings(Default())
	var sections []string
	for _, key := range s.sections() {
		if !strings.Contains(key, ".") {
			sections = append(sections, key)
		}
	}
	known := func(key string) bool {
		_, _, ok := s.resolve(strings.TrimSuffix(key, "."))
		return ok || s.isSection(key)
	}
	dotted := regexp.MustCompile(`^((?:` + strings.Join(sections, "|") + `)(?:\.[a-z0-9_]+)+)(?:[:=].*)?$`)
	seen := 0
	for _, page := range prose.Pages(t) {
		if page.Path == "CHANGELOG.md" || page.Path == "docs/problems.md" {
			continue // one tells of what was, too, the other of keys that are no settings
		}
		for _, span := range page.Code {
			if m := dotted.FindStringSubmatch(span); m != nil && m[1] != string(webhook.RecordingReady) {
				if seen++; !known(m[1]) {
					t.Errorf("%s names %s, which is no setting", page.Path, m[1])
				}
			}
		}
		for _, block := range page.Blocks {
			if block.Language != "yaml" {
				continue
			}
			for _, key := range keysOf(t, page.Path, block.Text) {
				if seen++; !known(key) {
					t.Errorf("%s: a block of YAML sets %s, which is no setting", page.Path, key)
				}
			}
		}
	}
	variable := regexp.MustCompile(`\bRINGMASTER_[A-Z][A-Z0-9_]*[A-Z0-9]\b`)
	set := regexp.MustCompile(`--set[ =]([a-z][a-z0-9_.]*)=`)
	prose.Files(t, func(path, text string) {
		if path == "CHANGELOG.md" {
			return
		}
		for _, name := range variable.FindAllString(text, -1) {
			key := fromEnviron([]string{name + "=x"})
			if seen++; (len(key) != 1 || !known(key[0].Key)) && !slices.Contains(ofTests, name) {
				t.Errorf("%s names %s, which is no setting", path, name)
			}
		}
		for _, m := range set.FindAllStringSubmatch(text, -1) {
			if seen++; !known(m[1]) {
				t.Errorf("%s sets %s, which is no setting", path, m[1])
			}
		}
	}, ".md", ".yaml", ".service", ".conf", "Dockerfile", "Makefile", "make-secrets")
	if seen < 60 {
		t.Errorf("only %d settings seen", seen)
	}
}

// ofTests are variables that tests read.
var ofTests = []string{"RINGMASTER_WRITE_DOCS"}

// keysOf are the settings in a text of YAML, in which lines may repeat each other as examples do.
func keysOf(t *testing.T, path, text string) (keys []string) {
	t.Helper()
	if strings.Count(text, "\nredis:") > 0 {
		for line := range strings.Lines(text) {
			keys = append(keys, keysOf(t, path, strings.TrimRight(line, "\n"))...)
		}
		return keys
	}
	var tree map[string]any
	if err := yaml.Unmarshal([]byte(text), &tree); err != nil {
		t.Errorf("%s: %v in a block of YAML:\n%s", path, err, text)
		return nil
	}
	var walk func(prefix string, value any)
	walk = func(prefix string, value any) {
		below, isMap := value.(map[string]any)
		if !isMap {
			keys = append(keys, prefix)
			return
		}
		for key, value := range below {
			walk(strings.TrimPrefix(fmt.Sprintf("%s.%s", prefix, key), "."), value)
		}
	}
	walk("", tree)
	return keys
}
