package api_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents/access"
)

const (
	agent      = access.RoleAgent
	supervisor = access.RoleSupervisor
	admin      = access.RoleAdmin
	crm        = access.RoleCRM
)

type apiRoute struct {
	method, path string
	roles        []access.Role // none: everybody
	badQuery     string
	badBody      string
	says         string // in the refusal
}

// routes says of every route who may use it, and one request that it refuses with 422 (or nothing where nothing can be
// wrong with one).
var routes = []apiRoute{
	{"POST", "/login", nil, "", `{"login": "x"}`, "password"},
	{"POST", "/first-admin", nil, "", `{"login": "x", "password": "12345678"}`, "token"},
	{"POST", "/logout", nil, "?x=1", "", "x"},
	{"GET", "/me", []access.Role{agent, supervisor, admin, crm}, "?x=1", "", "x"},
	{"POST", "/me/session", []access.Role{agent, supervisor, admin, crm}, "?x=1", "", "x"},
	{"GET", "/users", []access.Role{admin}, "?x=1", "", "x"},
	{"POST", "/users", []access.Role{admin}, "", `{"login": "x", "role": "agent"}`, "agent_id"},
	{"GET", "/users/{id}", []access.Role{admin}, "?x=1", "", "x"},
	{"PATCH", "/users/{id}", []access.Role{admin}, "", `{"role": "king"}`, "role"},
	{"DELETE", "/users/{id}", []access.Role{admin}, "?x=1", "", "x"},
	{"POST", "/users/{id}/disable", []access.Role{admin}, "?x=1", "", "x"},
	{"POST", "/users/{id}/enable", []access.Role{admin}, "?x=1", "", "x"},
	{"PUT", "/users/{id}/password", []access.Role{admin}, "", `{"password": "short"}`, "password"},
	{"POST", "/tokens", []access.Role{admin}, "", `{"login": "crm", "name": "n", "expires_in": "soon"}`, "expires_in"},
	{"GET", "/tokens", []access.Role{admin}, "?x=1", "", "x"},
	{"DELETE", "/tokens/{id}", []access.Role{admin}, "?x=1", "", "x"},
	{"GET", "/campaigns", []access.Role{supervisor, admin, crm}, "?limit=0", "", "limit"},
	{"POST", "/campaigns", []access.Role{supervisor, admin}, "", `{"name": "", "mode": "auto"}`, "mode"},
	{"GET", "/campaigns/{id}", []access.Role{supervisor, admin, crm}, "?x=1", "", "x"},
	{"PATCH", "/campaigns/{id}", []access.Role{supervisor, admin}, "", `{"ring": "1 minute"}`, "ring"},
	{"POST", "/campaigns/{id}/start", []access.Role{supervisor, admin}, "?x=1", "", "x"},
	{"POST", "/campaigns/{id}/pause", []access.Role{supervisor, admin}, "?x=1", "", "x"},
	{"POST", "/campaigns/{id}/stop", []access.Role{supervisor, admin}, "?x=1", "", "x"},
	{"GET", "/campaigns/{id}/stats", []access.Role{supervisor, admin, crm}, "?x=1", "", "x"},
	{"POST", "/campaigns/{id}/what-if", []access.Role{supervisor, admin}, "", `{"agents": 0}`, "agents"},
	{"POST", "/campaigns/{id}/shadow", []access.Role{supervisor, admin}, "", `{"agents": 0}`, "agents"},
	{"GET", "/campaigns/{id}/pacing", []access.Role{supervisor, admin, crm}, "?x=1", "", "x"},
	{"GET", "/campaigns/{id}/chances", []access.Role{supervisor, admin, crm}, "?x=1", "", "x"},
	{"POST", "/campaigns/{id}/contacts", []access.Role{supervisor, admin, crm}, "?mapping=x", "[]", "mapping"},
	{"GET", "/campaigns/{id}/contacts", []access.Role{supervisor, admin, crm}, "?state=asleep", "", "state"},
	{"GET", "/campaigns/{id}/contacts/export", []access.Role{supervisor, admin, crm}, "?time_zone=Mars", "", "time_zone"},
	{"GET", "/campaigns/{id}/imports", []access.Role{supervisor, admin, crm}, "?cursor=x", "", "cursor"},
	{"GET", "/imports/{id}", []access.Role{supervisor, admin, crm}, "?x=1", "", "x"},
	{"POST", "/imports/{id}/commit", []access.Role{supervisor, admin, crm}, "?x=1", "", "x"},
	{"DELETE", "/imports/{id}", []access.Role{supervisor, admin, crm}, "?x=1", "", "x"},
	{"GET", "/imports/{id}/refused", []access.Role{supervisor, admin, crm}, "?x=1", "", "x"},
	{"GET", "/imports/{id}/progress", []access.Role{supervisor, admin, crm}, "?x=1", "", "x"},
	{"GET", "/campaigns/{id}/lists", []access.Role{supervisor, admin, crm}, "?cursor=x", "", "cursor"},
	{"GET", "/lists/{id}", []access.Role{supervisor, admin, crm}, "?x=1", "", "x"},
	{"PATCH", "/lists/{id}", []access.Role{supervisor, admin, crm}, "", `{"weight": 0}`, "weight"},
	{"GET", "/lists/{id}/export", []access.Role{supervisor, admin, crm}, "?x=1", "", "x"},
	{"POST", "/lists/{id}/close", []access.Role{supervisor, admin, crm}, "", `{"reason": ""}`, "reason"},
	{"POST", "/lists/{id}/reopen", []access.Role{supervisor, admin, crm}, "", `{"reason": ""}`, "reason"},
	{"POST", "/lists/{id}/recycle", []access.Role{supervisor, admin, crm}, "", `{"max_attempts": -1}`, "max_attempts"},
	{"GET", "/overview", []access.Role{supervisor, admin}, "?campaign=0", "", "campaign"},
	{"GET", "/profiles", []access.Role{supervisor, admin, crm}, "?x=1", "", "x"},
	{"GET", "/contacts/{id}", []access.Role{supervisor, admin, crm}, "?x=1", "", "x"},
	{"GET", "/contacts/{id}/explain", []access.Role{supervisor, admin, crm}, "?x=1", "", "x"},
	{"GET", "/contacts/{id}/windows", []access.Role{agent, supervisor, admin, crm}, "?to=2025-01-01T00:00:00Z", "", "31 days"},
	{"GET", "/calls/live", []access.Role{supervisor, admin}, "?limit=1000", "", "limit"},
	{"GET", "/live", []access.Role{agent, supervisor, admin}, "?x=1", "", "x"},
	{"GET", "/settings", []access.Role{admin}, "?x=1", "", "x"},
	{"GET", "/contacts", []access.Role{supervisor, admin, crm}, "?number=12", "", "number"},
	{"PATCH", "/contacts/{id}", []access.Role{supervisor, admin, crm}, "", `{"phones": [{"number": "12"}]}`, "phones[0]"},
	{"POST", "/contacts/move", []access.Role{supervisor, admin, crm}, "", `{"to": 1, "reason": "x"}`, "list_id"},
	{"POST", "/contacts/{id}/finish", []access.Role{supervisor, admin, crm}, "", `{}`, "reason"},
	{"POST", "/contacts/{id}/reopen", []access.Role{supervisor, admin, crm}, "", `{}`, "reason"},
	{"GET", "/campaigns/{id}/why", []access.Role{supervisor, admin, crm}, "?x=1", "", "x"},
	{"POST", "/campaigns/{id}/copy", []access.Role{supervisor, admin}, "", `{}`, "name"},
	{"GET", "/templates", []access.Role{supervisor, admin, crm}, "?x=1", "", "x"},
	{"POST", "/templates", []access.Role{supervisor, admin}, "", `{"name": "x"}`, "campaign_id"},
	{"GET", "/templates/{id}", []access.Role{supervisor, admin, crm}, "?x=1", "", "x"},
	{"DELETE", "/templates/{id}", []access.Role{supervisor, admin}, "?x=1", "", "x"},
	{"POST", "/templates/{id}/campaign", []access.Role{supervisor, admin}, "", `{}`, "name"},
	{"GET", "/reports", []access.Role{supervisor, admin, crm}, "?by=colour&from=2026-03-01T00:00:00Z", "", "by"},
	{"GET", "/reports/export", []access.Role{supervisor, admin, crm}, "?by=agent&from=2026-03-01T00:00:00Z&to=2020-01-01T00:00:00Z",
		"", "366 days"},
	{"GET", "/reports/promises", []access.Role{supervisor, admin, crm}, "?by=outcome&from=2026-03-01T00:00:00Z", "", "by"},
	{"GET", "/reports/promises/export", []access.Role{supervisor, admin, crm},
		"?by=agent&from=2026-03-01T00:00:00Z&to=2020-01-01T00:00:00Z", "", "366 days"},
	{"GET", "/attempts/export", []access.Role{supervisor, admin, crm}, "?x=1", "", "x"},
	{"GET", "/audit", []access.Role{supervisor, admin}, "?cursor=x", "", "cursor"},
	{"GET", "/me/callbacks", []access.Role{agent}, "?cursor=x", "", "cursor"},
	{"GET", "/me/history", []access.Role{agent}, "?cursor=x", "", "cursor"},
	{"GET", "/me/contact", []access.Role{agent}, "?x=1", "", "x"},
	{"GET", "/me/figures", []access.Role{agent}, "?from=2999-01-01T00:00:00Z", "", "31 days"},
	{"POST", "/agents/{id}/logout", []access.Role{supervisor, admin}, "?x=1", "", "x"},
	{"GET", "/attempts", []access.Role{agent, supervisor, admin, crm}, "?outcome=rich", "", "outcome"},
	{"GET", "/attempts/{id}", []access.Role{agent, supervisor, admin, crm}, "?x=1", "", "x"},
	{"POST", "/attempts/{id}/code", []access.Role{supervisor, admin}, "", `{"code": ""}`, "code"},
	{"POST", "/do-not-call", []access.Role{supervisor, admin, crm}, "", `{"number": "3.80501E+11"}`, "scientific"},
	{"GET", "/do-not-call", []access.Role{supervisor, admin, crm}, "?number=12", "", "number"},
	{"GET", "/do-not-call/check", []access.Role{supervisor, admin, crm}, "?number=12", "", "number"},
	{"POST", "/do-not-call/import", []access.Role{supervisor, admin, crm}, "?by=name", "[]", "number, person or both"},
	{"GET", "/do-not-call/export", []access.Role{supervisor, admin, crm}, "?x=1", "", "x"},
	{"DELETE", "/do-not-call", []access.Role{admin}, "?number=%2B447700900001", "", "reason"},
	{"POST", "/interactions", []access.Role{supervisor, admin, crm}, "",
		`{"id": "1", "kind": "visit", "crm_id": "7", "at": "2999-01-01T00:00:00Z"}`, "yet to come"},
	{"GET", "/interactions", []access.Role{supervisor, admin, crm}, "?number=12", "", "number"},
	{"POST", "/consents", []access.Role{supervisor, admin, crm}, "", `{"crm_id": "7", "kind": "callback", "source": "x"}`,
		"given_at"},
	{"GET", "/consents", []access.Role{supervisor, admin, crm}, "?cursor=x", "", "cursor"},
	{"DELETE", "/consents/{id}", []access.Role{supervisor, admin, crm}, "?x=1", "", "x"},
	{"GET", "/people", []access.Role{supervisor, admin, crm}, "", "", "crm_id"},
	{"GET", "/people/dossier", []access.Role{supervisor, admin}, "", "", "crm_id"},
	{"POST", "/people/erase", []access.Role{admin}, "", `{"reason": "x"}`, "contact_id"},
	{"POST", "/people/merge", []access.Role{supervisor, admin, crm}, "", `{"into": "7", "crm_ids": ["7"], "reason": "x"}`,
		"among the others"},
	{"POST", "/people/split", []access.Role{supervisor, admin, crm}, "", `{"crm_id": "7"}`, "reason"},
	{"POST", "/callbacks", []access.Role{supervisor, admin, crm}, "", `{"contact_id": 1, "at": "2020-01-01T00:00:00Z"}`,
		"from now on"},
	{"PATCH", "/callbacks/{id}", []access.Role{agent, supervisor, admin, crm}, "", `{"at": "2020-01-01T00:00:00Z"}`, "from now on"},
	{"DELETE", "/callbacks/{id}", []access.Role{supervisor, admin}, "?x=1", "", "x"},
	{"GET", "/callbacks/figures", []access.Role{supervisor, admin, crm}, "?x=1", "", "x"},
	{"GET", "/callbacks", []access.Role{supervisor, admin, crm}, "?cursor=x", "", "cursor"},
	{"POST", "/webhooks", []access.Role{admin, crm}, "", `{"url": "http://169.254.169.254/"}`, "url"},
	{"GET", "/webhooks", []access.Role{admin, crm}, "?x=1", "", "x"},
	{"GET", "/webhooks/{id}", []access.Role{admin, crm}, "?x=1", "", "x"},
	{"PATCH", "/webhooks/{id}", []access.Role{admin, crm}, "", `{"rate": -1}`, "rate"},
	{"DELETE", "/webhooks/{id}", []access.Role{admin, crm}, "?x=1", "", "x"},
	{"POST", "/webhooks/{id}/rotate", []access.Role{admin, crm}, "?x=1", "", "x"},
	{"GET", "/webhooks/{id}/secrets", []access.Role{admin, crm}, "?x=1", "", "x"},
	{"DELETE", "/webhooks/{id}/secrets/{secret_id}", []access.Role{admin, crm}, "?x=1", "", "x"},
	{"POST", "/webhooks/{id}/test", []access.Role{admin, crm}, "?x=1", "", "x"},
	{"GET", "/webhooks/{id}/deliveries", []access.Role{admin, crm}, "?state=lost", "", "state"},
	{"GET", "/deliveries/{id}/tries", []access.Role{admin, crm}, "?x=1", "", "x"},
	{"GET", "/deliveries", []access.Role{admin, crm}, "?state=lost", "", "state"},
	{"GET", "/events", []access.Role{admin, crm}, "?type=nonsense", "", "type"},
	{"GET", "/event-schemas", nil, "?x=1", "", "x"},
	{"GET", "/event-schemas/{type}", nil, "?x=1", "", "x"},
	{"GET", "/events/{id}", []access.Role{admin, crm}, "?x=1", "", "x"},
	{"POST", "/webhooks/{id}/replay", []access.Role{admin, crm}, "", `{}`, "only_failed"},
	{"GET", "/trunks", []access.Role{supervisor, admin}, "?x=1", "", "x"},
	{"GET", "/agents/live", []access.Role{supervisor, admin}, "?limit=1000", "", "limit"},
	{"PUT", "/agents/of-user/{user_id}", []access.Role{crm, admin}, "", `{"login": " x"}`, "login"},
	{"GET", "/session", nil, "?x=1", "", "x"},
	{"POST", "/agents/{id}/language", []access.Role{agent, supervisor, admin}, "", `{"language": "de"}`, "language"},
	{"POST", "/agents/{id}/auto-call", []access.Role{supervisor, admin}, "", `{"on": "yes"}`, "on"},
}

