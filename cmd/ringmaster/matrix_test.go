package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/internal/node"
)

// caller is one kind of whoever may knock.
type caller struct {
	name string
	role access.Role // empty: nobody to us
	by   string      // "bearer", "cookie", "stranger" (the CRM's user, whom we do not know), "" (nothing that counts)
	sign func(*http.Request)
}

// door says who is let in at one route.
type door struct {
	method, path string
	everybody    bool
	bearers      []access.Role
	cookies      []access.Role
	strangers    bool // users of the CRM whom we do not know
}

var everyRole = []access.Role{access.RoleAgent, access.RoleSupervisor, access.RoleAdmin, access.RoleCRM}

// doors are all routes of the main listener but those of /api/v1, whose table is in internal/api.
func doors() map[string]door {
	adminPage := []access.Role{access.RoleAdmin}
	open := func(path string) door { return door{path: path, everybody: true} }
	v1 := func(method, path string) door { return door{method: method, path: path, bearers: adminPage} }
	tabs := door{path: "/mediatel/socket.io/?EIO=4&transport=polling", cookies: everyRole, strangers: true}
	bare := tabs
	bare.path = "/mediatel/socket.io?EIO=4&transport=polling"
	return map[string]door{
		"/mediatel/socket.io/":     tabs,
		"/mediatel/socket.io":      bare,
		"/ws":                      {path: "/ws", cookies: everyRole, strangers: true},
		"/records/mediatel-record": {path: "/records/mediatel-record?calltraceID=1", bearers: everyRole[1:], cookies: everyRole[1:]},
		"GET /sip/trace":           {path: "/sip/trace?seconds=0", bearers: adminPage, cookies: adminPage},
		"/queues/":                 {path: "/queues/", bearers: adminPage, cookies: adminPage},
		"GET /healthz":             open("/healthz"),
		"GET /readyz":              open("/readyz"),
		"GET /metrics":             open("/metrics"),
		"GET /{$}":                 {path: "/", bearers: everyRole[1:3], cookies: everyRole[1:3]},
		"GET /agent":               {path: "/agent", bearers: everyRole[:1], cookies: everyRole[:1]},
		"GET /sign-in":             open("/sign-in"),
		"GET /first-admin":         open("/first-admin"),
		"/assets/":                 open("/assets/style.css"),
		"/openapi.json":            open("/openapi.json"),
		"/docs":                    open("/docs"),
		"/docs/":                   open("/docs/docs.js"),
		// that it is mounted as it is tested there
		"/api/v1/": {path: "/api/v1/users", bearers: adminPage, cookies: adminPage},

		"GET /v1/agents":             v1("GET", "/v1/agents"),
		"POST /v1/agents":            v1("POST", "/v1/agents"),
		"GET /v1/agents/self":        {path: "/v1/agents/self", bearers: []access.Role{access.RoleAdmin, access.RoleAgent}},
		"GET /v1/agents/{id}":        v1("GET", "/v1/agents/99"),
		"PUT /v1/agents/{id}":        v1("PUT", "/v1/agents/99"),
		"DELETE /v1/agents/{id}":     v1("DELETE", "/v1/agents/99"),
		"GET /v1/extensions":         v1("GET", "/v1/extensions"),
		"POST /v1/extensions":        v1("POST", "/v1/extensions"),
		"PATCH /v1/extensions":       v1("PATCH", "/v1/extensions"),
		"GET /v1/extensions/{id}":    v1("GET", "/v1/extensions/99"),
		"PUT /v1/extensions/{id}":    v1("PUT", "/v1/extensions/99"),
		"DELETE /v1/extensions/{id}": v1("DELETE", "/v1/extensions/99"),
	}
}

// routesOf are the node's routes, as its routers know them; those of /api/v1 are asked in internal/api.
func routesOf(t *testing.T, n *node.Node) []string {
	t.Helper()
	routes := n.Routes().Patterns()
	routes = slices.DeleteFunc(routes, func(p string) bool { return p == "/v1/" })
	for _, p := range n.Administration.Routes() {
		if p != "/" {
			routes = append(routes, p)
		}
	}
	for _, p := range n.API.Routes() {
		_, path, _ := strings.Cut(p, " ")
		if p != "/" && !strings.HasPrefix(path, "/api/v1/") && !strings.HasPrefix(path, "/openapi") && !strings.HasPrefix(path,
			"/docs") {
			t.Errorf("%s is mounted nowhere, or asked by no test", p)
		}
	}
	return routes
}

// phoneHouse is a node with telephony of its own that has all its routes; it is not started.
func phoneHouse(t *testing.T) *house {
	t.Helper()
	h := prepareHouse(t, "telephony: {sip: {listen: '127.0.0.1:0', media_listen: '127.0.0.1:0', advertise: 127.0.0.1, realm: "+
		"dial.example.com, "+
		"trunks: {carrier: {host: '127.0.0.1:9'}}}}", "vouch: {allowed_origins: ['https://crm.example.com']}")
	cfg, err := node.LoadConfig(h.file, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if h.node, err = node.New(t.Context(), cfg, t.Output(), version); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.node.Close)
	return h
}

