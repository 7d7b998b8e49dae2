package mediatelv1

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

// FuzzMerge: whatever is sent, what is kept is a JSON object within its bounds, holds nothing that may be a password by its
// name, and is given back unchanged.
func FuzzMerge(f *testing.F) {
	for _, body := range []string{`{}`, `{"ClientApp":{"SIP":{"Pass":"x"},"PIN":"4711","Token":"abc"}}`,
		`{"Domain":"d","ClientApp":{"SIP":{"Password":"x","n":1.50}}}`, `{"a":[{"passWORD":1},[{"x_hash":2}]]}`,
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
		if name := nameOfSecret(kept); name != "" {
			t.Errorf("%s is kept: %s", name, profile)
		}
		again, err := merge(profile, fields{}, agentFields)
		if err != nil || string(again) != string(profile) {
			t.Errorf("%s became %s, %v", profile, again, err)
		}
	})
}

// soundsSecret is what people call a password, apart from the list that merge goes by.
var soundsSecret = regexp.MustCompile(`(?i)passw|passphrase|passcode|^(sip)?pass$|pwd|^(sip)?pin$|secret|token|api_?key|credential`)

func nameOfSecret(v any) string {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			if soundsSecret.MatchString(name) {
				return name
			}
			if found := nameOfSecret(inner); found != "" {
				return found
			}
		}
	case []any:
		for _, inner := range v {
			if found := nameOfSecret(inner); found != "" {
				return found
			}
		}
	}
	return ""
}

func TestSecretsByName(t *testing.T) {
	for _, name := range []string{
		"Password", "password", "PASSWORD", "SIPPassword", "passwd", "Pass", "pass", "SIPPass", "SipPass", "sip_pass", "UserPass",
		"PassCode", "passphrase",
		"Pwd", "AgentPwd", "PIN", "Pin", "pin", "SIPPin", "SIP_PIN", "user.pin", "userPin", "UserPIN", "PinCode", "PINCode", "pincode",
		"pin_code", "PIN2",
		"Token", "token", "AccessToken", "refresh_token", "tokens", "ApiKey", "APIKey", "api_key", "api-key", "X-API-Key", "AccessKey",
		"private_key",
		"Credential", "credentials", "SIPCredentials", "Secret", "ClientSecret", "shared_secret", "Hash", "password_hash", "HA1Hash",
		"Authorization",
	} {
		for _, body := range []string{`{"%s":"geheim"}`, `{"ClientApp":{"SIP":[{"User":"x","%s":"geheim"}]}}`,
			`{"ClientApp":{"%s":{"v":"geheim"}}}`} {
			sent, err := readBody(strings.NewReader(strings.Replace(body, "%s", name, 1)))
			if err != nil {
				t.Fatal(err)
			}
			stored, _ := json.Marshal(sent) // as it may have been kept when fewer names were known
			kept, err := merge(nil, sent, agentFields)
			if err != nil || strings.Contains(string(kept), "geheim") {
				t.Errorf("%s is kept: %s, %v", name, kept, err)
			}
			if told, _ := json.Marshal(shown(stored, nil, nil)); strings.Contains(string(told), "geheim") {
				t.Errorf("%s is told: %s", name, told)
			}
			if again, err := merge(stored, fields{}, agentFields); err != nil || strings.Contains(string(again), "geheim") {
				t.Errorf("%s stays: %s, %v", name, again, err)
			}
		}
	}
	for _, name := range []string{"Domain", "RightID", "ClientApp", "AutoAnswer", "TimeForDialOut", "StartURL", "E_Description",
		"Payload", "Shipping", "Pinned",
		"SpinCount", "Opinion", "Mapping", "DTMFSupport", "Tok", "Key", "PersNumbers", "HopIn", "Pinnacle"} {
		kept, err := merge(nil, fields{name: json.RawMessage(`{"n":1.50}`)}, agentFields)
		if err != nil || string(kept) != `{"`+name+`":{"n":1.50}}` {
			t.Errorf("%s is not kept as it came: %s, %v", name, kept, err)
		}
	}
}
