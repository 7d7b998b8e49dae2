package api_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/creditorro/ringmaster/internal/phrasebook"
	"github.com/creditorro/ringmaster/internal/reason"
)

var update = flag.Bool("update", false, "write docs/problems.md anew")

const problemsHead = `# Codes of problems

Every refusal of the HTTP API is a problem document (RFC 9457) with a stable ` + "`code`, its `args`" + ` and a ` + "`detail`" +
	` for people, in the language that
` + "`Accept-Language`" + ` asks for (English, Ukrainian, Russian; else the server's); ` + "`errors[]`" +
	` names each field with a code and arguments of its own. Codes and names of
arguments stay; texts may change at any time. The table is checked against the program.

Arguments: text, number, span (seconds), moment (RFC 3339), term (a key of ` + "`web/messages`" + `), reason (` +
	"`key`, `args`" + `), and lists of them.

| code | arguments | text in English |
|---|---|---|
`

// spoken are the first parts of codes that a problem may have.
var spoken = []string{"access", "agents", "call", "campaign", "field", "list", "missing", "number", "request", "said", "shadow",
	"store", "webhook", "what_if"}

// TestProblemsAreDocumented: docs/problems.md lists each code that a problem may have, with its arguments.
func TestProblemsAreDocumented(t *testing.T) {
	var b strings.Builder
	b.WriteString(problemsHead)
	for _, kind := range reason.Kinds() {
		if first, _, _ := strings.Cut(kind.Key, "."); !slices.Contains(spoken, first) {
			continue
		}
		var args []string
		for _, a := range kind.Args {
			args = append(args, fmt.Sprintf("`%s` %s", a.Name, a.Type))
		}
		text := strings.ReplaceAll(phrasebook.For("en").Word(kind.Key), "|", `\|`)
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", kind.Key, strings.Join(args, ", "), text)
	}
	const file = "../../docs/problems.md"
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if there, err := os.ReadFile(file); err != nil || !bytes.Equal(there, []byte(b.String())) {
		t.Errorf("docs/problems.md is not what the program says (%v): write it anew with -update", err)
	}
}

// TestProblemsInTheCallersLanguage: the same code and arguments, and words of the language that is asked for.
func TestProblemsInTheCallersLanguage(t *testing.T) {
	h := newHouse(t)
	ask := func(language, method, path, body string) (problem, http.Header) {
		t.Helper()
		r := h.request("admin", method, path, body)
		if language != "" {
			r.Header.Set("Accept-Language", language)
		}
		got := h.send(r)
		if !slices.Contains(got.header.Values("Vary"), "Accept-Language") {
			t.Errorf("%s %s: Vary %q", method, path, got.header.Values("Vary"))
		}
		var p problem
		if err := json.Unmarshal(got.body, &p); err != nil {
			t.Fatal(err)
		}
		return p, got.header
	}
	for language, want := range map[string]struct{ tongue, missing, ring, required string }{
		"":                 {"en", "There is no such contact.", "want 15 s to 2 min", "url is needed"},
		"de, fr;q=0.5":     {"en", "There is no such contact.", "want 15 s to 2 min", "url is needed"},
		"uk":               {"uk", "Такого контакту немає.", "потрібно від 15 с до 2 хв", "потрібне поле url"},
		"ru-RU,en;q=0.1":   {"ru", "Такого контакта нет.", "нужно от 15 с до 2 мин", "нужно поле url"},
		"de;q=0.9, uk-UA":  {"uk", "Такого контакту немає.", "потрібно від 15 с до 2 хв", "потрібне поле url"},
		"uk;q=0, ru;q=0.2": {"ru", "Такого контакта нет.", "нужно от 15 с до 2 мин", "нужно поле url"},
	} {
		p, header := ask(language, "GET", "/api/v1/contacts/999", "")
		if p.Code != "missing.contact" || p.Detail != want.missing || header.Get("Content-Language") != want.tongue {
			t.Errorf("%q: %+v in %q", language, p, header.Get("Content-Language"))
		}
		p, header = ask(language, "POST", "/api/v1/campaigns", `{"name": "x", "ring": "1s"}`) // refused by a handler
		if len(p.Errors) != 1 || p.Errors[0].Code != "field.lasts" || p.Errors[0].Args["least"] != 15.0 ||
			p.Errors[0].Message != want.ring ||
			header.Get("Content-Language") != want.tongue {
			t.Errorf("%q: %+v in %q", language, p, header.Get("Content-Language"))
		}
		for _, refused := range []struct{ method, path, code string }{
			{"GET", "/api/v1/nothing", "request.no_such_path"}, {"DELETE", "/api/v1/campaigns", "request.method"},
		} {
			if p, header = ask(language, refused.method, refused.path, ""); p.Code != refused.code ||
				header.Get("Content-Language") != want.tongue {
				t.Errorf("%q: %+v in %q", language, p, header.Get("Content-Language"))
			}
		}
	}
}

