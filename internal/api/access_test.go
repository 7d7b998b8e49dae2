package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/internal/api"
)

func login(name, password string) string {
	return fmt.Sprintf(`{"login": %q, "password": %q}`, name, password)
}

func TestLogin(t *testing.T) {
	h := newHouse(t)
	var s api.Session
	reply := h.send(h.request("", "POST", "/api/v1/login", login("agent", password))).want(http.StatusOK, &s)
	if s.Login != "agent" || s.Role != agent || *s.AgentID != h.agent.ID || !s.ExpiresAt.After(now) {
		t.Errorf("%+v", s)
	}
	if strings.Contains(string(reply.body), "argon2") || strings.Contains(h.log.String(), password) {
		t.Error("a secret is told")
	}
	cookie, err := http.ParseSetCookie(reply.header.Get("Set-Cookie"))
	h.must(err)
	if cookie.Name != access.CookieName || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Domain != "" ||
		cookie.Path != "/" || cookie.MaxAge != 12*3600 {
		t.Errorf("cookie %+v", cookie)
	}

	var me api.Me
	bearer := h.request("", "GET", "/api/v1/me", "")
	bearer.Header.Set("Authorization", "Bearer "+s.Token)
	h.send(bearer).want(http.StatusOK, &me)
	if me.Login != "agent" {
		t.Errorf("%+v", me)
	}
	var renewed api.Session
	renew := h.request("", "POST", "/api/v1/me/session", "")
	renew.Header.Set("Authorization", "Bearer "+s.Token)
	h.send(renew).want(http.StatusOK, &renewed)
	if renewed.Token == "" {
		t.Error("no token")
	}
	withCookie := h.request("", "GET", "/api/v1/me", "")
	withCookie.AddCookie(&http.Cookie{Name: cookie.Name, Value: cookie.Value})
	h.send(withCookie).want(http.StatusOK, &me)

	gone := h.send(h.request("", "POST", "/api/v1/logout", "")).want(http.StatusNoContent, nil)
	if c, err := http.ParseSetCookie(gone.header.Get("Set-Cookie")); err != nil || c.MaxAge >= 0 || c.Name != access.CookieName {
		t.Errorf("logout: %v %v", c, err)
	}
}

