package access

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"sync"
	"time"
)

// Gate says whose cookie a request carries, and whether that user may still enter: a user who was disabled, whose password was
// changed or who has signed out may not, whatever the cookie says.
type Gate struct {
	vouch *Vouch
	store Store
	now   func() time.Time
	log   *slog.Logger

	mu    sync.Mutex
	known map[string]verdict // by the cookie's hash
	open  map[*watched]struct{}
}

// verdict is what the record said of a cookie.
type verdict struct {
	err error // nil, or an ErrDenied
	at  time.Time
}

const (
	verdictAge  = 2 * time.Second  // how long a reply of the record stands, and how often open connections are looked at
	verdictLife = 10 * time.Minute // how long it stands while the record does not answer
	maxVerdicts = 20_000
	askingTime  = 5 * time.Second
)

// NewGate makes a gate; [Gate.Run] must run for open connections to be ended.
func NewGate(v *Vouch, s Store, now func() time.Time, log *slog.Logger) *Gate {
	if now == nil {
		now = time.Now
	}
	if log == nil {
		log = slog.Default()
	}
	return &Gate{vouch: v, store: s, now: now, log: log, known: map[string]verdict{}, open: map[*watched]struct{}{}}
}

// Identify says whose request it is. A refusal is an ErrDenied; any other error means that the record could not be asked.
func (g *Gate) Identify(r *http.Request) (Identity, error) {
	list, err := g.vouch.identities(r)
	if err != nil {
		return Identity{}, err
	}
	return firstGood(list, func(id Identity) error { return g.recent(r.Context(), id) })
}

// Check is Identify in plain types, for rooms that may not know this one.
func (g *Gate) Check(r *http.Request) (username, userID string, err error) {
	id, err := g.Identify(r)
	return id.Username, id.UserID, err
}

// firstGood finds the first of a request's cookies that is good.
func firstGood(list []Identity, ask func(Identity) error) (Identity, error) {
	var first error
	for _, id := range list {
		err := ask(id)
		if err == nil {
			return id, nil
		}
		if first == nil || errors.Is(first, ErrDenied) && !errors.Is(err, ErrDenied) {
			first = err
		}
	}
	return Identity{}, first
}

// recent asks the record, unless it was asked a moment ago. While the record does not answer, who was let in before is.
func (g *Gate) recent(ctx context.Context, id Identity) error {
	now := g.now()
	g.mu.Lock()
	last, known := g.known[id.hash]
	g.mu.Unlock()
	age := now.Sub(last.at)
	if known && age >= 0 && age < verdictAge {
		return last.err
	}
	err := g.ask(ctx, id)
	if err != nil && !errors.Is(err, ErrDenied) {
		if known && age < verdictLife {
			return last.err
		}
		return err
	}
	g.remember(id.hash, verdict{err, now})
	return err
}

func (g *Gate) remember(hash string, v verdict) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.known) >= maxVerdicts {
		maps.DeleteFunc(g.known, func(_ string, old verdict) bool { return v.at.Sub(old.at) >= verdictAge })
	}
	if len(g.known) < maxVerdicts {
		g.known[hash] = v
	}
}

// ask asks the record about one cookie.
func (g *Gate) ask(ctx context.Context, id Identity) error {
	users, ended, err := g.store.Standing(ctx, []string{id.Username}, []string{id.hash, id.Session})
	if err != nil {
		return fmt.Errorf("access: whether a cookie is still good: %w", err)
	}
	return id.standing(users, ended)
}

// standing judges a cookie by what the record says.
func (id Identity) standing(users map[string]User, ended map[string]bool) error {
	u, known := users[id.Username]
	switch {
	case ended[id.hash] || ended[id.Session]:
		return fmt.Errorf("%w: %.100q has signed out", ErrDenied, id.Username)
	case known && u.Disabled:
		return fmt.Errorf("%w: user %.100q is disabled", ErrDenied, id.Username)
	case id.Account != nil && (!known || u.ID != id.Account.ID):
		return fmt.Errorf("%w: user %.100q, who signed in, is no more", ErrDenied, id.Username)
	case id.Account != nil && u.Generation != id.Account.Generation:
		return fmt.Errorf("%w: user %.100q signed in before the password changed", ErrDenied, id.Username)
	}
	return nil
}

// sameCookie is how long a cookie is remembered that its signer would make again, text for text, at the next signing in.
const sameCookie = 24 * time.Hour

// end ends the session of a cookie.
func (g *Gate) end(ctx context.Context, id Identity) error {
	until := id.expires
	if !id.unique {
		until = g.now().Add(sameCookie)
	}
	if !until.IsZero() {
		until = until.Add(2 * maxClockSkew)
	}
	err := g.store.EndSessions(ctx, []string{id.hash, id.Session}, g.now(), until)
	g.mu.Lock()
	delete(g.known, id.hash)
	g.mu.Unlock()
	return err
}
