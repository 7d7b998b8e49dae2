package demo

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const password = "a password of the tests"

func TestSeats(t *testing.T) {
	agents, err := NewAgents(AgentsDeps{URL: "http://127.0.0.1:1/", Cookie: func(string) (string, error) { return "", nil },
		Seats: []Seat{{Login: "agent02"}}})
	if err != nil {
		t.Fatal(err)
	}
	who := func(r *http.Request) (string, error) {
		if c, err := r.Cookie("VouchCookie"); err != nil || c.Value != "yes" {
			return "", ErrNotIn
		}
		return "agent01", nil
	}
	seats := NewSeats(who, agents)
	ask := func(path, cookie string) *httptest.ResponseRecorder {
		r, w := httptest.NewRequest("GET", path, nil), httptest.NewRecorder()
		if cookie != "" {
			r.AddCookie(&http.Cookie{Name: "VouchCookie", Value: cookie})
		}
		seats.ServeHTTP(w, r)
		return w
	}
	if w := ask(PresencePath, ""); w.Code != 403 {
		t.Errorf("present without a cookie: %d", w.Code)
	}
	if w := ask(PresencePath, "yes"); w.Code != 404 {
		t.Errorf("present, but nobody simulates this one: %d", w.Code)
	}
	if w := ask(SeatsPath, ""); strings.TrimSpace(w.Body.String()) != `{"taken":[]}` {
		t.Errorf("nobody is taken over: %s", w.Body)
	}
	giveBack, _ := agents.TakeOver("agent02")
	if w := ask(SeatsPath, ""); strings.TrimSpace(w.Body.String()) != `{"taken":["agent02"]}` {
		t.Errorf("one is taken over: %s", w.Body)
	}
	giveBack()
	if w := ask(SeatsPath, ""); strings.TrimSpace(w.Body.String()) != `{"taken":[]}` {
		t.Errorf("given back: %s", w.Body)
	}
}
