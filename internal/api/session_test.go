package api_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/internal/api"
)

// signOn lets the house hand out sessions; phones in browsers are extensions of the network sip.
func signOn(d *api.Deps) {
	d.Hash, d.PublicURL = new(access.Passwords).Hash, "https://dial.example.com"
	d.SignOn = api.SignOn{
		Identify: d.Cookies.(*access.Vouch).Identify,
		Phone: func(x agents.Extension) *api.TabPhone {
			if x.Network != "sip" {
				return nil
			}
			return &api.TabPhone{URL: "wss://dial.example.com/ws", URI: "sip:" + x.Name + "@realm"}
		},
	}
}

func (h *house) extension(name, network string) {
	h.t.Helper()
	_, err := h.store.Agents.CreateExtension(ctx, agents.Extension{Name: name, Number: name, Network: network})
	h.must(err)
}

func (h *house) release(name string) {
	h.t.Helper()
	x, err := h.store.Agents.ExtensionByName(ctx, name)
	h.must(err)
	h.must(h.store.Agents.ReleaseExtension(ctx, x))
}

// session asks for one with the cookie of a user.
func (h *house) session(username, userID string, change ...func(*http.Request)) result {
	h.t.Helper()
	return h.byCookie(username, userID, "/api/v1/session", change...)
}

func (h *house) byCookie(username, userID, path string, change ...func(*http.Request)) result {
	h.t.Helper()
	vouch, err := access.NewVouch(access.VouchOptions{Secrets: []string{secret}, Now: func() time.Time { return now }})
	h.must(err)
	cookie, err := vouch.Mint(access.Identity{Username: username, UserID: userID}, time.Hour)
	h.must(err)
	r := h.request("", "GET", path, "")
	r.AddCookie(&http.Cookie{Name: cookie.Name, Value: cookie.Value})
	for _, f := range change {
		f(r)
	}
	return h.send(r)
}

func TestSession(t *testing.T) {
	h := newHouse(t, signOn)
	h.extension("3444", "sip")
	var s, again api.TabSession
	got := h.session("olena@example.com", "12341",
		func(r *http.Request) { r.Header.Set("Origin", "https://crm.example.com") }).want(http.StatusOK, &s)
	if s.Agent.Login != "olena" || s.Mediatel.URL != "https://dial.example.com" || s.Mediatel.Path != "/mediatel/socket.io" ||
		s.Mediatel.Login != "olena" || s.Mediatel.Extension != "3444" || !s.Mediatel.ExpiresAt.Equal(now.Add(time.Minute)) ||
		s.WebRTC == nil || s.WebRTC.URI != "sip:3444@realm" {
		t.Errorf("%s", got.body)
	}
	if got.header.Get("Access-Control-Allow-Origin") != "https://crm.example.com" ||
		got.header.Get("Access-Control-Allow-Credentials") != "true" ||
		got.header.Get("Cache-Control") != "no-store" || !slices.Equal(got.header["Vary"], []string{"Accept-Language", "Origin"}) {
		t.Errorf("header %v", got.header)
	}
	if x, err := h.store.Agents.ExtensionByName(ctx, "3444"); err != nil || x.OwnerID != h.agent.ID {
		t.Errorf("extension %+v, %v", x, err)
	}
	redeem := func(token string) bool {
		ok, err := h.store.Agents.RedeemLoginToken(ctx, h.agent.ID, access.HashToken(token), now)
		h.must(err)
		return ok
	}
	h.session("olena@example.com", "12341").want(http.StatusOK, &again) // a second tab
	if again.Mediatel.Extension != "3444" || again.Mediatel.Token == s.Mediatel.Token {
		t.Errorf("second tab: %+v", again.Mediatel)
	}
	if !redeem(s.Mediatel.Token) || redeem(s.Mediatel.Token) || !redeem(again.Mediatel.Token) {
		t.Error("each token is good once")
	}
	log, err := h.store.Audits.AuditLog(ctx, 0, 10)
	h.must(err)
	if len(log) != 2 || log[0].Who != "cookie:olena@example.com" || log[0].What != "session.open" || strings.Contains(log[0].Detail,
		again.Mediatel.Token) {
		t.Errorf("audit %+v", log)
	}
	if strings.Contains(h.log.String(), s.Mediatel.Token) {
		t.Error("a token is logged")
	}

	// A phone that is no browser's.
	h.release("3444")
	h.extension("0001", "simulated")
	_, err = h.store.Agents.TakeExtension(ctx, h.agent.ID, "0001")
	h.must(err)
	h.session("olena@example.com", "12341").want(http.StatusOK, &s)
	if s.WebRTC != nil || s.Mediatel.Extension != "0001" {
		t.Errorf("%+v", s)
	}
}

