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
	vouch     *Vouch
	origins   Origins
	sessions  *sessions
	passwords *Passwords
	tries     Tries
	now       func() time.Time
}

// AuthenticatorOptions configure an Authenticator.
type AuthenticatorOptions struct {
	Store         Store
	Vouch         *Vouch // nil: cookies name nobody
	Origins       Origins
	SessionSecret string // signs the JWTs; 32 bytes at least
	Passwords     *Passwords
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
	sessions, err := newSessions(o.SessionSecret, o.Now)
	if err != nil {
		return nil, err
	}
	return &Authenticator{
		store: o.Store, vouch: o.Vouch, origins: o.Origins, sessions: sessions, passwords: o.Passwords, now: o.Now,
	}, nil
}

// Authenticate finds the request's user. A refusal is an ErrDenied (ErrNoCredentials when nothing was tried) whose text is
// for the log; any other error means that the record could not be asked.
func (a *Authenticator) Authenticate(r *http.Request) (User, error) {
	if header := r.Header.Get("Authorization"); header != "" {
		scheme, credentials, _ := strings.Cut(header, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return User{}, fmt.Errorf("%w: authorization scheme is not Bearer", ErrDenied)
		}
		return a.bearer(r.Context(), strings.TrimSpace(credentials))
	}
	if a.vouch == nil || len(cookieTokens(r)) == 0 {
		return User{}, ErrNoCredentials
	}
	id, err := a.vouch.Identify(r)
	if err != nil {
		return User{}, err
	}
	if !a.origins.Allows(r) {
		return User{}, fmt.Errorf("%w: origin %.100q may not act for a cookie's user", ErrDenied, r.Header.Get("Origin"))
	}
	u, err := enabled(a.store.UserByLogin(r.Context(), id.Username))
	if err == nil && u.PasswordHash == "" && u.Role != RoleAgent {
		// Whoever signs cookies, as the CRM does, signs in its own people; not a program with more rights that enters by tokens alone.
		return User{}, fmt.Errorf("%w: user %.100q has no password: it enters by API tokens alone", ErrDenied, u.Login)
	}
	return u, err
}

func (a *Authenticator) bearer(ctx context.Context, credentials string) (User, error) {
	if strings.HasPrefix(credentials, TokenPrefix) {
		if !looksLikeToken(credentials) {
			return User{}, fmt.Errorf("%w: not an API token", ErrDenied)
		}
		return enabled(a.store.UserByToken(ctx, HashToken(credentials), a.now()))
	}
	id, err := a.sessions.read(credentials)
	if err != nil {
		return User{}, err
	}
	return enabled(a.store.User(ctx, id))
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
	if err := a.tries.Allow(login, address, a.now()); err != nil {
		return User{}, err
	}
	u, err := enabled(a.store.UserByLogin(ctx, login))
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
	a.tries.Succeeded(login, address)
	return u, nil
}

// SessionLifetime is how long a session's JWT is good; it is renewed by asking for another one.
const SessionLifetime = 15 * time.Minute

// Session issues the JWT of a user who has been authenticated, with the moment it runs out.
func (a *Authenticator) Session(u User) (token string, expires time.Time, err error) {
	return a.sessions.issue(u.ID, SessionLifetime)
}