// TestRoles asks for everything as everybody. Whoever is not admitted learns which role it takes; whoever is gets another reply.
func TestRoles(t *testing.T) {
	h := newHouse(t)
	everybody := []access.Role{agent, supervisor, admin, crm}
	for _, route := range routes {
		t.Run(route.method+" "+route.path, func(t *testing.T) {
			h.t = t
			path := "/api/v1" + strings.NewReplacer("{id}", "999", "{secret_id}", "999").Replace(route.path)
			if route.roles == nil {
				return
			}
			none := h.send(h.request("", route.method, path, ""))
			none.refused(http.StatusUnauthorized, "Sign in")
			if none.header.Get("WWW-Authenticate") != "Bearer" {
				t.Error("no WWW-Authenticate")
			}
			bad := h.request("", route.method, path, "")
			bad.Header.Set("Authorization", "Bearer rmt_guessed")
			h.send(bad).refused(http.StatusUnauthorized, "not accepted")
			for _, role := range everybody {
				r := h.send(h.request(role, route.method, path, ""))
				if slices.Contains(route.roles, role) {
					if r.status == http.StatusUnauthorized || r.status == http.StatusForbidden {
						t.Errorf("%s is refused: %s", role, r.body)
					}
					continue
				}
				r.refused(http.StatusForbidden, "yours is "+string(role), string(route.roles[0]))
			}
		})
	}
}