// TestWhoMayEnter asks every route as every kind of caller. The routes are the routers' own, so that a new one without a row
// fails.
func TestWhoMayEnter(t *testing.T) {
	h := phoneHouse(t)
	if err := h.node.MountPages(h.node.Site()); err != nil {
		t.Fatal(err)
	}
	handler, callers, table := h.node.Handler(), callersOf(t, h), doors()
	for _, route := range routesOf(t, h.node) {
		d, known := table[route]
		if !known {
			t.Errorf("%s: nobody has said who may use it: give it a row in doors()", route)
			continue
		}
		delete(table, route)
		for _, c := range callers {
			r := httptest.NewRequest("GET", h.url+d.path, nil)
			if d.method != "" {
				r.Method = d.method
			}
			c.sign(r)
			reply := httptest.NewRecorder()
			handler.ServeHTTP(reply, r)
			let := reply.Code != http.StatusUnauthorized && reply.Code != http.StatusForbidden &&
				!strings.HasPrefix(reply.Header().Get("Location"), "/sign-in")
			may := d.everybody || c.by == "bearer" && slices.Contains(d.bearers, c.role) || c.by == "cookie" && slices.Contains(d.cookies,
				c.role) ||
				c.by == "stranger" && d.strangers
			if let != may || reply.Code >= 500 {
				t.Errorf("%s as %s: %d, may enter: %v", route, c.name, reply.Code, may)
			}
			sorry := strings.Contains(reply.Body.String(), "Ringmaster: not your page</title>")
			if !let && reply.Body.Len() > 1000 && !sorry {
				t.Errorf("%s as %s: refused, with %d bytes", route, c.name, reply.Body.Len())
			}
		}
	}
	for route := range table {
		t.Errorf("%s has a row, and is no route", route)
	}
}

