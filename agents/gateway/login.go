package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/creditorro/ringmaster/agents"
	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
	"github.com/creditorro/ringmaster/internal/reason"
)

// loginError is what a tab is told of a login that failed; the ids are ours.
type loginError struct {
	id  string
	why reason.Reason
}

func (e loginError) Error() string { return "gateway: login refused: " + e.why.String() }

var (
	errCredentials = loginError{"-1101", whyCredentials}
	errNotYours    = loginError{"-1102", whyNotYours}
	errTooOften    = loginError{"-1103", whyTooOften(time.Minute)}
	errExtension   = loginError{"-1104", whyNoExtension}
	errTaken       = loginError{"-1105", whyTaken}
	errNoneFree    = loginError{"-1106", whyNoneFree}
	errElsewhere   = loginError{"-1107", whyElsewhere}
	errAgain       = loginError{"-1108", whyAgain}
)

// login sits the tab down with the agent it names: password, cookie and extension must fit.
func (t *tab) login(ctx context.Context, c wire.Command) error {
	t.mu.Lock()
	t.tries++
	t.mu.Unlock()
	err := t.tryLogin(ctx, c)
	var shown loginError
	if err != nil && !errors.As(err, &shown) {
		shown = errAgain
		err = fmt.Errorf("%w: %w", shown, err) // it is shown as a login's error, and as no other command's
	}
	t.mu.Lock()
	t.loginError = shown
	t.mu.Unlock()
	return err
}

func (t *tab) tryLogin(ctx context.Context, c wire.Command) error {
	agent, err := t.identify(ctx, c)
	if err != nil {
		return err
	}
	l, err := t.g.Roster.Get(ctx, agent.ID)
	if err != nil {
		return err
	}
	if l.State == agents.LoggedOff {
		if l, err = t.g.enter(ctx, agent, c.Extension, t.user()); err != nil {
			return err
		}
	}
	if c.Extension != "" && l.Extension.Name != c.Extension {
		return errElsewhere
	}
	t.g.sit(t, l).count(ctx)
	return nil
}

// identify finds the agent whose name and password are given. Only the user that the agent is bound to may enter as it; an agent
// bound to nobody, as Mediatel's administration makes them, takes whoever has passed the edge and knows its password.
func (t *tab) identify(ctx context.Context, c wire.Command) (agents.Agent, error) {
	// Counted by the cookie's user: nobody can lock out another one.
	user, address, account := t.user(), t.g.Address(t.socket.Request()), "agent "+c.User
	if err := t.g.Tries.Allow(ctx, user, address, account); err != nil {
		return agents.Agent{}, errTooOften
	}
	agent, err := t.g.Store.AgentByLogin(ctx, c.User)
	if err != nil && !errors.Is(err, agents.ErrNoAgent) {
		return agents.Agent{}, err
	}
	fits, byPassword, err := t.proves(ctx, agent, c.Password)
	if err != nil {
		return agents.Agent{}, err
	}
	if !fits || agent.Disabled {
		return agents.Agent{}, errCredentials
	}
	if !t.mayBe(agent) {
		return agents.Agent{}, errNotYours
	}
	t.g.Tries.Succeeded(ctx, user, address, account)
	if byPassword && t.g.Entered != nil {
		t.g.Entered(ctx, agent.ID, t.username, address)
	}
	return agent, nil
}

// proves says whether the password is the agent's: a one-time token, or the one it is known by. A token that a stranger
// tries is not used up.
func (t *tab) proves(ctx context.Context, agent agents.Agent, password string) (fits, byPassword bool, err error) {
	if t.g.Tokens != nil && t.mayBe(agent) && !agent.Disabled {
		if redeemed, err := t.g.Tokens.Redeem(ctx, agent.ID, password); redeemed || err != nil {
			return redeemed, false, err
		}
	}
	fits, err = t.g.Passwords.Verify(ctx, agent.PasswordHash, password)
	return fits, true, err
}

func (t *tab) mayBe(a agents.Agent) bool { return !a.Bound() || a.BelongsTo(t.username, t.userID) }

// enter logs the agent on with an extension that is its own from now on. Another tab may have been faster: then its login
// counts. The agent is called as soon as the dialer has found the phone reachable.
func (g *Gateway) enter(ctx context.Context, agent agents.Agent, extension, user string) (agents.Live, error) {
	ext, err := g.Store.TakeExtension(ctx, agent.ID, extension)
	if err != nil {
		return agents.Live{}, extensionError(err)
	}
	home, err := g.Roster.Home(ctx)
	if err != nil {
		return agents.Live{}, err
	}
	l, err := g.Roster.Apply(ctx, agent.ID, agents.Input{
		Kind: agents.Login, At: g.Now(), Agent: &agent, Extension: &ext, Node: home, User: user,
	})
	if errors.Is(err, agents.ErrNotNow) {
		return l, nil
	}
	if err == nil {
		g.keep(agents.Login, l)
	}
	return l, err
}

func extensionError(err error) error {
	switch {
	case errors.Is(err, agents.ErrNoExtension):
		return errExtension
	case errors.Is(err, agents.ErrExtensionTaken):
		return errTaken
	case errors.Is(err, agents.ErrNoExtensionFree):
		return errNoneFree
	}
	return err
}

// reenter logs an agent on again of whom Redis has lost the state: as the record says, and as the seat last saw it.
func (s *seat) reenter(ctx context.Context) error {
	last := s.now()
	agent, err := s.g.Store.Agent(ctx, s.agentID)
	if errors.Is(err, agents.ErrNoAgent) || err == nil && agent.Disabled {
		s.drop()
		return nil
	}
	if err != nil {
		return err
	}
	ext, err := s.g.Store.TakeExtension(ctx, s.agentID, last.Extension.Name)
	if extensionError(err) != err { // somebody else's by now, or no more
		s.drop()
		return nil
	}
	if err != nil {
		return err
	}
	l, err := s.g.enterAgain(ctx, agent, ext, last)
	if err != nil && !errors.Is(err, agents.ErrNotNow) { // another gateway was faster
		return err
	}
	s.update(l)
	s.g.log.Info("agent entered again", slog.Int64("agent", s.agentID))
	s.count(ctx)
	return nil
}

// drop shows the tabs that their agent is logged off: it cannot be entered again.
func (s *seat) drop() {
	s.g.log.Warn("agent not entered again", slog.Int64("agent", s.agentID))
	s.mu.Lock()
	defer s.mu.Unlock()
	off := agents.Off(s.agentID)
	off.Version, off.ChangedAt, off.Since = s.live.Version+1, s.g.Now(), s.g.Now()
	s.live = off
	s.show()
}

// callOwnersTime is how long the owner of a call has to renew its claim after the agent was entered again.
const callOwnersTime = 30 * time.Second