// TestBadRequests: every route refuses a bad request with a 422 that names what is wrong.
func TestBadRequests(t *testing.T) {
	h := newHouse(t)
	c := h.campaign("Winter")
	if c.ID != 1 {
		t.Fatalf("campaign %d", c.ID)
	}
	h.contact(1, "7", "+447700900123")
	h.do("POST", "/api/v1/webhooks", `{"url": "https://crm.example.com/"}`).want(http.StatusCreated, nil)
	for _, route := range routes {
		t.Run(route.method+" "+route.path, func(t *testing.T) {
			h.t = t
			path := "/api/v1" + strings.ReplaceAll(route.path, "{id}", "1") + route.badQuery
			as := admin
			if route.roles != nil && !slices.Contains(route.roles, admin) {
				as = route.roles[0]
			}
			p := h.send(h.request(as, route.method, path, route.badBody)).refused(http.StatusUnprocessableEntity, route.says)
			if len(p.Errors) == 0 || p.Errors[0].Location == "" || p.Errors[0].Message == "" {
				t.Errorf("want the place and what is wrong: %+v", p)
			}
		})
	}
}

// TestEveryRouteIsListed keeps the table above whole: it is compared with the router, and the API's own description with both.
func TestEveryRouteIsListed(t *testing.T) {
	h := newHouse(t)
	var routed []string
	for _, pattern := range h.api.Routes() {
		if strings.Contains(pattern, " /api/v1/") {
			routed = append(routed, pattern)
		} else if _, path, _ := strings.Cut(pattern, " "); pattern != "/" && !strings.HasPrefix(path, "/docs") &&
			!strings.HasPrefix(path, "/openapi") {
			t.Errorf("%s is neither of the API nor of its description", pattern)
		}
	}
	var doc struct {
		Paths map[string]map[string]json.RawMessage
	}
	h.send(h.request("", "GET", "/openapi.json", "")).want(http.StatusOK, &doc)
	var described, listed []string
	for path, methods := range doc.Paths {
		for method := range methods {
			described = append(described, strings.ToUpper(method)+" "+path)
		}
	}
	for _, r := range routes {
		listed = append(listed, r.method+" /api/v1"+r.path)
	}
	slices.Sort(described)
	slices.Sort(listed)
	// of another router
	described = slices.DeleteFunc(described, func(route string) bool { return strings.Contains(route, " /v1/") })
	for name, list := range map[string][]string{"described": described, "routed": routed} {
		slices.Sort(list)
		if !slices.Equal(list, listed) {
			t.Errorf("%s:\n%s\nlisted:\n%s", name, strings.Join(list, "\n"), strings.Join(listed, "\n"))
		}
	}
}

