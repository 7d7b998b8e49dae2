package demo

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const password = "a password of the tests"

// door lets "agent01" in with the demo's password, and fails for "broken".
type door struct{}

func (door) SignIn(_ context.Context, login, given string) (*http.Cookie, error) {
	switch {
	case login == "broken":
		return nil, errors.New("SQL is away: secret detail")
	case login != "agent01" || given != password:
		return nil, ErrNotIn
	}
	return &http.Cookie{Name: "VouchCookie", Value: "yes", HttpOnly: true}, nil
}

func (door) Who(r *http.Request) (string, error) {
	if c, err := r.Cookie("VouchCookie"); err != nil || c.Value != "yes" {
		return "", ErrNotIn
	}
	return "agent01", nil
}

func TestDesk(t *testing.T) {
	agents, err := NewAgents(AgentsDeps{URL: "http://127.0.0.1:1/", Cookie: func(string) (string, error) { return "", nil }})
	if err != nil {
		t.Fatal(err)
	}
	desk, err := NewDesk(door{}, agents)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, method, path, body, site, cookie string
		want                                   int
	}{
		{"the page", "GET", "/agent", "", "", "", 200},
		{"the hint", "GET", "/agent/session", "", "", "", 200},
		{"signs in", "POST", "/agent/session", `{"user":"agent01","password":"` + password + `"}`, "same-origin", "", 200},
		{"another password", "POST", "/agent/session", `{"user":"agent01","password":"x"}`, "same-origin", "", 401},
		{"no JSON", "POST", "/agent/session", `user=agent01`, "same-origin", "", 400},
		{"no user", "POST", "/agent/session", `{}`, "same-origin", "", 400},
		{"a flood", "POST", "/agent/session", `{"user":"` + strings.Repeat("x", 5000), "same-origin", "", 400},
		{"another site's form", "POST", "/agent/session", `{"user":"agent01","password":"` + password + `"}`, "cross-site", "", 403},
		{"the record is away", "POST", "/agent/session", `{"user":"broken","password":"x"}`, "same-origin", "", 500},
		{"present without a cookie", "GET", "/agent/presence", "", "", "", 403},
		{"present, but nobody simulates this one", "GET", "/agent/presence", "", "", "yes", 404},
	} {
		r, w := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body)), httptest.NewRecorder()
		if c.site != "" {
			r.Header.Set("Sec-Fetch-Site", c.site)
		}
		if c.cookie != "" {
			r.AddCookie(&http.Cookie{Name: "VouchCookie", Value: c.cookie})
		}
		desk.ServeHTTP(w, r)
		if w.Code != c.want || strings.Contains(w.Body.String(), "secret detail") || strings.Contains(w.Body.String(), password) {
			t.Errorf("%s: %d %s, want %d", c.name, w.Code, w.Body, c.want)
		}
		if in := w.Header().Get("Set-Cookie") != ""; in != (c.name == "signs in") {
			t.Errorf("%s: cookie set: %v", c.name, in)
		}
	}
}