// TestEveryRouteIsDescribed: what programs may use is in the description, /v1 too.
func TestEveryRouteIsDescribed(t *testing.T) {
	h := phoneHouse(t)
	reply := httptest.NewRecorder()
	h.node.Handler().ServeHTTP(reply, httptest.NewRequest("GET", h.url+"/openapi.json", nil))
	var doc struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(reply.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	for _, route := range append(h.node.API.Routes(), h.node.Administration.Routes()...) {
		method, path, _ := strings.Cut(route, " ")
		if _, is := doc.Paths[path][strings.ToLower(method)]; !is &&
			(strings.HasPrefix(path, "/v1/") || strings.HasPrefix(path, "/api/v1/")) {
			t.Errorf("%s is not described", route)
		}
	}
}

// callersOf are all kinds of callers: of every role by every way in, and those who may not enter any more.
func callersOf(t *testing.T, h *house) []caller {
	t.Helper()
	ctx, n, now := t.Context(), h.node, time.Now()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	const page, elsewhere = "https://crm.example.com", "https://evil.example.net"
	agent, err := n.Store.Agents.AgentByLogin(ctx, "ann")
	must(err)
	hash, err := n.Passwords.Hash("correct horse battery")
	must(err)
	user := func(name string, role access.Role) access.User {
		u := access.User{Login: name, Role: role, PasswordHash: hash}
		if role == access.RoleAgent {
			u.AgentID = agent.ID
		}
		u, err := n.Store.Users.CreateUser(ctx, u)
		must(err)
		return u
	}
	bearer := func(token string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
	}
	session := func(u access.User) func(*http.Request) {
		token, _, err := n.Auth.Session(u)
		must(err)
		return bearer(token)
	}
	token := func(u access.User, ends time.Time) (int64, func(*http.Request)) {
		text, hash := access.NewToken()
		k, err := n.Store.Users.CreateToken(ctx, access.Token{UserID: u.ID, Name: "matrix", Hash: hash, CreatedAt: now,
			ExpiresAt: ends})
		must(err)
		return k.ID, bearer(text)
	}
	secrets, err := n.Config.VouchSecrets()
	must(err)
	yesterday, err := access.NewVouch(access.VouchOptions{Secrets: secrets,
		Now: func() time.Time { return now.Add(-24 * time.Hour) }})
	must(err)
	fresh, stale := n.Cookies.Mint, yesterday.Mint
	cookie := func(id access.Identity, mint func(access.Identity, time.Duration) (*http.Cookie, error),
		origin string) func(*http.Request) {
		c, err := mint(id, time.Hour)
		must(err)
		return func(r *http.Request) {
			r.AddCookie(c)
			r.Header.Set("Origin", origin)
		}
	}
	stranger := access.Identity{Username: "stranger@example.com"}
	list := []caller{
		{"nobody", "", "", func(*http.Request) {}},
		{"a page from elsewhere", "", "", func(r *http.Request) { r.Header.Set("Origin", elsewhere) }},
		{"a guessed token", "", "", bearer("rmt_guessed")},
		{"a name and a password by Basic", "", "", func(r *http.Request) { r.SetBasicAuth("boss", "correct horse") }},
		{"a cookie that nobody has signed", "", "", func(r *http.Request) {
			r.AddCookie(&http.Cookie{Name: access.CookieName, Value: "eyJhbGciOiJub25lIn0.e30."})
		}},
		{"a cookie that has run out", "", "", cookie(stranger, stale, page)},
		{"a stranger's cookie", "", "stranger", cookie(stranger, fresh, page)},
		{"a stranger's cookie, a page from elsewhere", "", "", cookie(stranger, fresh, elsewhere)},
	}
	for _, role := range everyRole {
		u := user(fmt.Sprintf("%s@example.com", role), role)
		_, byToken := token(u, time.Time{})
		revoked, byRevoked := token(u, time.Time{})
		must(n.Store.Users.RevokeToken(ctx, revoked))
		_, byExpired := token(u, now.Add(-time.Second))
		out := session(u)
		leaving := httptest.NewRequest("POST", h.url+"/api/v1/logout", nil)
		out(leaving)
		must(n.Auth.SignOut(leaving))
		list = append(list,
			caller{"session", role, "bearer", session(u)},
			caller{"token", role, "bearer", byToken},
			caller{"token, a page from elsewhere", role, "bearer",
				func(r *http.Request) { byToken(r); r.Header.Set("Origin", elsewhere) }},
			caller{"our cookie", role, "cookie", cookie(access.SignedIn(u, ""), fresh, page)},
			caller{"the CRM's cookie", role, "cookie", cookie(access.Identity{Username: u.Login}, fresh, page)},
			caller{"cookie, a page from elsewhere", role, "", cookie(access.Identity{Username: u.Login}, fresh, elsewhere)},
			caller{"cookie that has run out", role, "", cookie(access.Identity{Username: u.Login}, stale, page)},
			caller{"revoked token", role, "", byRevoked},
			caller{"expired token", role, "", byExpired},
			caller{"session that was signed out", role, "", out},
		)
		off := user(fmt.Sprintf("off-%s@example.com", role), role)
		_, offToken := token(off, time.Time{})
		list = append(list,
			caller{"disabled user's session", role, "", session(off)},
			caller{"disabled user's token", role, "", offToken},
			caller{"disabled user's cookie from us", role, "", cookie(access.SignedIn(off, ""), fresh, page)},
			caller{"disabled user's cookie from the CRM", role, "", cookie(access.Identity{Username: off.Login}, fresh, page)},
		)
		_, err := n.Store.Users.SetUserDisabled(ctx, off.ID, true, "boss", now)
		must(err)
		changed := user(fmt.Sprintf("changed-%s@example.com", role), role)
		list = append(list,
			caller{"session before the password changed", role, "", session(changed)},
			caller{"cookie before the password changed", role, "", cookie(access.SignedIn(changed, ""), fresh, page)},
		)
		_, err = n.Store.Users.SetUserPassword(ctx, changed.ID, hash, "boss", now)
		must(err)
	}
	for i := range list {
		if list[i].role != "" {
			list[i].name = string(list[i].role) + ": " + list[i].name
		}
	}
	return list
}

// TestNobodyIsRefusedForWantOfTheRecord: while SQL does not answer, nobody is told that he may not enter, which a page takes for
// a sign-out.
func TestNobodyIsRefusedForWantOfTheRecord(t *testing.T) {
	h := phoneHouse(t)
	n := h.node
	c, err := n.Cookies.Mint(access.Identity{Username: "ann@example.com"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Store.Disconnect(); err != nil {
		t.Fatal(err)
	}
	if err := n.MountPages(n.Site()); err != nil {
		t.Fatal(err)
	}
	handler := n.Handler()
	for route, d := range doors() {
		if d.everybody {
			continue
		}
		r := httptest.NewRequest("GET", h.url+d.path, nil)
		if d.method != "" {
			r.Method = d.method
		}
		if len(d.cookies) > 0 {
			r.AddCookie(c)
			r.Header.Set("Origin", h.url)
		} else {
			r.Header.Set("Authorization", "Bearer "+h.token)
		}
		reply := httptest.NewRecorder()
		handler.ServeHTTP(reply, r)
		if reply.Code != http.StatusServiceUnavailable {
			t.Errorf("%s: %d, want 503", route, reply.Code)
		}
		if strings.Contains(reply.Body.String(), "sql") || strings.Contains(reply.Body.String(), "database") {
			t.Errorf("%s tells %s", route, reply.Body)
		}
	}
	r := httptest.NewRequest("GET", h.url+"/api/v1/session", nil)
	r.AddCookie(c)
	r.Header.Set("Origin", h.url)
	reply := httptest.NewRecorder()
	handler.ServeHTTP(reply, r)
	if reply.Code != http.StatusServiceUnavailable || reply.Header().Get("Access-Control-Allow-Origin") != h.url ||
		!json.Valid(reply.Body.Bytes()) {
		t.Errorf("session: %d %v %s; want 503 that the page may read", reply.Code, reply.Header(), reply.Body)
	}
}
