package access

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// people is a record of users in memory.
type people struct {
	mu     sync.Mutex
	users  map[int64]User
	tokens map[string]Token
	ended  map[string]bool
	err    error
}

func (p *people) find(is func(User) bool) (User, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return User{}, p.err
	}
	for _, u := range p.users {
		if is(u) {
			return u, nil
		}
	}
	return User{}, ErrNoUser
}

func (p *people) User(_ context.Context, id int64) (User, error) {
	return p.find(func(u User) bool { return u.ID == id })
}

func (p *people) UserSigningIn(ctx context.Context, name string) (User, error) {
	return p.UserByLogin(ctx, name)
}

func (p *people) UserByLogin(_ context.Context, login string) (User, error) {
	return p.find(func(u User) bool { return u.Login == login })
}

func (p *people) UserByToken(ctx context.Context, hash []byte, at time.Time) (User, error) {
	t, known := p.tokens[string(hash)]
	if !known || !t.ExpiresAt.IsZero() && !at.Before(t.ExpiresAt) {
		return User{}, ErrNoToken
	}
	return p.User(ctx, t.UserID)
}

func (p *people) Standing(_ context.Context, logins, sessions []string) (map[string]User, map[string]bool, error) {
	users := map[string]User{}
	for _, login := range logins {
		if u, err := p.find(func(u User) bool { return u.Login == login }); err == nil {
			users[login] = u
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	ended := map[string]bool{}
	for _, id := range sessions {
		ended[id] = p.ended[id]
	}
	return users, ended, p.err
}

func (p *people) EndSessions(_ context.Context, sessions []string, _, _ time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended == nil {
		p.ended = map[string]bool{}
	}
	for _, id := range sessions {
		p.ended[id] = true
	}
	return p.err
}

func (p *people) change(id int64, change func(*User)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	u := p.users[id]
	change(&u)
	p.users[id] = u
}

// cheap is a hash that costs a test nothing.
func cheap(password string) string {
	c := params{8, 1, 1}
	salt := []byte("saltsalt")
	return encode(c, salt, c.key(password, salt, 16))
}

func authenticator(t *testing.T, p *people, clock func() time.Time) *Authenticator {
	t.Helper()
	origins, err := NewOrigins([]string{"https://crm.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	a, err := NewAuthenticator(AuthenticatorOptions{Store: p, Gate: NewGate(vouch(t), p, clock, nil), Origins: origins,
		SessionSecret: "another" + secret, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAuthenticate(t *testing.T) {
	token, hash := NewToken()
	old, oldHash := NewToken()
	p := &people{
		users: map[int64]User{
			1: {ID: 1, Login: "boss", Role: RoleSupervisor, PasswordHash: cheap("correct horse")},
			2: {ID: 2, Login: "gone", Role: RoleAdmin, Disabled: true, PasswordHash: cheap("correct horse")},
			3: {ID: 3, Login: "a@example.com", Role: RoleAgent, AgentID: 2001},
			4: {ID: 4, Login: "crm", Role: RoleCRM},
		},
		tokens: map[string]Token{string(hash): {UserID: 4}, string(oldHash): {UserID: 4, ExpiresAt: now}},
	}
	clock := now
	a := authenticator(t, p, func() time.Time { return clock })
	session := func(id int64) string {
		s, expires, err := a.Session(User{ID: id})
		if err != nil || !expires.Equal(now.Add(SessionLifetime)) {
			t.Fatal(expires, err)
		}
		return "Bearer " + s
	}
	cookie := "VouchCookie=" + hs256(`{"username":"a@example.com","userID":"12341"}`)
	late := session(1)

	for name, c := range map[string]struct {
		header map[string]string
		want   int64
		err    error
	}{
		"session": {map[string]string{"Authorization": session(1)}, 1, nil},
		"session, other case": {map[string]string{"Authorization": strings.Replace(session(1), "Bearer", "bearer", 1)}, 1,
			nil},
		"session of a disabled": {map[string]string{"Authorization": session(2)}, 0, ErrDenied},
		"session of a deleted":  {map[string]string{"Authorization": session(9)}, 0, ErrDenied},
		"session, changed":      {map[string]string{"Authorization": session(1) + "A"}, 0, ErrDenied},
		"a cookie's token as bearer": {map[string]string{"Authorization": "Bearer " + strings.TrimPrefix(cookie, "VouchCookie=")},
			0, ErrDenied},
		"token":             {map[string]string{"Authorization": "Bearer " + token}, 4, nil},
		"token out of time": {map[string]string{"Authorization": "Bearer " + old}, 0, ErrDenied},
		"unknown token": {map[string]string{"Authorization": "Bearer " + TokenPrefix + strings.Repeat("A", 43)}, 0,
			ErrDenied},
		"token cut off":                    {map[string]string{"Authorization": "Bearer " + token[:20]}, 0, ErrDenied},
		"basic":                            {map[string]string{"Authorization": "Basic YTpi"}, 0, ErrDenied},
		"bearer of nothing":                {map[string]string{"Authorization": "Bearer "}, 0, ErrDenied},
		"nothing":                          {nil, 0, ErrNoCredentials},
		"cookie":                           {map[string]string{"Cookie": cookie}, 3, nil},
		"cookie from the CRM":              {map[string]string{"Cookie": cookie, "Origin": "https://crm.example.com"}, 3, nil},
		"cookie from elsewhere":            {map[string]string{"Cookie": cookie, "Origin": "https://evil.example.net"}, 0, ErrDenied},
		"cookie of a user by tokens":       {map[string]string{"Cookie": "VouchCookie=" + hs256(`{"username":"crm"}`)}, 0, ErrDenied},
		"cookie of a user with a password": {map[string]string{"Cookie": "VouchCookie=" + hs256(`{"username":"boss"}`)}, 1, nil},
		"cookie of a stranger":             {map[string]string{"Cookie": "VouchCookie=" + hs256(`{"username":"x"}`)}, 0, ErrDenied},
		"a bad bearer, a good cookie":      {map[string]string{"Authorization": "Bearer x", "Cookie": cookie}, 0, ErrDenied},
	} {
		r := httptest.NewRequest(http.MethodGet, "/api/v1/campaigns", nil)
		for k, v := range c.header {
			r.Header.Set(k, v)
		}
		if u, err := a.Authenticate(r); !errors.Is(err, c.err) || u.ID != c.want {
			t.Errorf("%s: %+v, %v", name, u, err)
		}
	}

	clock = now.Add(SessionLifetime + time.Minute)
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", late)
	if _, err := a.Authenticate(r); !errors.Is(err, ErrDenied) {
		t.Errorf("a session out of time: %v", err)
	}

	p.err = errors.New("SQL is away")
	r.Header.Set("Authorization", "Bearer "+token)
	if _, err := a.Authenticate(r); err == nil || errors.Is(err, ErrDenied) {
		t.Errorf("without the record: %v", err)
	}
}

func TestLogin(t *testing.T) {
	p := &people{users: map[int64]User{
		1: {ID: 1, Login: "boss", PasswordHash: cheap("correct horse")},
		2: {ID: 2, Login: "gone", PasswordHash: cheap("correct horse"), Disabled: true},
		3: {ID: 3, Login: "cookie only"},
	}}
	clock := now
	a := authenticator(t, p, func() time.Time { return clock })
	ctx := t.Context()
	if u, err := a.Login(ctx, "boss", "correct horse", "192.0.2.1"); err != nil || u.ID != 1 {
		t.Fatal(u, err)
	}
	for _, login := range []string{"boss", "gone", "cookie only", "nobody"} {
		if _, err := a.Login(ctx, login, "wrong", "192.0.2.2"); !errors.Is(err, ErrDenied) {
			t.Errorf("%s: %v", login, err)
		}
	}
	if _, err := a.Login(ctx, "gone", "correct horse", "192.0.2.2"); !errors.Is(err, ErrDenied) {
		t.Errorf("a disabled user entered: %v", err)
	}
	var tooMany *TooManyError
	for range 5 {
		_, _ = a.Login(ctx, "boss", "wrong", "192.0.2.3")
	}
	if _, err := a.Login(ctx, "boss", "correct horse", "192.0.2.3"); !errors.As(err, &tooMany) || tooMany.RetryAfter <= 0 ||
		tooMany.RetryAfter > pairBound.every {
		t.Errorf("guessing goes on: %v", err)
	}
	if _, err := a.Login(ctx, "boss", "correct horse", "192.0.2.4"); err != nil {
		t.Errorf("a stranger's guesses keep the owner out: %v", err)
	}
	clock = clock.Add(pairBound.every)
	if _, err := a.Login(ctx, "boss", "correct horse", "192.0.2.3"); err != nil {
		t.Errorf("after waiting: %v", err)
	}
}

func TestPasswords(t *testing.T) {
	var p Passwords
	hash, err := p.Hash("correct horse")
	if err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatal(hash, err)
	}
	if again, _ := p.Hash("correct horse"); again == hash {
		t.Error("no salt")
	}
	for password, want := range map[string]bool{"correct horse": true, "correct hors": false, "": false,
		strings.Repeat("x", maxPassword+1): false} {
		if fits, err := p.Verify(t.Context(), hash, password); err != nil || fits != want {
			t.Errorf("%.20q: %v, %v", password, fits, err)
		}
	}
	if fits, err := p.Verify(t.Context(), "", ""); err != nil || fits {
		t.Errorf("an unknown user: %v, %v", fits, err)
	}
	for _, bad := range []string{
		"plain", "$argon2i$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=16$m=8,t=1,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=4194304,t=1,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=8,t=1000,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=8,t=1,p=0$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=19$m=8,t=1,p=1$$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$AAAA", "$argon2id$v=19$m=8,t=1,p=1 $c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
		strings.Repeat("$", 600),
	} {
		if fits, err := p.Verify(t.Context(), bad, "x"); fits || !errors.Is(err, ErrHash) {
			t.Errorf("%.40q: %v, %v", bad, fits, err)
		}
	}
	if _, err := p.Hash("short"); err == nil || strings.Contains(err.Error(), "short") {
		t.Error(err)
	}
}

func TestOrigins(t *testing.T) {
	o, err := NewOrigins([]string{"https://crm.example.com", "http://localhost:3000"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		method, origin, site, upgrade string
		want                          bool
	}{
		{"GET", "", "", "", true}, {"GET", "", "", "websocket", false}, {"POST", "", "", "", false},
		{"POST", "", "same-origin", "", true},
		{"POST", "https://crm.example.com", "", "", true}, {"POST", "https://CRM.example.com", "", "", true},
		{"POST", "http://localhost:3000", "", "", true},
		{"POST", "https://dialer.example.com", "", "", true}, {"GET", "https://dialer.example.com", "", "websocket", true},
		{"GET", "https://crm.example.com.evil.net", "", "", false}, {"GET", "http://crm.example.com", "", "", false},
		{"GET", "null", "", "", false},
		{"GET", "https://", "", "", false}, {"GET", "::", "", "", false}, {"GET", "http://dialer.example.com", "", "", false},
		{"GET", "https://crm.example.com:443", "", "", true}, {"GET", "http://crm.example.com:443", "", "", false},
		{"GET", "https://dialer.example.com:443", "", "", true},
		{"GET", "https://dialer.example.com:8443", "", "", false},
	} {
		r := httptest.NewRequest(c.method, "https://dialer.example.com/", nil)
		for k, v := range map[string]string{"Origin": c.origin, "Sec-Fetch-Site": c.site, "Upgrade": c.upgrade} {
			if v != "" {
				r.Header.Set(k, v)
			}
		}
		if got := o.Allows(r); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
	o, _ = NewOrigins([]string{"https://dialer.example.com:443"}) // the public URL, behind a proxy that speaks TLS for us
	for _, c := range []struct {
		host, proto, origin string
		want                bool
	}{
		{"dialer.example.com", "", "https://dialer.example.com", true},
		{"dialer.example.com:443", "", "https://dialer.example.com", true},
		{"dialer.example.com", "", "http://dialer.example.com", false},
		{"other.example.com", "https", "http://other.example.com", false},
		{"127.0.0.1:8080", "", "http://127.0.0.1:8080", true}, {"desk.local:80", "", "http://desk.local", true},
		{"[::1]:8080", "", "http://[::1]:8080", true},
		{"desk.local", "", "http://desk.local:8080", false},
	} {
		r := httptest.NewRequest("GET", "http://"+c.host+"/", nil)
		r.Header.Set("Origin", c.origin)
		if c.proto != "" {
			r.Header.Set("X-Forwarded-Proto", c.proto)
		}
		if got := o.Allows(r); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
	for _, bad := range []string{"*", "crm.example.com", "https://crm.example.com/", "ftp://x", "https://a@b", "https://"} {
		if _, err := NewOrigins([]string{bad}); err == nil {
			t.Errorf("took %q", bad)
		}
	}
}
