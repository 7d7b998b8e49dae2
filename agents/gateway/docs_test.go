package gateway

import (
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"testing"
)

// TestDocsShowTheStates: the states that docs/frontend.md shows are the ones that a tab is sent.
func TestDocsShowTheStates(t *testing.T) {
	page, err := os.ReadFile("../../docs/frontend.md")
	if err != nil {
		t.Fatal(err)
	}
	all := shownRows(t)
	shown := regexp.MustCompile("(?m)^### (.+)\n\n```json\n(.+)\n```$").FindAllSubmatch(page, -1)
	if len(shown) < 12 {
		t.Errorf("%d states shown", len(shown))
	}
	for _, s := range shown {
		var state map[string]any
		if err := json.Unmarshal(s[2], &state); err != nil || !reflect.DeepEqual(state, all[string(s[1])]) {
			t.Errorf("%s: is not what a tab is sent, which is\n%s (%v)", s[1], jsonOf(all[string(s[1])]), err)
		}
	}
	if fields := all["available"]; fields != nil {
		for field := range fields {
			if !regexp.MustCompile("`" + field + "`").Match(page) {
				t.Errorf("the page does not tell of %s", field)
			}
		}
	}
}
