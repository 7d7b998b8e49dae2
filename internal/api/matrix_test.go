package api_test

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents/access"
)

// principal is one kind of caller, and which role it has; none: it is nobody to us.
type principal struct {
	name string
	role access.Role
	sign func(*http.Request)
}

// principals are all kinds of callers that there are: of every role by every way in, and those who may not enter any more.
func (h *house) principals() []principal {
	h.t.Helper()
	clock := func() time.Time { return now }
	vouch, err := access.NewVouch(access.VouchOptions{Secrets: []string{secret}, Now: clock})
	h.must(err)
	bearer := func(token string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
	}
	session := func(u access.User) func(*http.Request) {
		token, _, err := h.auth.Session(u)
		h.must(err)
		return bearer(token)
	}
	token := func(u access.User, ends time.Time) (int64, func(*http.Request)) {
		token, hash := access.NewToken()
		k, err := h.store.Users.CreateToken(ctx, access.Token{UserID: u.ID, Name: "matrix", Hash: hash, CreatedAt: now,
			ExpiresAt: ends})
		h.must(err)
		return k.ID, bearer(token)
	}
	cookie := func(id access.Identity, origin string) func(*http.Request) {
		c, err := vouch.Mint(id, time.Hour)
		h.must(err)
		return func(r *http.Request) {
			r.AddCookie(c)
			r.Header.Set("Origin", origin)
		}
	}
	user := func(login string, role access.Role, hash string) access.User {
		u := access.User{Login: login, Role: role, PasswordHash: hash}
		if role == agent {
			u.AgentID = h.agent.ID
		}
		u, err := h.store.Users.CreateUser(ctx, u)
		h.must(err)
		return u
	}
	const page, elsewhere = "https://crm.example.com", "https://evil.example.net"
	list := []principal{
		{"nobody", "", func(*http.Request) {}},
		{"a guess", "", bearer("rmt_guessed")},
		{"a stranger's cookie", "", cookie(access.Identity{Username: "stranger@example.com"}, page)},
		{"nobody, a page from elsewhere", "", func(r *http.Request) { r.Header.Set("Origin", elsewhere) }},
	}
	for _, role := range []access.Role{agent, supervisor, admin, crm} {
		name := string(role)
		u := user("matrix-"+name, role, passwordHash)
		_, byToken := token(u, time.Time{})
		list = append(list, principal{name + " by session", role, session(u)}, principal{name + " by token", role, byToken},
			principal{name + " by our cookie", role, cookie(access.SignedIn(u, ""), page)},
			principal{name + " by the CRM's cookie", role, cookie(access.Identity{Username: u.Login}, page)},
			principal{name + " by cookie, a page from elsewhere", "", cookie(access.Identity{Username: u.Login}, elsewhere)},
			principal{name + " by token, a page from elsewhere", role,
				func(r *http.Request) { byToken(r); r.Header.Set("Origin", elsewhere) }})

		off := user("disabled-"+name, role, passwordHash)
		_, offToken := token(off, time.Time{})
		list = append(list, principal{"disabled " + name + " by session", "", session(off)},
			principal{"disabled " + name + " by token", "", offToken},
			principal{"disabled " + name + " by the CRM's cookie", "", cookie(access.Identity{Username: off.Login}, page)})
		_, err := h.store.Users.SetUserDisabled(ctx, off.ID, true, "boss", now)
		h.must(err)

		changed := user("changed-"+name, role, passwordHash)
		list = append(list, principal{name + " by a session before the password changed", "", session(changed)},
			principal{name + " by a cookie before the password changed", "", cookie(access.SignedIn(changed, ""), page)})
		_, err = h.store.Users.SetUserPassword(ctx, changed.ID, passwordHash, "boss", now)
		h.must(err)

		revoked, revokedToken := token(u, time.Time{})
		h.must(h.store.Users.RevokeToken(ctx, revoked))
		_, expired := token(u, now)
		out := session(u)
		leaving := h.request("", "POST", "/api/v1/logout", "")
		out(leaving)
		h.send(leaving).want(http.StatusNoContent, nil)
		list = append(list, principal{name + " by a revoked token", "", revokedToken},
			principal{name + " by an expired token", "", expired},
			principal{name + " by a session that was signed out", "", out})
		if role != agent {
			byTokensAlone := user("tokens-"+name, role, "")
			list = append(list, principal{name + " without a password by cookie", "",
				cookie(access.Identity{Username: byTokensAlone.Login}, page)})
		}
	}
	return list
}

// TestAuthorisationMatrix asks every route as every kind of caller. The routes are those of the table that TestEveryRouteIsListed
// compares with the router, so that no new one is forgotten; those beside /api/v1 are asked in cmd.
func TestAuthorisationMatrix(t *testing.T) {
	h := newHouse(t)
	everybody := h.principals()
	leavingLast := slices.Clone(routes)
	slices.SortStableFunc(leavingLast, func(a, b apiRoute) int {
		return cmp.Compare(strings.Count("^"+a.path, "^/logout"), strings.Count("^"+b.path, "^/logout"))
	})
	for _, route := range leavingLast {
		path := "/api/v1" + strings.NewReplacer("{id}", "999999", "{secret_id}", "999999", "{user_id}", "999999").Replace(route.path)
		for _, p := range everybody {
			r := h.request("", route.method, path, "")
			p.sign(r)
			got := h.send(r).status
			let := got != http.StatusUnauthorized && got != http.StatusForbidden
			foreign := strings.HasSuffix(p.name, "a page from elsewhere")
			switch {
			case got >= 500:
				t.Errorf("%s %s as %s: %d", route.method, route.path, p.name, got)
			case route.path == "/session":
				if let { // none of them is an agent to the CRM; TestSession has one
					t.Errorf("%s %s as %s: %d, want 403", route.method, route.path, p.name, got)
				}
			case route.roles == nil && route.method == http.MethodPost && foreign:
				if got != http.StatusForbidden {
					t.Errorf("%s %s as %s: %d, want 403", route.method, route.path, p.name, got)
				}
			case route.roles == nil:
				if !let {
					t.Errorf("%s %s as %s: %d, want in", route.method, route.path, p.name, got)
				}
			case p.role == "" && got != http.StatusUnauthorized:
				t.Errorf("%s %s as %s: %d, want 401", route.method, route.path, p.name, got)
			case p.role != "" && slices.Contains(route.roles, p.role) && !let:
				t.Errorf("%s %s as %s: %d, want in", route.method, route.path, p.name, got)
			case p.role != "" && !slices.Contains(route.roles, p.role) && got != http.StatusForbidden:
				t.Errorf("%s %s as %s: %d, want 403", route.method, route.path, p.name, got)
			}
		}
	}
}
