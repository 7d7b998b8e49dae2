package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/creditorro/ringmaster/internal/testdeps"
)

// TestProvisionedAgentSignsOn: the CRM's back end makes an agent and extensions, the user's tab asks for its session, and logs
// in with the token of it, once.
func TestProvisionedAgentSignsOn(t *testing.T) {
	if testing.Short() {
		t.Skip("needs Node.js")
	}
	t.Run("PostgreSQL and Redis", func(t *testing.T) {
		t.Parallel()
		signOn(t, "database: {url: '"+testdeps.Postgres(t)+"'}", "redis: {url: 'redis://"+testdeps.Redis(t)+"'}")
	})
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		signOn(t)
	})
}

func signOn(t *testing.T, settings ...string) {
	h := startHouse(t, settings...)
	h.command("", "user", "add", "crm", "--role", "crm", "--no-password")
	crm := strings.TrimSpace(h.command("", "token", "create", "crm"))

	var made struct {
		Error  struct{ Code int }
		Result []map[string]any
	}
	h.ask("PATCH", "/v1/extensions", h.token, "", `{"Inserted": [{"E_ID": -1, "DestAddress": "SIP:~~3445~~~~~~{g711a, g711u}", "E_Type": "GlobalCall"}]}`, 200, &made)
	if made.Error.Code != 200 || len(made.Result) != 1 || made.Result[0]["Network"] != "simulated" {
		t.Fatalf("extension %+v", made)
	}
	var agent map[string]any
	body := `{"login": "petro", "username": "petro@example.com", "queues": ["AUTO_1"]}`
	h.ask("PUT", "/api/v1/agents/of-user/777", crm, "", body, 201, &agent)
	h.ask("PUT", "/api/v1/agents/of-user/777", crm, "", body, 200, &agent)

	cookie := h.vouch("petro@example.com", "777")
	h.ask("GET", "/api/v1/session", "", h.vouch("petro@example.com", "778"), "", 403, nil)
	var session struct {
		Mediatel struct{ Path, Login, Token, Extension string }
		WebRTC   *struct{}
	}
	h.ask("GET", "/api/v1/session", "", cookie, "", 200, &session)
	m := session.Mediatel
	if m.Path+"/" != "/mediatel/socket.io/" || m.Login != "petro" || session.WebRTC != nil {
		t.Errorf("session %+v", session)
	}
	login := fmt.Sprintf(`{"type":"login","user":%q,"password":%q,"extension":%q}`, m.Login, m.Token, m.Extension)
	stranger := newTab(t, h.url, h.vouch("eve@example.com", "778"))
	stranger.until("logged off", func(s state) bool { return s["state"] == "STATE_LOGOUT" })
	stranger.send(login)
	stranger.until("a refusal", func(s state) bool { return s["loginErrorID"] == "-1101" })
	tab := newTab(t, h.url, cookie)
	tab.until("logged off", func(s state) bool { return s["state"] == "STATE_LOGOUT" })
	tab.send(login) // what the stranger tried is not used up
	tab.until("logged in", func(s state) bool { return s["state"] == "STATE_IDLE" && s["agentExt"] == m.Extension })
	tab.send(`{"type":"logout"}`)
	tab.until("logged off again", func(s state) bool { return s["state"] == "STATE_LOGOUT" })
	tab.send(login)
	tab.until("a refusal of the used token", func(s state) bool { return s["loginErrorID"] == "-1101" })

	list := h.command("", "extension", "list")
	if !strings.Contains(list, "3445") || !strings.Contains(list, "OWNER") {
		t.Errorf("extension list: %s", list)
	}
}

// ask sends a request and checks the status.
func (h *house) ask(method, path, bearer, cookie, body string, status int, reply any) {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), method, h.url+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer got.Body.Close()
	if got.StatusCode != status {
		h.t.Fatalf("%s %s: %s, want %d", method, path, got.Status, status)
	}
	if reply != nil {
		if err := json.NewDecoder(got.Body).Decode(reply); err != nil {
			h.t.Fatal(err)
		}
	}
}
