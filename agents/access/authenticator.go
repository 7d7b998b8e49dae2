package access

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// ErrNoCredentials says that a request carries nothing that could name its user; it is an ErrDenied.
var ErrNoCredentials = fmt.Errorf("%w: no credentials", ErrDenied)

// Authenticator says who a request is from: by a session's JWT or an API token as a bearer, or by VouchCookie.
type Authenticator struct {
	store     Store
	gate      *Gate
	origins   Origins
	sessions  *sessions
	passwords *Passwords
	tries     *Tries
	now       func() time.Time
}

// AuthenticatorOptions configure an Authenticator.
type AuthenticatorOptions struct {
	Store         Store
	Gate          *Gate // nil: cookies name nobody
	Origins       Origins
	SessionSecret string // signs the JWTs; 32 bytes at least
	Passwords     *Passwords
	Tries         *Tries           // nil: counted in this process alone
	Now           func() time.Time // nil: time.Now
}

// NewAuthenticator refuses a secret that is too short.
func NewAuthenticator(o AuthenticatorOptions) (*Authenticator, error) {
	if o.Store == nil {
		return nil, errors.New("access: authenticator without a store")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Passwords == nil {
		o.Passwords = &Passwords{}
	}
	if o.Tries == nil {
		o.Tries = NewTries(nil, "", nil, o.Now)
	}
	sessions, err := newSessions(o.SessionSecret, o.Now)
	if err != nil {
		return nil, err
	}
	return &Authenticator{
		store: o.Store, gate: o.Gate, origins: o.Origins, sessions: sessions, passwords: o.Passwords, tries: o.Tries, now: o.Now,
	}, nil
}

// Authenticate finds the request's user. A refusal is an ErrDenied (ErrNoCredentials when nothing was tried) whose text is
// for the log; any other error means that the record could not be asked.
func (a *Authenticator) Authenticate(r *http.Request) (User, error) {
	ask, err := a.credentials(r)
	if err != nil {
		return User{}, err
	}
	return ask(r.Context())
}

// credentials reads what a request carries, as of now; what it returns asks the record whose that is, and may be called again
// later.
func (a *Authenticator) credentials(r *http.Request) (ask func(context.Context) (User, error), err error) {
	if header := r.Header.Get("Authorization"); header != "" {
		scheme, credentials, _ := strings.Cut(header, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return nil, fmt.Errorf("%w: authorization scheme is not Bearer", ErrDenied)
		}
		return a.bearer(strings.TrimSpace(credentials))
	}
	if a.gate == nil || len(cookieTokens(r)) == 0 {
		return nil, ErrNoCredentials
	}
	list, err := a.gate.vouch.identities(r)
	if err != nil {
		return nil, err
	}
	if !a.origins.Allows(r) {
		return nil, fmt.Errorf("%w: origin %.100q may not act for a cookie's user", ErrDenied, r.Header.Get("Origin"))
	}
	return func(ctx context.Context) (User, error) { return a.cookie(ctx, list) }, nil
}

// cookie is the user of the first of a request's cookies that is still good.
func (a *Authenticator) cookie(ctx context.Context, list []Identity) (User, error) {
	id, err := firstGood(list, func(id Identity) error { return a.gate.ask(ctx, id) })
	if err != nil {
		return User{}, err
	}
	u, err := enabled(a.store.UserByLogin(ctx, id.Username))
	u.session = id.Session
	if err == nil && u.PasswordHash == "" && u.Role != RoleAgent {
		// Whoever signs cookies, as the CRM does, signs in its own people; not a program with more rights that enters by tokens alone.
		return User{}, fmt.Errorf("%w: user %.100q has no password: it enters by API tokens alone", ErrDenied, u.Login)
	}
	return u, err
}

func (a *Authenticator) bearer(credentials string) (ask func(context.Context) (User, error), err error) {
	if strings.HasPrefix(credentials, TokenPrefix) {
		if !looksLikeToken(credentials) {
			return nil, fmt.Errorf("%w: not an API token", ErrDenied)
		}
		return func(ctx context.Context) (User, error) {
			u, err := enabled(a.store.UserByToken(ctx, HashToken(credentials), a.now()))
			u.expirable = true
			return u, err
		}, nil
	}
	b, err := a.sessions.read(credentials)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (User, error) { return a.ofSession(ctx, b) }, nil
}

// ofSession is the user of a session that has not run out.
func (a *Authenticator) ofSession(ctx context.Context, b bearer) (User, error) {
	u, err := enabled(a.store.User(ctx, b.userID))
	if err != nil {
		return u, err
	}
	_, ended, err := a.store.Standing(ctx, nil, []string{b.hash, b.session})
	switch {
	case err != nil:
		return User{}, fmt.Errorf("access: whether a session has ended: %w", err)
	case ended[b.hash] || ended[b.session]:
		return User{}, fmt.Errorf("%w: %.100q has signed out", ErrDenied, u.Login)
	case b.generation != u.Generation:
		return User{}, fmt.Errorf("%w: %.100q signed in before the password changed", ErrDenied, u.Login)
	}
	u.session = b.session
	return u, nil
}

// SignOut ends the session whose token the request carries, and the sessions of its cookies. API tokens are revoked instead.
func (a *Authenticator) SignOut(r *http.Request) error {
	ctx := r.Context()
	_, credentials, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if b, err := a.sessions.read(strings.TrimSpace(credentials)); err == nil {
		// Others may have been issued under the same id, each with an end of its own.
		until := a.now().Add(SessionLifetime + 2*maxClockSkew)
		if err := a.store.EndSessions(ctx, []string{b.hash}, a.now(), until); err != nil {
			return err
		}
		if err := a.store.EndSessions(ctx, []string{b.session}, a.now(), a.now().Add(CookieLifetime+2*maxClockSkew)); err != nil {
			return err
		}
	}
	if a.gate == nil {
		return nil
	}
	list, err := a.gate.vouch.identities(r)
	if err != nil {
		return nil // there is none that was good
	}
	for _, id := range list {
		if err := a.gate.end(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// enabled turns "there is no such user" into a refusal, and a disabled user or agent too.
func enabled(u User, err error) (User, error) {
	switch {
	case errors.Is(err, ErrNoUser), errors.Is(err, ErrNoToken):
		return User{}, fmt.Errorf("%w: unknown user or token", ErrDenied)
	case err != nil:
		return User{}, fmt.Errorf("access: find user: %w", err)
	case u.Disabled:
		return User{}, fmt.Errorf("%w: user is disabled", ErrDenied)
	case u.AgentDisabled:
		return User{}, fmt.Errorf("%w: user's agent is disabled", ErrDenied)
	}
	return u, nil
}

// Login checks a name and a password; address is where the request came from. Unknown names take as long as wrong passwords.
// Refusals are ErrDenied or a *TooManyError.
func (a *Authenticator) Login(ctx context.Context, login, password, address string) (User, error) {
	if err := a.tries.Allow(ctx, login, address, login); err != nil {
		return User{}, err
	}
	u, err := enabled(a.store.UserSigningIn(ctx, login))
	if err != nil && !errors.Is(err, ErrDenied) {
		return User{}, err
	}
	fits, verr := a.passwords.Verify(ctx, u.PasswordHash, password)
	if verr != nil {
		return User{}, verr
	}
	if err != nil || !fits {
		return User{}, fmt.Errorf("%w: wrong name or password", ErrDenied)
	}
	a.tries.Succeeded(ctx, login, address, login)
	u.session = NewSession()
	return u, nil
}

const (
	// SessionLifetime is how long a session's JWT is good; it is renewed by asking for another one.
	SessionLifetime = 15 * time.Minute

	// CookieLifetime is how long the cookie of a login is good.
	CookieLifetime = 12 * time.Hour
)

// Session issues the JWT of a user who has been authenticated, with the moment it runs out. It belongs to the session by which
// the user came.
func (a *Authenticator) Session(u User) (token string, expires time.Time, err error) {
	if u.session == "" {
		u.session = NewSession()
	}
	return a.sessions.issue(u, u.session, SessionLifetime)
}

// SignedIn is what the cookie of a user says who has just logged in.
func SignedIn(u User, userID string) Identity {
	if u.session == "" {
		u.session = NewSession()
	}
	return Identity{Username: u.Login, UserID: userID, Account: &Account{u.ID, u.Generation}, Session: u.session}
}