// TestSessionRefusals: whoever is let in to no session is told the same, whatever the reason.
func TestSessionRefusals(t *testing.T) {
	h := newHouse(t, signOn)
	h.extension("3444", "sip")
	for _, g := range []agents.Agent{{Login: "both", UserID: "7", Username: "petro"}, {Login: "off", UserID: "8", Disabled: true},
		{Login: "nobodys"},
		{Login: "one", UserID: "9"}, {Login: "two", UserID: "9"}} {
		_, err := h.store.Agents.CreateAgent(ctx, g, now)
		h.must(err)
	}
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	var told string
	crmPage := h.session("x", "8", header("Origin", "https://crm.example.com:443"))
	if crmPage.status != http.StatusForbidden ||
		crmPage.header.Get("Access-Control-Allow-Origin") != "https://crm.example.com:443" ||
		crmPage.header.Get("Access-Control-Allow-Credentials") != "true" {
		t.Errorf("a refusal that an allowed page cannot read: %d %v", crmPage.status, crmPage.header)
	}
	for name, got := range map[string]result{
		"no cookie":               h.send(h.request("", "GET", "/api/v1/session", "")),
		"a token":                 h.do("GET", "/api/v1/session", ""),
		"a bad cookie":            h.session("x", "12341", header("Cookie", "VouchCookie=x")),
		"another user":            h.session("olena@example.com", "12342"),
		"no user id":              h.session("olena", ""),
		"the id without the name": h.session("olena", "7"),
		"a disabled agent":        h.session("x", "8"),
		"an agent of nobody":      h.session("nobodys", ""),
		"several agents":          h.session("x", "9"),
		"a foreign page":          h.session("x", "12341", header("Origin", "https://evil.example")),
		"a picture":               h.session("x", "12341", header("Sec-Fetch-Site", "cross-site")),
	} {
		p := got.refused(http.StatusForbidden)
		if told == "" {
			told = p.Detail
		}
		if p.Detail != told || len(p.Errors) != 0 || got.header.Get("Access-Control-Allow-Origin") == "https://evil.example" {
			t.Errorf("%s: %s %v", name, got.body, got.header)
		}
	}
	if x, _ := h.store.Agents.ExtensionByName(ctx, "3444"); x.OwnerID != 0 {
		t.Error("a refused session took an extension")
	}

	// Those with a good cookie are on record, each once an hour, and nobody else.
	for range 3 {
		h.session("olena@example.com", "12342").refused(http.StatusForbidden)
	}
	denied := map[string]int{}
	log, err := h.store.Audits.AuditLog(ctx, 0, 100)
	h.must(err)
	for _, e := range log {
		denied[e.Who+", "+e.What+", "+e.Detail]++
	}
	want := map[string]int{`cookie:olena@example.com, session.denied, user id "12342" is 0 agents`: 1,
		`cookie:olena, session.denied, user id "" is 0 agents`:  1,
		`cookie:olena, session.denied, user id "7" is 0 agents`: 1, `cookie:x, session.denied, user id "8" is 0 agents`: 1,
		`cookie:nobodys, session.denied, user id "" is 0 agents`: 1, `cookie:x, session.denied, user id "9" is 2 agents`: 1}
	if !maps.Equal(denied, want) {
		t.Errorf("audited %v, want %v", denied, want)
	}
	h.session("petro", "7").want(http.StatusOK, nil)
	h.session("x", "12341").refused(http.StatusConflict, "No extension is free")
	h.release("3444")
	var s api.TabSession
	h.session("x", "9", func(r *http.Request) { r.URL.RawQuery = "login=two" }).want(http.StatusOK, &s)
	if s.Agent.Login != "two" {
		t.Errorf("%+v", s)
	}
	bare := newHouse(t)
	bare.session("x", "12341").refused(http.StatusForbidden)
}