func TestLoginRefusals(t *testing.T) {
	h := newHouse(t)
	wrong := h.send(h.request("", "POST", "/api/v1/login", login("admin", "wrong password"))).refused(http.StatusUnauthorized,
		"wrong")
	unknown := h.send(h.request("", "POST", "/api/v1/login", login("nobody", "wrong password"))).refused(http.StatusUnauthorized,
		"wrong")
	if wrong.Detail != unknown.Detail {
		t.Error("the refusals tell who exists")
	}
	// Whatever is wrong with the body, what was typed is not sent back.
	for _, body := range []string{`{"login": "admin", "password": "hunter2", "x": 1}`, `{"login": 7, "password": "hunter2"}`,
		`{"password": "hunter2"}`, `{"password": "hunter2"`} {
		reply := h.send(h.request("", "POST", "/api/v1/login", body))
		if reply.status < 400 || strings.Contains(string(reply.body), "hunter2") {
			t.Errorf("%s: %d %s", body, reply.status, reply.body)
		}
	}
	foreign := h.request("", "POST", "/api/v1/login", login("admin", password))
	foreign.Header.Set("Origin", "https://evil.example")
	h.send(foreign).refused(http.StatusForbidden, "origin")
	form := h.request("", "POST", "/api/v1/login", login("admin", password))
	form.Header.Set("Content-Type", "text/plain")
	h.send(form).refused(http.StatusUnsupportedMediaType)

	var last result
	for range 8 {
		last = h.send(h.request("", "POST", "/api/v1/login", login("supervisor", "guess")))
	}
	last.refused(http.StatusTooManyRequests, "again in")
	if last.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

// TestCookieOrigins: a cookie acts for its user from our own pages and from those that the configuration names, and no others.
func TestCookieOrigins(t *testing.T) {
	h := newHouse(t)
	reply := h.send(h.request("", "POST", "/api/v1/login", login("supervisor", password))).want(http.StatusOK, nil)
	cookie, err := http.ParseSetCookie(reply.header.Get("Set-Cookie"))
	h.must(err)
	for origin, admitted := range map[string]bool{h.url: true, "https://crm.example.com": true, "https://evil.example": false,
		"": false, "null": false} {
		r := h.request("", "POST", "/api/v1/campaigns", fmt.Sprintf(`{"name": %q}`, "Of "+origin))
		r.AddCookie(&http.Cookie{Name: cookie.Name, Value: cookie.Value})
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		if got := h.send(r); admitted {
			got.want(http.StatusCreated, nil)
		} else {
			got.refused(http.StatusUnauthorized, "origin")
		}
	}
}

func TestTokens(t *testing.T) {
	h := newHouse(t)
	var made api.TokenWithSecret
	h.do("POST", "/api/v1/tokens", `{"login": "crm", "name": "import", "expires_in": "720h"}`).want(http.StatusCreated, &made)
	use := func() result {
		r := h.request("", "GET", "/api/v1/campaigns", "")
		r.Header.Set("Authorization", "Bearer "+made.Secret)
		return h.send(r)
	}
	use().want(http.StatusOK, nil)
	var page struct{ Items []api.Token }
	listed := h.do("GET", "/api/v1/tokens?login=crm", "").want(http.StatusOK, &page)
	if len(page.Items) != 2 || strings.Contains(string(listed.body), made.Secret) {
		t.Errorf("%s", listed.body)
	}
	h.do("POST", "/api/v1/tokens", `{"login": "nobody", "name": "x"}`).refused(http.StatusNotFound, "user")
	h.do("POST", "/api/v1/tokens", `{"login": "crm", "name": "x", "expires_in": "1s"}`).refused(http.StatusUnprocessableEntity,
		"1 min")
	h.do("DELETE", fmt.Sprintf("/api/v1/tokens/%d", made.ID), "").want(http.StatusNoContent, nil)
	use().refused(http.StatusUnauthorized)
}

func TestUsers(t *testing.T) {
	h := newHouse(t)
	var made api.Account
	h.do("POST", "/api/v1/users", `{"login": "eve", "role": "supervisor", "password": "correct horse battery"}`).want(
		http.StatusCreated, &made)
	if !made.HasPassword || made.Role != supervisor || made.Disabled {
		t.Errorf("made %+v", made)
	}
	h.do("POST", "/api/v1/users", `{"login": "eve", "role": "crm"}`).refused(http.StatusConflict)
	h.do("POST", "/api/v1/users", `{"login": "adam", "role": "admin", "agent_id": 1}`).refused(http.StatusUnprocessableEntity,
		"agent_id")
	h.do("POST", "/api/v1/users", `{"login": "adam", "role": "admin", "password": "short"}`).refused(http.StatusUnprocessableEntity,
		"password")
	path := fmt.Sprintf("/api/v1/users/%d", made.ID)

	enter := func(password string) (bearer, cookie string) {
		t.Helper()
		var s api.Session
		got := h.send(h.request("", "POST", "/api/v1/login", login("eve", password))).want(http.StatusOK, &s)
		return "Bearer " + s.Token, strings.Split(got.header.Get("Set-Cookie"), ";")[0]
	}
	in := func(header, value string) int {
		r := h.request("", "GET", "/api/v1/me", "")
		r.Header.Set(header, value)
		return h.send(r).status
	}
	expect := func(when string, want int, bearer, cookie string) {
		t.Helper()
		if a, b := in("Authorization", bearer), in("Cookie", cookie); a != want || b != want {
			t.Errorf("%s: %d by session, %d by cookie, want %d", when, a, b, want)
		}
	}
	bearer, cookie := enter(password)
	expect("at first", http.StatusOK, bearer, cookie)
	h.do("PUT", path+"/password", `{"password": "another battery"}`).want(http.StatusNoContent, nil)
	expect("the password changed", http.StatusUnauthorized, bearer, cookie)
	h.send(h.request("", "POST", "/api/v1/login", login("eve", password))).refused(http.StatusUnauthorized)
	bearer, cookie = enter("another battery")
	var off api.Account
	h.do("POST", path+"/disable", "").want(http.StatusOK, &off)
	if !off.Disabled {
		t.Errorf("disabled %+v", off)
	}
	expect("disabled", http.StatusUnauthorized, bearer, cookie)
	h.do("POST", path+"/enable", "").want(http.StatusOK, nil)
	expect("enabled: what ended has ended", http.StatusUnauthorized, bearer, cookie)

	bearer, cookie = enter("another battery")
	otherBearer, otherCookie := enter("another battery")
	out := h.request("", "POST", "/api/v1/logout", "")
	out.Header.Set("Cookie", cookie)
	h.send(out).want(http.StatusNoContent, nil)
	expect("signed out", http.StatusUnauthorized, bearer, cookie)
	expect("signed in elsewhere", http.StatusOK, otherBearer, otherCookie)

	var list struct{ Items []api.Account }
	listed := h.do("GET", "/api/v1/users", "").want(http.StatusOK, &list)
	if len(list.Items) != 5 || strings.Contains(string(listed.body), "argon2") {
		t.Errorf("listed %s", listed.body)
	}
	var now api.Account
	h.do("PATCH", path, `{"role": "agent"}`).refused(http.StatusUnprocessableEntity, "agent_id")
	h.do("PATCH", path, `{"role": "admin"}`).want(http.StatusOK, &now)
	if now.Role != admin {
		t.Errorf("made an admin: %+v", now)
	}
	expect("has another role", http.StatusUnauthorized, otherBearer, otherCookie)
	otherBearer, otherCookie = enter("another battery")
	h.do("DELETE", path, "").want(http.StatusNoContent, nil)
	expect("deleted", http.StatusUnauthorized, otherBearer, otherCookie)
	h.do("GET", path, "").refused(http.StatusNotFound)

	var me access.User
	for _, u := range list.Items {
		if u.Login == "admin" {
			me.ID = u.ID
		}
	}
	h.do("POST", fmt.Sprintf("/api/v1/users/%d/disable", me.ID), "").refused(http.StatusConflict, "yourself")
	h.do("DELETE", fmt.Sprintf("/api/v1/users/%d", me.ID), "").refused(http.StatusConflict, "yourself")
	h.do("PATCH", fmt.Sprintf("/api/v1/users/%d", me.ID), `{"role": "crm"}`).refused(http.StatusConflict, "yourself")
	log, err := h.store.Audits.AuditLog(ctx, 0, 100)
	h.must(err)
	var done []string
	for _, entry := range log {
		done = append([]string{entry.What}, done...)
	}
	if got, want := strings.Join(done, " "), "user.create session.login user.password session.login user.disable user.enable "+
		"session.login session.login user.role session.login user.delete"; got != want {
		t.Errorf("audited %s, want %s", got, want)
	}
}

func TestIdempotency(t *testing.T) {
	h := newHouse(t)
	post := func(role access.Role, key, path, body string) result {
		r := h.request(role, "POST", path, body)
		r.Header.Set("Idempotency-Key", key)
		return h.send(r)
	}
	const campaigns = "/api/v1/campaigns"
	first := post(admin, "k1", campaigns, `{"name": "Winter"}`).want(http.StatusCreated, nil)
	again := post(admin, "k1", campaigns, `{"name": "Winter"}`).want(http.StatusCreated, nil)
	if string(first.body) != string(again.body) || again.header.Get("Idempotency-Replayed") != "true" ||
		first.header.Get("Idempotency-Replayed") != "" {
		t.Errorf("first %s\nagain %s", first.body, again.body)
	}
	post(admin, "k1", campaigns, `{"name": "Other"}`).refused(http.StatusUnprocessableEntity, "another request")
	post(supervisor, "k1", campaigns, `{"name": "Of the supervisor"}`).want(http.StatusCreated, nil) // keys belong to their user
	post(admin, strings.Repeat("k", 201), campaigns, `{"name": "x"}`).refused(http.StatusUnprocessableEntity, "200")

	// A refusal about the deed is repeated too; one about the caller is not kept.
	post(admin, "k2", campaigns, `{"name": "Winter"}`).refused(http.StatusConflict)
	if r := post(admin, "k2", campaigns, `{"name": "Winter"}`); r.status != http.StatusConflict ||
		r.header.Get("Idempotency-Replayed") == "" {
		t.Errorf("%d %s", r.status, r.body)
	}
	post(crm, "k3", campaigns, `{"name": "X"}`).refused(http.StatusForbidden)
	if r := post(crm, "k3", campaigns, `{"name": "X"}`); r.header.Get("Idempotency-Replayed") != "" {
		t.Error("a refusal of the caller is kept")
	}
	post("", "k4", campaigns, `{"name": "X"}`).refused(http.StatusUnauthorized)

	// Secrets are shown once, also under a key, and are not on record.
	var secret struct {
		ID     int64
		Secret string
		Token  string
	}
	post(admin, "k5", "/api/v1/webhooks", `{"url": "https://crm.example.com/"}`).want(http.StatusCreated, &secret)
	shown := secret.Secret
	secret.Secret = ""
	r := post(admin, "k5", "/api/v1/webhooks", `{"url": "https://crm.example.com/"}`).want(http.StatusCreated, &secret)
	if shown == "" || secret.Secret != "" || secret.ID == 0 {
		t.Errorf("%s", r.body)
	}
	post(admin, "k6", "/api/v1/tokens", `{"login": "crm", "name": "n"}`).want(http.StatusCreated, &secret)
	secret.Token = ""
	post(admin, "k6", "/api/v1/tokens", `{"login": "crm", "name": "n"}`).want(http.StatusCreated, &secret)
	if secret.Token != "" {
		t.Error("the token is shown twice")
	}

	// No content is repeated as no content, and a list is imported once.
	flag := fmt.Sprintf("/api/v1/agents/%d/auto-call", h.agent.ID)
	post(admin, "k7", flag, `{"on": true}`).want(http.StatusNoContent, nil)
	post(admin, "k7", flag, `{"on": true}`).want(http.StatusNoContent, nil)
	var report api.ImportReport
	for range 2 {
		post(crm, "k8", "/api/v1/campaigns/1/contacts", `[{"crm_id": "1", "phone": "+447700900001"}]`).want(http.StatusOK, &report)
		if report.Accepted != 1 {
			t.Errorf("%+v", report)
		}
	}

	post(crm, "k8", "/api/v1/campaigns/1/contacts", `[{"crm_id": "2", "phone": "+447700900002"}]`).
		refused(http.StatusUnprocessableEntity, "another request")
}

func TestNoSuchRoute(t *testing.T) {
	h := newHouse(t)
	h.do("GET", "/api/v1/nothing", "").refused(http.StatusNotFound, "/docs")
	r := h.do("DELETE", "/api/v1/campaigns", "")
	r.refused(http.StatusMethodNotAllowed, "GET, POST")
	if r.header.Get("Allow") != "GET, POST" {
		t.Errorf("Allow: %s", r.header.Get("Allow"))
	}
	big := fmt.Sprintf(`{"name": %q}`, strings.Repeat("x", 2<<20))
	h.do("POST", "/api/v1/campaigns", big).refused(http.StatusRequestEntityTooLarge)
}

// TestDocs: the page and the document are there, and nothing of them comes from elsewhere.
func TestDocs(t *testing.T) {
	h := newHouse(t)
	var doc map[string]any
	raw := h.send(h.request("", "GET", "/openapi.json", "")).want(http.StatusOK, &doc)
	if doc["openapi"] != "3.1.0" {
		t.Errorf("openapi %v", doc["openapi"])
	}
	if !json.Valid(raw.body) || !strings.Contains(string(raw.body), "Roles: supervisor, admin") {
		t.Error("the document does not tell the roles")
	}
	for _, path := range []string{"/docs", "/docs/docs.js", "/docs/docs.css"} {
		r := h.send(h.request("", "GET", path, "")).want(http.StatusOK, nil)
		if strings.Contains(string(r.body), "://") || !strings.Contains(r.header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s loads from elsewhere, or may", path)
		}
	}
}