// TestValidationHasCodes: what huma refuses has a code of ours for each kind, whose arguments are what the description says.
func TestValidationHasCodes(t *testing.T) {
	h := newHouse(t)
	c := h.campaign("Codes")
	for _, test := range []struct {
		method, path, body, location, code string
		args                               map[string]any
	}{
		{"POST", "/api/v1/campaigns", `{"name": 1}`, "body.name", "field.text", nil},
		{"POST", "/api/v1/campaigns", `{"name": "x", "colour": 1}`, "body.colour", "field.unexpected", nil},
		{"POST", "/api/v1/campaigns", `[]`, "body", "field.object", nil},
		{"POST", "/api/v1/campaigns", `{`, "body", "field.not_json", nil},
		{"POST", "/api/v1/campaigns", `{"name": "x", "max_attempts": "5"}`, "body.max_attempts", "field.integer", nil},
		{"POST", "/api/v1/campaigns", `{"name": "x", "ring": "soon"}`, "body.ring", "field.duration", nil},
		{"POST", "/api/v1/campaigns", `{"name": "x", "ring": "1.0000001s"}`, "body", "field.duration", nil},
		{"POST", "/api/v1/campaigns", `{"name": "x", "windows": {}}`, "body.windows", "field.list", nil},
		{"PATCH", fmt.Sprintf("/api/v1/campaigns/%d", c.ID), `{"name": "` + strings.Repeat("x", 101) + `"}`, "body.name",
			"field.length",
			map[string]any{"least": 1.0, "most": 100.0}},
		{"GET", "/api/v1/campaigns?limit=0", "", "query.limit", "field.at_least", map[string]any{"least": 1.0}},
		{"GET", "/api/v1/campaigns?limit=501", "", "query.limit", "field.at_most", map[string]any{"most": 500.0}},
		{"GET", "/api/v1/campaigns?limit=x", "", "query.limit", "field.integer", nil},
		{"GET", "/api/v1/campaigns?colour=x", "", "query.colour", "field.unknown_parameter", nil},
		{"GET", "/api/v1/campaigns?cursor=x", "", "query.cursor", "field.cursor", nil},
		{"GET", "/api/v1/attempts/x", "", "path.id", "field.attempt_id", nil},
		{"GET", "/api/v1/attempts?state=x", "", "query.state", "field.one_of",
			map[string]any{"values": []any{"prepared", "dialing", "answered", "closed", "cancelled"}}},
		{"DELETE", "/api/v1/do-not-call?number=x", "", "query.reason", "field.missing", nil},
		{"POST", "/api/v1/login", `{"login": ""}`, "body.login", "field.min_length", map[string]any{"count": 1.0}},
		{"POST", "/api/v1/login", `{"login": "x"}`, "body", "field.property_missing", map[string]any{"name": "password"}},
		{"POST", "/api/v1/users", `{"login": "x", "role": "king"}`, "body.role", "field.one_of",
			map[string]any{"values": []any{"agent", "supervisor", "admin", "crm"}}},
		{"POST", "/api/v1/callbacks", `{"contact_id": 1, "at": "tomorrow"}`, "body.at", "field.moment", nil},
		{"POST", "/api/v1/agents/1/auto-call", `{"on": "yes"}`, "body.on", "field.boolean", nil},
		{"POST", "/api/v1/webhooks", `{"url": "https://10.0.0.1/"}`, "body.url", "webhook.url_private", nil},
		{"POST", "/api/v1/do-not-call", `{"number": "12"}`, "body.number", "number.too_short", map[string]any{"number": "12"}},
	} {
		p := h.do(test.method, test.path, test.body)
		var got problem
		if err := json.Unmarshal(p.body, &got); err != nil {
			t.Fatal(err)
		}
		if test.args == nil {
			test.args = map[string]any{}
		}
		i := slices.IndexFunc(got.Errors, func(e fieldProblem) bool { return e.Location == test.location && e.Code == test.code })
		if i < 0 || fmt.Sprint(got.Errors[i].Args) != fmt.Sprint(test.args) || got.Errors[i].Message == "" {
			t.Errorf("%s %s %s: want %s %s %v in %s", test.method, test.path, test.body, test.location, test.code, test.args, p.body)
		}
	}
}
