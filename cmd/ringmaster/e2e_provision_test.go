package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/icholy/digest"

	"github.com/creditorro/ringmaster/agents/access"
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
	h.ask("PATCH", "/v1/extensions", h.token, "",
		`{"Inserted": [{"E_ID": -1, "DestAddress": "SIP:~~3445~~~~~~{g711a, g711u}", "E_Type": "GlobalCall"}]}`, 200, &made)
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

// TestSessionsPhoneRegisters: the phone of a session registers with what the session says, and the pool shows it.
func TestSessionsPhoneRegisters(t *testing.T) {
	redis := "redis: {url: 'redis://" + testdeps.Redis(t) + "'}"
	h := prepareHouse(t, fmt.Sprintf("telephony: {sip: {listen: '%s', media_listen: '%s', advertise: 127.0.0.1, realm: "+
		"dial.example.com, trunks: {carrier: {host: '%s'}}}}",
		testdeps.FreeAddress(t), testdeps.FreeAddress(t), testdeps.FreeAddress(t)), "limits: {drain_timeout: 0s}", redis)
	pool := filepath.Join(t.TempDir(), "pool")
	if err := os.WriteFile(pool, []byte("SIP:~~3500~~~~~~{g711a, g711u}\nSIP:~~3501~~~~~~{g711a, g711u}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h.command("", "extension", "import", pool)
	h.start(nil)
	var list struct{ Result []map[string]any }
	h.ask("GET", "/v1/extensions", h.token, "", "", 200, &list)
	h.ask("DELETE", fmt.Sprintf("/v1/extensions/%v", list.Result[0]["E_ID"]), h.token, "", "", 200, nil) // the simulated 3444

	cookie := h.vouch("ann@example.com", "12341")
	var session struct {
		Mediatel struct{ Extension, Token string }
		WebRTC   struct {
			URL, URI, Realm, Password string
			User                      string `json:"authorization_user"`
		}
	}
	h.ask("GET", "/api/v1/session", "", cookie, "", 200, &session)
	phone := session.WebRTC
	if session.Mediatel.Extension != "3500" || phone.URL != "ws"+strings.TrimPrefix(h.url, "http")+"/ws" ||
		phone.Realm != "dial.example.com" {
		t.Fatalf("session %+v", session)
	}
	conn, _, err := websocket.Dial(t.Context(), phone.URL, &websocket.DialOptions{Subprotocols: []string{"sip"},
		HTTPHeader: http.Header{"Cookie": {cookie}, "Origin": {h.url}}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	register := func(sequence int, authorization string) (status, challenge string) {
		request := fmt.Sprintf("REGISTER sip:%s SIP/2.0\r\nVia: SIP/2.0/WS phone.invalid;branch=z9hG4bK%d\r\nFrom: "+
			"<%s>;tag=1\r\nTo: <%s>\r\n"+
			"Call-ID: provision\r\nCSeq: %d REGISTER\r\nContact: <sip:x@phone.invalid;transport=ws>\r\nExpires: 300\r\nMax-Forwards: "+
			"70\r\n%sContent-Length: 0\r\n\r\n",
			phone.Realm, sequence, phone.URI, phone.URI, sequence, authorization)
		if err := conn.Write(t.Context(), websocket.MessageText, []byte(request)); err != nil {
			t.Fatal(err)
		}
		_, reply, err := conn.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(reply), "\r\n")
		for _, l := range lines {
			if name, value, _ := strings.Cut(l, ": "); strings.EqualFold(name, "WWW-Authenticate") && strings.Contains(value, "MD5") {
				challenge = value
			}
		}
		return lines[0], challenge
	}
	sequence := 0
	proven := func(password string) (status string) { // an answer to a challenge is good once
		sequence += 2
		status, text := register(sequence-1, "")
		challenge, err := digest.ParseChallenge(text)
		if err != nil {
			t.Fatalf("%s: %v", status, err)
		}
		c, err := digest.Digest(challenge, digest.Options{Method: "REGISTER", URI: "sip:" + phone.Realm, Username: phone.User,
			Password: password, Count: 1})
		if err != nil {
			t.Fatal(err)
		}
		status, _ = register(sequence, "Authorization: "+c.String()+"\r\n")
		return status
	}
	if status := proven(phone.Password + "x"); !strings.HasPrefix(status, "SIP/2.0 403") {
		t.Errorf("a wrong password: %s", status)
	}
	if status := proven(phone.Password); !strings.HasPrefix(status, "SIP/2.0 200") {
		t.Fatalf("the session's password: %s", status)
	}
	registered := regexp.MustCompile(`(?m)3500 +sip .* ann +yes +no$`)
	deadline := time.Now().Add(patience)
	for {
		shown := h.command("", "extension", "list")
		if registered.MatchString(shown) && regexp.MustCompile(`(?m)3501 +sip .* - +no +no$`).MatchString(shown) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("extension list does not show who is registered:\n%s", shown)
		}
	}

	// The agent has logged in and left, and the tab is still open.
	x, err := h.node.Store.Agents.ExtensionByName(t.Context(), "3500")
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := h.node.Store.Agents.RedeemLoginToken(t.Context(), x.OwnerID, access.HashToken(session.Mediatel.Token),
		time.Now()); err != nil || !ok {
		t.Fatal(ok, err)
	}
	if err := h.node.Store.Agents.ReleaseExtension(t.Context(), x); err != nil {
		t.Fatal(err)
	}
	if status := proven(phone.Password); !strings.HasPrefix(status, "SIP/2.0 403") {
		t.Errorf("a former owner's tab: %s", status)
	}

	// A desk phone, by the password that the command line has set.
	h.command("desk phone secret\n", "extension", "password", "3501")
	phone.User, phone.URI = "3501", "sip:3501@"+phone.Realm
	if status := proven("desk phone secret"); !strings.HasPrefix(status, "SIP/2.0 200") {
		t.Errorf("a desk phone's password: %s", status)
	}
}
