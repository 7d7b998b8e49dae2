package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/creditorro/ringmaster/agents"
)

// ChangeAgent edits an agent, or makes a new one when id is zero, with its entry in the audit log. edit may be called more
// than once; its error is returned as it is, and what it returns is the entry's detail. It may not change flag, pause and
// extension of an agent that is there. [agents.ErrNameTaken]: the login is in use.
func (s Agents) ChangeAgent(ctx context.Context, id int64, edit func(*agents.Agent) (detail string, err error), who string,
	now time.Time) (agents.Agent, error) {
	var made int64
	err := s.inTx(ctx, func(t *tx) (err error) {
		a := agents.Agent{}
		if id != 0 {
			if a, err = t.agentWhere(ctx, `g.id = $1`, id); err != nil {
				return err
			}
		}
		made, err = t.changeAgent(ctx, a, edit, who, now)
		return err
	})
	if err != nil {
		return agents.Agent{}, s.nameTaken(err, "agent %d", id)
	}
	return s.Agent(ctx, made)
}

// agentWhere locks and reads one agent.
func (t *tx) agentWhere(ctx context.Context, where string, arg any) (agents.Agent, error) {
	a, err := one(ctx, t, scanAgent, `SELECT `+agentColumns+` FROM agents g WHERE `+where+` FOR UPDATE`, arg)
	if errors.Is(err, ErrNotFound) {
		return a, errNoAgent
	}
	if err == nil {
		a.Queues, err = all(ctx, t, scanText, `SELECT queue FROM agent_queues WHERE agent_id = $1 ORDER BY queue`, a.ID)
	}
	return a, err
}

// changeAgent edits an agent that was read, or a new one whose id is zero, and returns its id.
func (t *tx) changeAgent(ctx context.Context, a agents.Agent, edit func(*agents.Agent) (string, error), who string,
	now time.Time) (id int64, err error) {
	id = a.ID
	before := a.Username
	detail, err := edit(&a)
	if err != nil {
		return 0, err
	}
	what := "agent.update"
	if id == 0 {
		what = "agent.create"
		id, err = t.insertAgent(ctx, a, now)
	} else {
		a.ID = id
		err = t.updateAgent(ctx, a, now)
	}
	if err != nil {
		return 0, err
	}
	if before != "" && before != a.Username {
		t.renameUser(id, before, a.Username)
	}
	if a.Username != "" {
		t.letIn(a.Username, id)
	}
	t.audit(who, what, fmt.Sprintf("agent/%d", id), detail, now)
	return id, nil
}

// ChangeAgentOfUser edits the agent of the CRM's user, or makes it, so that the CRM may say the same again and again. An
// agent with the login given who is bound to nobody, or by that user's name alone, becomes the user's; somebody else's is
// [agents.ErrNameTaken].
func (s Agents) ChangeAgentOfUser(ctx context.Context, userID, login string, edit func(*agents.Agent) (detail string, err error),
	who string, now time.Time) (a agents.Agent, created bool, err error) {
	var id int64
	err = s.inTx(ctx, func(t *tx) error {
		a, err := t.agentOfUser(ctx, userID, login)
		if err != nil {
			return err
		}
		created = a.ID == 0
		bound := a.UserID == "" && a.Username != ""
		before := a.Username
		id, err = t.changeAgent(ctx, a, func(a *agents.Agent) (string, error) {
			if bound {
				a.Username = "" // who does not name the user that the agent is bound to has no claim on the agent
			}
			detail, err := edit(a)
			a.UserID = userID
			if err == nil && bound && a.Username != before {
				err = errNameTaken
			}
			return detail, err
		}, who, now)
		return err
	})
	if err != nil {
		return agents.Agent{}, false, s.nameTaken(err, "agent of user %q", userID)
	}
	a, err = s.Agent(ctx, id)
	return a, created, err
}

// letIn makes the user of the API whom the cookie's user name stands for, who acts as the agent, unless it is another user's
// login.
func (t *tx) letIn(username string, agentID int64) {
	t.later(`INSERT INTO users (login, password_hash, role, agent_id, disabled) VALUES ($1, '', 'agent', $2, FALSE)
		ON CONFLICT DO NOTHING`, username, agentID)
}

