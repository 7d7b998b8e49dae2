package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// programWords are what only the program's authors understand: packages, types, how an error came about.
var programWords = regexp.MustCompile(`(?i)\b(store|webhook|agents|access|campaigns|dialer|api|huma|sql|sqlite|pgx|pq|redis|json|csv|zip|xlsx|excelize|strconv|` +
	`http|time|url|x509|tls|net|parse|mime|phonenumber|context|strconv\.\w+|bufio\.\w+): |Go (struct|value)|%!|\.go:\d|panic|goroutine|\bnil\b|\bint64\b|\bEOF\b|` +
	`no rows|constraint|SQLSTATE|context (deadline|canceled)|runtime error|unmarshal`)

// says checks that a refusal is one that people understand.
func (r result) saysPlainly(what string) {
	r.t.Helper()
	if r.status < 400 {
		return
	}
	var p problem
	if err := json.Unmarshal(r.body, &p); err != nil || p.Status != r.status || p.lacks() != "" {
		r.t.Errorf("%s: %d, want a problem: %v: %.300s", what, r.status, err, r.body)
		return
	}
	texts := []string{p.Detail}
	for _, e := range p.Errors {
		texts = append(texts, e.Message)
	}
	for _, text := range texts {
		if bad := programWords.FindString(text); bad != "" {
			r.t.Errorf("%s: %d says %q, in %q", what, r.status, bad, text)
		}
	}
}

// TestRefusalsArePlain asks every route for what it cannot do, in many ways; nothing of the program shows in what it says.
func TestRefusalsArePlain(t *testing.T) {
	h := newHouse(t)
	bodies := []string{"", "x", "{", "{}", "[]", "null", `"text"`, "7", "[1]", `{"x":1}`, "[{}]", "[null]", `{"name":1}`,
		`{"name":"` + "\xff" + `"}`,
		`{"id":1e400}`, `{"contact_id":99999999999999999999}`, `{"contact_id":1.5}`, `{"rate":99999999999999999999}`,
		`{"max_attempts":99999999999999999999}`,
		`{"url":"http://[::1"}`, `{"url":"https://example.com:99999999/"}`, `{"url":"ftp://example.com"}`, `{"url":"%zz"}`,
		`{"url":"https://10.0.0.1/"}`,
		`{"number":"+44 x"}`, `{"number":"1"}`, `{"number":"+999999999999"}`, `{"on":"yes"}`, `{"at":"yesterday"}`, `{"ring":"x"}`,
		`{"login":"x","password":"` + strings.Repeat("ш", 1024) + `","role":"admin","token":"` + strings.Repeat("x", 43) + `"}`,
		`{"login":"nobody","name":"n","password":"correct horse battery"}`, `{"login":"x","role":"king"}`, `{"code":"77"}`,
		`{"only_failed":true}`,
		`{"contact_id":77,"at":"2027-01-01T00:00:00Z"}`, `{"mode":"auto"}`, `{"time_zone":"Mars/Base"}`,
		`{"card_link":"https://u@evil/"}`,
		`{"url":"https://example.com/","headers":{"Host":"x"}}`, `{"url":"https://example.com/","ca":"x"}`,
		`{"url":"https://example.com/","certificate":"x","key":"y"}`,
		strings.Repeat("[", 100_000), `{"name":"` + strings.Repeat("x", 1<<20) + `"}`}
	for _, route := range routes {
		for _, id := range []string{"999999", "0", "-1", "x", "99999999999999999999"} {
			path := "/api/v1" + strings.NewReplacer("{id}", id, "{secret_id}", id, "{user_id}", id, "{type}", id).Replace(route.path)
			given := bodies
			if route.method == "GET" || id != "999999" {
				given = []string{""}
			}
			for _, body := range given {
				name := fmt.Sprintf("%s %s with %.60s", route.method, path, body)
				h.do(route.method, path, body).saysPlainly(name)
			}
		}
		path := "/api/v1" + strings.NewReplacer("{id}", "1", "{secret_id}", "1", "{user_id}", "1").Replace(route.path)
		for _, query := range []string{"?limit=x", "?limit=99999999999999999999", "?cursor=%zz", "?cursor=AA", "?%zz", "?from=x&to=y",
			"?number=x", "?campaign_id=x"} {
			h.do(route.method, path+query, "").saysPlainly(route.method + " " + path + query)
		}
		for _, kind := range []string{"text/plain", "application/xml", "x", "application/json; charset=x", "multipart/form-data"} {
			r := h.request("admin", route.method, path, "<x/>")
			r.Header.Set("Content-Type", kind)
			h.send(r).saysPlainly(route.method + " " + path + " as " + kind)
		}
	}
}

