package access

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/internal/testdeps"
)

// door is a gate and an authenticator in front of the same people.
type door struct {
	t     *testing.T
	p     *people
	clock time.Time
	vouch *Vouch
	gate  *Gate
	auth  *Authenticator
}

func newDoor(t *testing.T) *door {
	d := &door{t: t, clock: now, p: &people{users: map[int64]User{
		1: {ID: 1, Login: "boss", Role: RoleAdmin, PasswordHash: cheap("correct horse")},
		2: {ID: 2, Login: "ann@example.com", Role: RoleAgent, AgentID: 2001},
	}}}
	clock := func() time.Time { return d.clock }
	var err error
	if d.vouch, err = NewVouch(VouchOptions{Secrets: []string{secret}, Now: clock}); err != nil {
		t.Fatal(err)
	}
	d.gate = NewGate(d.vouch, d.p, clock, nil)
	d.auth, err = NewAuthenticator(AuthenticatorOptions{Store: d.p, Gate: d.gate, SessionSecret: "another" + secret, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// signIn logs the boss in: a bearer's and a cookie's request.
func (d *door) signIn() (bearer, cookie *http.Request) {
	d.t.Helper()
	u, err := d.auth.Login(d.t.Context(), "boss", "correct horse", "192.0.2.1")
	if err != nil {
		d.t.Fatal(err)
	}
	token, _, err := d.auth.Session(u)
	if err != nil {
		d.t.Fatal(err)
	}
	c, err := d.vouch.Mint(SignedIn(u, ""), CookieLifetime)
	if err != nil {
		d.t.Fatal(err)
	}
	bearer, cookie = httptest.NewRequest("GET", "/", nil), httptest.NewRequest("GET", "/", nil)
	bearer.Header.Set("Authorization", "Bearer "+token)
	cookie.AddCookie(c)
	return bearer, cookie
}

func (d *door) enters(r *http.Request, want bool, when string) {
	d.t.Helper()
	d.clock = d.clock.Add(verdictAge) // what was said a moment ago is asked again
	_, err := d.auth.Authenticate(r)
	if (err == nil) != want || err != nil && !errors.Is(err, ErrDenied) {
		d.t.Errorf("%s: %v, want in: %v", when, err, want)
	}
	if r.Header.Get("Cookie") == "" {
		return
	}
	if _, err := d.gate.Identify(r); (err == nil) != want || err != nil && !errors.Is(err, ErrDenied) {
		d.t.Errorf("%s, at the gate: %v, want in: %v", when, err, want)
	}
}

func TestSigningOutEndsThatSession(t *testing.T) {
	for _, by := range []string{"bearer", "cookie"} {
		d := newDoor(t)
		bearer, cookie := d.signIn()
		otherBearer, otherCookie := d.signIn()
		u, err := d.auth.Authenticate(bearer)
		if err != nil {
			t.Fatal(err)
		}
		renewed := httptest.NewRequest("GET", "/", nil)
		token, _, err := d.auth.Session(u)
		if err != nil {
			t.Fatal(err)
		}
		renewed.Header.Set("Authorization", "Bearer "+token)
		d.enters(renewed, true, "renewed")
		out := bearer
		if by == "cookie" {
			out = cookie
		}
		if err := d.auth.SignOut(out); err != nil {
			t.Fatal(err)
		}
		d.enters(bearer, false, by+": the session")
		d.enters(renewed, false, by+": the session that was renewed")
		d.enters(cookie, false, by+": the cookie of the same login")
		d.enters(otherBearer, true, by+": another login's session")
		d.enters(otherCookie, true, by+": another login's cookie")
	}
}

func TestChangedPasswordEndsOurSessions(t *testing.T) {
	d := newDoor(t)
	bearer, cookie := d.signIn()
	crms := httptest.NewRequest("GET", "/", nil)
	crms.Header.Set("Cookie", "VouchCookie="+hs256(`{"username":"boss"}`))
	d.p.change(1, func(u *User) { u.Generation++ })
	d.enters(bearer, false, "session")
	d.enters(cookie, false, "cookie")
	d.enters(crms, true, "the CRM's cookie")
	again, _ := d.signIn()
	d.enters(again, true, "a login by the new password")
	d.p.change(1, func(u *User) { u.Disabled = true })
	d.enters(crms, false, "disabled, by the CRM's cookie")
	d.enters(again, false, "disabled, by a session")
	d.p.change(1, func(u *User) { u.Disabled = false; u.ID = 1; u.Login = "renamed" })
	d.enters(cookie, false, "a cookie of a name that is no more")
}

// TestCookieWithoutEnd: a CRM that signs the name alone makes the same cookie at the next login, so that it is not refused for
// ever.
func TestCookieWithoutEnd(t *testing.T) {
	d := newDoor(t)
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", "VouchCookie="+hs256(`{"username":"ann@example.com","userID":"12341"}`))
	d.enters(r, true, "a cookie without exp")
	if err := d.auth.SignOut(r); err != nil {
		t.Fatal(err)
	}
	d.enters(r, false, "signed out")
	strict, err := NewVouch(VouchOptions{Secrets: []string{secret}, MustEnd: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := strict.Identify(r); !errors.Is(err, ErrDenied) {
		t.Errorf("where cookies must end: %v", err)
	}
}

func TestSessionFromTheFuture(t *testing.T) {
	d := newDoor(t)
	bearer, _ := d.signIn()
	d.clock = now.Add(-maxClockSkew - time.Minute)
	if _, err := d.auth.Authenticate(bearer); !errors.Is(err, ErrDenied) {
		t.Errorf("issued a minute from now: %v", err)
	}
	d.clock = now.Add(-maxClockSkew / 2)
	if _, err := d.auth.Authenticate(bearer); err != nil {
		t.Errorf("by a clock that is a little ahead: %v", err)
	}
}

// TestGateWithoutTheRecord: who was let in a while ago is, nobody else.
func TestGateWithoutTheRecord(t *testing.T) {
	d := newDoor(t)
	_, known := d.signIn()
	_, stranger := d.signIn()
	d.enters(known, true, "at first")
	d.p.err = errors.New("SQL is away")
	d.clock = d.clock.Add(time.Minute)
	if _, err := d.gate.Identify(known); err != nil {
		t.Errorf("known: %v", err)
	}
	if _, err := d.gate.Identify(stranger); err == nil || errors.Is(err, ErrDenied) {
		t.Errorf("unknown: %v", err)
	}
	d.clock = d.clock.Add(verdictLife)
	if _, err := d.gate.Identify(known); err == nil {
		t.Error("known for ever")
	}
}

// TestOpenConnectionsEnd: a socket, and a request that waits, end once their user may not enter any more; nobody else's do.
func TestOpenConnectionsEnd(t *testing.T) {
	d := newDoor(t)
	begun := make(chan struct{}, 4)
	server := httptest.NewServer(d.gate.Watch(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/poll" {
			begun <- struct{}{}
			<-r.Context().Done()
			return
		}
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		begun <- struct{}{}
		go func() { _, _ = io.Copy(io.Discard, conn); _ = conn.Close() }()
	})))
	defer server.Close()
	open := func(path, claims string) net.Conn {
		conn, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		_, err = io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: VouchCookie="+hs256(claims)+
			"\r\n\r\n")
		if err != nil {
			t.Fatal(err)
		}
		<-begun
		return conn
	}
	socket, poll := open("/ws", `{"username":"ann@example.com"}`), open("/poll", `{"username":"ann@example.com","n":1}`)
	others := open("/ws", `{"username":"boss"}`)
	sweep := func() {
		if err := d.gate.sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	sweep()
	watching := func() int {
		d.gate.mu.Lock()
		defer d.gate.mu.Unlock()
		return len(d.gate.open)
	}
	if n := watching(); n != 3 {
		t.Fatalf("%d are watched", n)
	}
	d.p.change(2, func(u *User) { u.Disabled = true })
	sweep()
	for name, conn := range map[string]net.Conn{"socket": socket, "poll": poll} {
		_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
		if _, err := io.ReadAll(conn); err != nil && errors.Is(err, net.ErrClosed) || isTimeout(err) {
			t.Errorf("%s: %v", name, err)
		}
		_ = conn.Close()
	}
	if n := watching(); n > 2 { // the poll's handler may still be on its way out
		t.Errorf("%d are watched", n)
	}
	_ = others.Close()
	testdeps.Seen(t, "the server to notice", watching, func(n int) bool { return n == 0 })
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}