func TestAgentOfUser(t *testing.T) {
	h := newHouse(t, signOn)
	put := func(user, body string) result {
		return h.send(h.request(crm, "PUT", "/api/v1/agents/of-user/"+user, body))
	}
	const whole = `{"login": "petro", "name": "Petro", "username": "petro@example.com", "password": "correct horse battery",
		"queues": ["B", "A"], "auto_call": true}`
	var a, again api.ProvisionedAgent
	made := put("77", whole).want(http.StatusCreated, &a)
	if a.Login != "petro" || a.Name != "Petro" || a.UserID != "77" || !a.AutoCall || !slices.Equal(a.Queues, []string{"A", "B"}) {
		t.Errorf("made %s", made.body)
	}
	same := put("77", whole).want(http.StatusOK, &again)
	if again.ID != a.ID || string(same.body) != string(made.body) {
		t.Errorf("said again: %s, first %s", same.body, made.body)
	}
	if strings.Contains(string(made.body), "argon2") || strings.Contains(string(made.body), "horse") {
		t.Errorf("a secret in %s", made.body)
	}
	put("77", `{"login": "petro2", "disabled": true}`).want(http.StatusOK, &again)
	if again.ID != a.ID || again.Login != "petro2" || again.Name != "Petro" || !again.Disabled || len(again.Queues) != 2 {
		t.Errorf("changed %+v", again)
	}
	put("77", `{"login": "petro2", "disabled": false, "queues": []}`).want(http.StatusOK, &again)
	if again.Disabled || len(again.Queues) != 0 {
		t.Errorf("changed %+v", again)
	}
	put("77", `{"login": "petro2", "skills": ["VIP", " pl", "vip"]}`).want(http.StatusOK, &again)
	if !slices.Equal(again.Skills, []string{"pl", "vip"}) {
		t.Errorf("skills %+v", again)
	}
	put("78", `{"login": "copy", "copy_from": "olena"}`).want(http.StatusCreated, &again)
	if again.UserID != "78" || again.Username != "" || !slices.Equal(again.Queues, []string{"Winter"}) {
		t.Errorf("copy %+v", again)
	}

	put("78", `{"login": "copy", "copy_from": "nobody"}`).want(http.StatusOK, &again) // it is there: no model is needed
	put("79", `{"login": "olena"}`).refused(http.StatusConflict)
	put("79", `{"login": "x", "copy_from": "nobody"}`).refused(http.StatusUnprocessableEntity, "copy_from")
	put("79", `{"login": "x", "password": "short"}`).refused(http.StatusUnprocessableEntity, "body.password")
	put("79", `{"login": "x", "skills": [","]}`).refused(http.StatusUnprocessableEntity, "body.skills")
	put("79", `{"login": "x", "queues": [""]}`).refused(http.StatusUnprocessableEntity, "body.queues")
	put(strings.Repeat("7", 65), `{"login": "x"}`).refused(http.StatusUnprocessableEntity, "user_id")
	log, err := h.store.Audits.AuditLog(ctx, 0, 10)
	h.must(err)
	if len(log) != 7 || log[6].Who != "crm" || log[6].What != "agent.create" || log[5].What != "agent.update" ||
		log[4].Detail != "user 77: disabled, login" {
		t.Errorf("audit %+v", log)
	}

	put("77", `{"login": "petro2", "mediatel": {"login": "mt_agent1", "password": "there"}}`).refused(http.StatusUnprocessableEntity,
		"body.mediatel")

	// The user who was provisioned gets a session, and may use the API as the agent.
	h.extension("3444", "sip")
	h.session("petro@example.com", "77").want(http.StatusOK, nil)
	h.session("petro", "77").refused(http.StatusForbidden)
}

// TestDisabledAgentHasNoAccess: whoever is not let in as an agent may not use the API as one either, by whatever way.
func TestDisabledAgentHasNoAccess(t *testing.T) {
	h := newHouse(t, signOn)
	var s api.Session
	h.send(h.request("", "POST", "/api/v1/login", login("agent", password))).want(http.StatusOK, &s)
	put := func(body string) {
		t.Helper()
		if got := h.send(h.request(crm, "PUT", "/api/v1/agents/of-user/12341", body)); got.status != http.StatusOK {
			t.Fatalf("%d %s", got.status, got.body)
		}
	}
	bearer := func(method, path string) *http.Request {
		r := h.request("", method, path, "")
		r.Header.Set("Authorization", "Bearer "+s.Token)
		return r
	}
	check := func(when string, others, cookies int) {
		t.Helper()
		for way, w := range map[string]struct {
			got  result
			want int
		}{
			"a session":           {h.send(bearer("GET", "/api/v1/attempts")), others},
			"a session's renewal": {h.send(bearer("POST", "/api/v1/me/session")), others},
			"an API token":        {h.send(h.request(agent, "GET", "/api/v1/me", "")), others},
			"a password":          {h.send(h.request("", "POST", "/api/v1/login", login("agent", password))), others},
			"the cookie":          {h.byCookie("olena@example.com", "12341", "/api/v1/attempts"), cookies},
			"the cookie's own":    {h.byCookie("olena@example.com", "12341", "/api/v1/me"), cookies},
		} {
			if w.got.status != w.want {
				t.Errorf("%s: %s: %d %s, want %d", when, way, w.got.status, w.got.body, w.want)
			}
		}
	}
	put(`{"login": "olena", "username": "olena@example.com"}`)
	check("enabled", http.StatusOK, http.StatusOK)
	put(`{"login": "olena", "disabled": true}`)
	check("disabled", http.StatusUnauthorized, http.StatusUnauthorized)
	put(`{"login": "olena", "disabled": false}`)
	check("enabled again", http.StatusOK, http.StatusOK)
	put(`{"login": "olena", "username": ""}`)
	check("without a user name", http.StatusOK, http.StatusUnauthorized)
}
