package mediatelv1

import (
	"encoding/json"
	"strings"
	"testing"
)

// FuzzMerge: whatever is sent, what is kept is a JSON object within its bounds, holds nothing that may be a password by its
// name, and is given back unchanged.
func FuzzMerge(f *testing.F) {
	for _, body := range []string{`{}`, `{"Domain":"d","ClientApp":{"SIP":{"Password":"x","n":1.50}}}`, `{"a":[{"passWORD":1},[{"x_hash":2}]]}`,
		`{"Login":"ann","Password":"x"}`, `{"a":null}`, `{"a":1,"a":2}`, `{"":1}`, `{"a":"\u003c"} x`, `[]`, `null`} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		sent, err := readBody(strings.NewReader(body))
		if err != nil {
			return
		}
		profile, err := merge(nil, sent, agentFields)
		if err != nil {
			return
		}
		if len(profile) > maxProfile {
			t.Fatalf("%d bytes are kept", len(profile))
		}
		if profile == nil {
			return
		}
		var kept map[string]any
		if err := json.Unmarshal(profile, &kept); err != nil {
			t.Fatalf("%s: %v", profile, err)
		}
		for _, name := range agentFields {
			if _, there := kept[name]; there {
				t.Errorf("%s is kept, though it is ours", name)
			}
		}
		if dropSecrets(kept) {
			t.Errorf("a secret is kept: %s", profile)
		}
		again, err := merge(profile, fields{}, agentFields)
		if err != nil || string(again) != string(profile) {
			t.Errorf("%s became %s, %v", profile, again, err)
		}
	})
}