// renameUser follows an agent whose user name changed: the former one may not use the API as the agent any more. Users with
// a password of their own are people's doing, and stay.
func (t *tx) renameUser(agentID int64, from, to string) {
	t.later(`UPDATE users SET login = $3 WHERE agent_id = $1 AND login = $2 AND password_hash = '' AND $3 <> ''
		AND NOT EXISTS (SELECT 1 FROM users u WHERE u.login = $3)`, agentID, from, to)
	t.later(`DELETE FROM users WHERE agent_id = $1 AND login = $2 AND password_hash = ''`, agentID, from)
}

var errNameTaken = conflicts(agents.ErrNameTaken)

// agentOfUser finds the agent to be the user's; id zero: a new one is needed.
func (t *tx) agentOfUser(ctx context.Context, userID, login string) (agents.Agent, error) {
	// No index can keep a user to one agent (several are allowed where people bind them by hand), so that requests take turns
	// at a row of their own.
	t.later(`INSERT INTO sequences (key, value) VALUES ('agents of users', 1)
		ON CONFLICT (key) DO UPDATE SET value = sequences.value + 1`)
	list, err := all(ctx, t, scanID, `SELECT id FROM agents WHERE user_id = $1 ORDER BY id`, userID)
	switch {
	case err != nil:
		return agents.Agent{}, err
	case len(list) > 1:
		return agents.Agent{}, contradiction(whySeveral(len(list), userID))
	case len(list) == 1:
		return t.agentWhere(ctx, `g.id = $1`, list[0])
	}
	a, err := t.agentWhere(ctx, `g.login = $1`, login)
	switch {
	case errors.Is(err, ErrNotFound):
		return agents.Agent{}, nil
	case err == nil && a.UserID != "":
		return agents.Agent{}, errNameTaken
	}
	return a, err
}

// AgentsOfUser lists the agents whom a user of the CRM may be, by id; see [agents.Agent.BelongsTo].
func (s Agents) AgentsOfUser(ctx context.Context, username, userID string) ([]agents.Agent, error) {
	ids, err := all(ctx, s, scanID, `SELECT id FROM agents WHERE (user_id <> '' OR username <> '') AND (user_id = '' OR user_id = $2)
		AND (username = '' OR username = $1) ORDER BY id LIMIT 10`, username, userID)
	if err != nil {
		return nil, fmt.Errorf("store: agents of user %q: %w", username, err)
	}
	var list []agents.Agent
	for _, id := range ids {
		a, err := s.Agent(ctx, id)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if a.BelongsTo(username, userID) {
			list = append(list, a)
		}
	}
	return list, nil
}

// tokensAnAgent bounds the login tokens that an agent can have at once: one a tab that is being opened.
const tokensAnAgent = 20

// CreateLoginToken keeps the hash of a password that is good for one login until it expires. Of too many the oldest go.
func (s Agents) CreateLoginToken(ctx context.Context, agentID int64, hash []byte, expires, now time.Time) error {
	err := s.inTx(ctx, func(t *tx) error {
		t.later(`DELETE FROM login_tokens WHERE expires_at <= $1`, at(now))
		t.later(`DELETE FROM login_tokens WHERE agent_id = $1 AND hash NOT IN
			(SELECT k.hash FROM login_tokens k WHERE k.agent_id = $1 ORDER BY k.expires_at DESC LIMIT $2)`, agentID, tokensAnAgent-1)
		t.later(`INSERT INTO login_tokens (hash, agent_id, expires_at) VALUES ($1, $2, $3)`, hash, agentID, at(expires))
		return nil
	})
	if err != nil {
		return fmt.Errorf("store: login token of agent %d: %w", agentID, err)
	}
	return nil
}

// RedeemLoginToken uses a token up. False: it is not the agent's, was used before, or expired.
func (s Agents) RedeemLoginToken(ctx context.Context, agentID int64, hash []byte, now time.Time) (bool, error) {
	n, err := s.exec(ctx, `DELETE FROM login_tokens WHERE hash = $1 AND agent_id = $2 AND expires_at > $3`, hash, agentID, at(now))
	if err != nil {
		return false, fmt.Errorf("store: login token of agent %d: %w", agentID, err)
	}
	return n == 1, nil
}
