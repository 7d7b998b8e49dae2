package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/creditorro/ringmaster/campaigns"
)

// MediatelLogin is how an agent enters a Mediatel server.
type MediatelLogin struct {
	Login     string
	Extension string // empty: the name of the agent's extension here
	Sealed    []byte // the password, encrypted; the key is not in the database
}

// MediatelLogin reads an agent's login at Mediatel. ErrNotFound: the agent has none, or is gone.
func (s Credentials) MediatelLogin(ctx context.Context, agentID int64) (MediatelLogin, error) {
	m, err := one(ctx, s, func(row scanner) (m MediatelLogin, err error) {
		err = row.Scan(&m.Login, &m.Extension, &m.Sealed)
		return m, err
	}, `SELECT m.login, m.extension, m.sealed FROM mediatel_logins m JOIN agents g ON g.id = m.agent_id WHERE m.agent_id = $1`,
		agentID)
	if err != nil && !errors.Is(err, ErrNotFound) {
		err = fmt.Errorf("store: login at Mediatel of agent %d: %w", agentID, err)
	}
	return m, err
}

// SetMediatelLogin replaces an agent's login at Mediatel. An agent who is not there is [agents.ErrNoAgent].
func (s Credentials) SetMediatelLogin(ctx context.Context, agentID int64, m MediatelLogin) error {
	if _, err := Agents(s).Agent(ctx, agentID); err != nil {
		return err
	}
	_, err := s.exec(ctx, `INSERT INTO mediatel_logins (agent_id, login, extension, sealed) VALUES ($1, $2, $3, $4)
		ON CONFLICT (agent_id) DO UPDATE SET login = excluded.login, extension = excluded.extension, sealed = excluded.sealed`,
		agentID, m.Login, m.Extension, m.Sealed)
	if err != nil {
		return fmt.Errorf("store: login at Mediatel of agent %d: %w", agentID, err)
	}
	return nil
}

// RemoveMediatelLogin forgets an agent's login at Mediatel, if there is one.
func (s Credentials) RemoveMediatelLogin(ctx context.Context, agentID int64) error {
	if _, err := s.exec(ctx, `DELETE FROM mediatel_logins WHERE agent_id = $1`, agentID); err != nil {
		return fmt.Errorf("store: login at Mediatel of agent %d: %w", agentID, err)
	}
	return nil
}

// foreignCode is what a code does to the contact that the campaign does not have: what it did when the campaign had it; one of
// the phone network's own does as the campaign's default, else it finishes it.
func foreignCode(campaign *campaigns.Campaign, code campaigns.CallCode) campaigns.CallCode {
	if code.Action != "" {
		return code
	}
	like, ok := codeOf(campaign, campaign.DefaultCode)
	if !ok {
		like.Action = campaigns.Finish
	}
	code.Action, code.After = like.Action, like.After
	return code
}