// TestThingsThatAreNotThere: every route with an id replies 404 for one that nothing has.
func TestThingsThatAreNotThere(t *testing.T) {
	h := newHouse(t)
	bodies := map[string]string{"/campaigns/{id}/what-if": `{}`, "/campaigns/{id}/shadow": `{}`, "/users/{id}/password": `{"password": "correct horse battery"}`,
		"/attempts/{id}/code": `{"code": "1"}`, "/webhooks/{id}/replay": `{"only_failed": true}`,
		"/agents/{id}/auto-call":   `{"on": true}`,
		"/agents/{id}/language":    `{"language": "uk"}`,
		"/campaigns/{id}/contacts": `[]`, "/campaigns/{id}/copy": `{"name": "x"}`,
		"/templates/{id}/campaign": `{"name": "x"}`, "/contacts/{id}/finish": `{"reason": "x"}`,
		"/contacts/{id}/reopen": `{"reason": "x"}`,
		"/lists/{id}/close":     `{"reason": "x"}`, "/lists/{id}/reopen": `{"reason": "x"}`, "/lists/{id}/recycle": `{}`}
	withID := regexp.MustCompile(`\{(secret_)?id\}`)
	for _, route := range routes {
		if !withID.MatchString(route.path) || route.path == "/deliveries/{id}/tries" {
			continue
		}
		t.Run(route.method+" "+route.path, func(t *testing.T) {
			h.t = t
			body := bodies[route.path]
			if route.method == "PATCH" {
				body = `{"disabled": true}`
				if strings.HasPrefix(route.path, "/campaigns") || strings.HasPrefix(route.path, "/contacts") {
					body = `{"name": "x"}`
				}
				if route.path == "/users/{id}" {
					body = `{"role": "supervisor"}`
				}
				if route.path == "/lists/{id}" {
					body = `{"weight": 2}`
				}
				if strings.HasPrefix(route.path, "/callbacks") {
					body = `{"at": "` + now.Add(time.Hour).Format(time.RFC3339) + `"}`
				}
			}
			if route.method == "GET" {
				body = ""
			}
			h.do(route.method, "/api/v1"+withID.ReplaceAllString(route.path, "999"), body).refused(http.StatusNotFound)
		})
	}
}