// TestContradictionsArePlain: what contradicts the record is said in a sentence about the thing.
func TestContradictionsArePlain(t *testing.T) {
	h := newHouse(t)
	c := h.campaign("Winter")
	h.contact(c.ID, "7", "+447700900123")
	campaign := fmt.Sprintf("/api/v1/campaigns/%d", c.ID)
	a := h.talk(c.ID)
	h.do("POST", "/api/v1/users", `{"login":"boss","role":"admin","password":"correct horse battery"}`).want(http.StatusCreated, nil)
	var hook struct{ ID int64 }
	h.do("POST", "/api/v1/webhooks", `{"url": "https://crm.example.com/"}`).want(http.StatusCreated, &hook)
	for _, test := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"POST", "/api/v1/campaigns/83/contacts", `[{"crm_id":"1","phone":"+447700900124"}]`, 404, "There is no such campaign."},
		{"GET", "/api/v1/contacts/83", "", 404, "There is no such contact."},
		{"GET", "/api/v1/attempts/83", "", 404, "There is no such attempt."},
		{"GET", "/api/v1/users/83", "", 404, "No such user."},
		{"DELETE", "/api/v1/tokens/83", "", 404, "No such token."},
		{"GET", "/api/v1/webhooks/83", "", 404, "No such endpoint."},
		{"POST", "/api/v1/callbacks", `{"contact_id":83,"at":"2026-03-04T12:00:00Z"}`, 404, "There is no such contact."},
		{"POST", "/api/v1/agents/83/auto-call", `{"on":true}`, 404, "No such agent."},
		{"POST", "/api/v1/tokens", `{"login":"eve","name":"n"}`, 404, "No such user."},
		{"POST", "/api/v1/attempts/" + a.ID.String() + "/code", `{"code":"77"}`, 422, "one of the campaign’s call codes"},
		{"POST", "/api/v1/campaigns", `{"name":"Winter","queue":"Winter","region":"GB"}`, 409, "is in use"},
		{"POST", campaign + "/stop", "", 200, ""},
		{"POST", campaign + "/pause", "", 409, "Campaign “Winter” is stopped."},
		{"POST", "/api/v1/users", `{"login":"boss","role":"admin","password":"correct horse battery"}`, 409, "in use"},
		{"DELETE", fmt.Sprintf("/api/v1/webhooks/%d/secrets/%d", hook.ID, hook.ID), "", 409, "present secret"},
	} {
		r := h.do(test.method, test.path, test.body)
		r.saysPlainly(test.method + " " + test.path)
		if r.status != test.status || !strings.Contains(strings.ReplaceAll(string(r.body), `\"`, `"`), test.says) {
			t.Errorf("%s %s: %d %s, want %d %q", test.method, test.path, r.status, r.body, test.status, test.says)
		}
	}
	for kind, lists := range map[string][]string{
		"text/csv": {"", "x", "crm_id;phone\n\"1", "crm_id,phone\n1,2,3,4\n", "\xff\xfe\x00", "crm_id;crm_id\n1;2"},
		"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": {"", "x", "PK\x03\x04"},
		"application/json":     {"", "x", "[", "[1]", `[{"phone":1}]`, `[{"phone":{}}]`, "{}", `[{"crm_id":"1"}`, `[{"crm_id":"1",,`},
		"application/x-ndjson": {"x", "{", `{"phone":[]}`},
		"image/png":            {"x"},
	} {
		for _, list := range lists {
			r := h.request("admin", "POST", campaign+"/contacts", list)
			r.Header.Set("Content-Type", kind)
			h.send(r).saysPlainly(fmt.Sprintf("list %s %.20q", kind, list))
		}
	}
}

// TestFailuresArePlain: without the record, every route says that it failed, and nothing of how.
func TestFailuresArePlain(t *testing.T) {
	h := newHouse(t)
	h.disconnect()
	for _, route := range routes {
		r := h.do(route.method, "/api/v1"+strings.NewReplacer("{id}", "1", "{secret_id}", "1", "{user_id}", "1").Replace(route.path),
			"")
		r.saysPlainly(route.method + " " + route.path)
	}
}
