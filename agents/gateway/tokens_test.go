package gateway

import (
	"context"
	"errors"
	"sync"
	"testing"

	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
)

// once is a record of one-time passwords.
type once struct {
	mu    sync.Mutex
	of    map[string]int64
	asked int
	err   error
}

func (o *once) Redeem(_ context.Context, agentID int64, token string) (bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked++
	if o.err != nil || o.of[token] != agentID {
		return false, o.err
	}
	delete(o.of, token)
	return true, nil
}

// TestOneTimePasswords: a token of the single sign-on opens one login of its agent, and a stranger does not use it up.
func TestOneTimePasswords(t *testing.T) {
	tokens := &once{of: map[string]int64{"first": 2001, "second": 2002}}
	h := newHouse(t, "", func(d *Deps) { d.Tokens, d.Tries = tokens, patient{} })
	login := func(agent, token string) wire.Command {
		return wire.Command{Type: wire.Login, User: agent, Password: token, Extension: "300" + agent[len(agent)-1:]}
	}
	stranger := h.open("7")
	if s := stranger.answered(login("mt_agent1", "first")); s.LoginErrorID != errCredentials.id || tokens.asked != 0 {
		t.Errorf("a stranger with the token: %+v, asked %d times", s, tokens.asked)
	}
	p := h.open("1")
	if s := p.answered(login("mt_agent1", "second")); s.LoginErrorID != errCredentials.id {
		t.Errorf("another agent's token: %+v", s)
	}
	p.send(login("mt_agent1", "first"))
	p.state(wire.StateIdle)
	p.send(wire.Command{Type: wire.Logout})
	p.state(wire.StateLogout)
	if s := p.answered(login("mt_agent1", "first")); s.LoginErrorID != errCredentials.id {
		t.Errorf("a token used twice: %+v", s)
	}

	// The record is away: nobody is let in, and the tab may try again. Passwords are asked for as before.
	q := h.open("3")
	tokens.mu.Lock()
	tokens.err = errors.New("away")
	tokens.mu.Unlock()
	if s := q.answered(login("mt_agent3", "third")); s.LoginErrorID != errAgain.id {
		t.Errorf("with the record away: %+v", s)
	}
	tokens.mu.Lock()
	tokens.err = nil
	tokens.mu.Unlock()
	q.send(login("mt_agent3", "right"))
	q.state(wire.StateIdle)
}
