package demo

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/creditorro/ringmaster/dialer/simulated"
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
	if w := ask(SeatsPath, ""); strings.TrimSpace(w.Body.String()) != `{"moods":{},"taken":[]}` {
		t.Errorf("nobody is taken over: %s", w.Body)
	}
	giveBack, _ := agents.TakeOver("agent02")
	if w := ask(SeatsPath, ""); strings.TrimSpace(w.Body.String()) != `{"moods":{},"taken":["agent02"]}` {
		t.Errorf("one is taken over: %s", w.Body)
	}
	giveBack()
	if w := ask(SeatsPath, ""); strings.TrimSpace(w.Body.String()) != `{"moods":{},"taken":[]}` {
		t.Errorf("given back: %s", w.Body)
	}
}

// TestRobotsMisbehave: as they are told, by our own pages alone.
func TestRobotsMisbehave(t *testing.T) {
	phones := map[string]simulated.Condition{}
	agents, err := NewAgents(AgentsDeps{URL: "http://127.0.0.1:1/", Cookie: func(string) (string, error) { return "", nil },
		Seats: []Seat{{"agent02", "102"}}, Phone: func(x string, c simulated.Condition) { phones[x] = c }})
	if err != nil {
		t.Fatal(err)
	}
	seats := NewSeats(nil, agents)
	for _, one := range []struct {
		kind, body string
		status     int
		phone      simulated.Condition
		moods      string
	}{
		{"application/json", `{"login":"agent02","mood":"slow"}`, 204, simulated.Slow, `{"agent02":"slow"}`},
		{"text/plain", `{"login":"agent02","mood":"silent"}`, 415, simulated.Slow, `{"agent02":"slow"}`},
		{"application/json", `{"login":"agent02","mood":"drunk"}`, 404, simulated.Slow, `{"agent02":"slow"}`},
		{"application/json", `{"login":"nobody","mood":"slow"}`, 404, simulated.Slow, `{"agent02":"slow"}`},
		{"application/json", `{`, 400, simulated.Slow, `{"agent02":"slow"}`},
		{"application/json", `{"login":"agent02","mood":"no_microphone"}`, 204, simulated.Unreachable, `{"agent02":"no_microphone"}`},
		{"application/json", `{"login":"agent02","mood":"well"}`, 204, simulated.Well, `{}`},
	} {
		r, w := httptest.NewRequest("POST", RobotsPath, strings.NewReader(one.body)), httptest.NewRecorder()
		r.Header.Set("Content-Type", one.kind)
		seats.ServeHTTP(w, r)
		list := httptest.NewRecorder()
		seats.ServeHTTP(list, httptest.NewRequest("GET", SeatsPath, nil))
		if w.Code != one.status || phones["102"] != one.phone || !strings.Contains(list.Body.String(), `"moods":`+one.moods) {
			t.Errorf("%s: %d, phone %v, %s", one.body, w.Code, phones["102"], list.Body)
		}
	}
}
