package api

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/creditorro/ringmaster/internal/testdeps/prose"
	"github.com/creditorro/ringmaster/webhook"
)

// TestEventsAreComplete: whatever event there is can be asked for, has its schema, and is in the table of docs/webhooks.md; and
// no others.
func TestEventsAreComplete(t *testing.T) {
	source, err := os.ReadFile("../../webhook/event.go")
	if err != nil {
		t.Fatal(err)
	}
	var types []webhook.Type
	for _, m := range regexp.MustCompile(`\bType += "([a-z_.]+)"`).FindAllStringSubmatch(string(source), -1) {
		types = append(types, webhook.Type(m[1]))
	}
	if len(types) < 10 {
		t.Fatalf("only %d events seen: %v", len(types), types)
	}
	var documented []webhook.Type
	for _, page := range prose.Pages(t) {
		for _, row := range page.Rows {
			if m := regexp.MustCompile("^`([a-z_]+\\.[a-z_]+|ping)`$").FindStringSubmatch(row[0]); m != nil &&
				page.Path == "docs/webhooks.md" {
				documented = append(documented, webhook.Type(m[1]))
			}
		}
	}
	for _, kind := range types {
		if !known(kind) && kind != webhook.Ping {
			t.Errorf("%s is not among eventTypes: no endpoint can ask for it", kind)
		}
		if _, ok := always[kind]; !ok {
			t.Errorf("%s is not in always: its schema does not say what it has", kind)
		}
		if !slices.Contains(documented, kind) {
			t.Errorf("%s is not in the table of docs/webhooks.md", kind)
		}
	}
	for _, kind := range documented {
		if !slices.Contains(types, kind) {
			t.Errorf("docs/webhooks.md has %s, which does not exist", kind)
		}
	}
}
