package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/internal/reason"
)

var errNoAgent = fmt.Errorf("%w (%w)", agents.ErrNoAgent, ErrNotFound)

const agentColumns = `g.id, g.login, g.name, g.password_hash, g.user_id, g.username, g.auto_call, g.pause_id, g.pause_cause,
	g.disabled,
	g.updated_at, g.profile, g.language, g.skills, (SELECT x.name FROM extensions x WHERE x.owner_id = g.id)`

func scanAgent(row scanner) (a agents.Agent, err error) {
	var skills string
	err = row.Scan(&a.ID, &a.Login, &a.Name, &a.PasswordHash, &a.UserID, &a.Username, &a.AutoCall, &a.PauseID, why{&a.PauseCause},
		&a.Disabled,
		moment{&a.UpdatedAt}, object{&a.Profile}, &a.Language, &skills, orZero(&a.Extension))
	a.Skills = splitSkills(skills)
	return a, err
}

// Agent reads one agent, or answers [agents.ErrNoAgent].
func (s Agents) Agent(ctx context.Context, id int64) (agents.Agent, error) {
	return s.agentWhere(ctx, `g.id = $1`, id)
}

// AgentByLogin reads one agent, or answers [agents.ErrNoAgent].
func (s Agents) AgentByLogin(ctx context.Context, login string) (agents.Agent, error) {
	return s.agentWhere(ctx, `g.login = $1`, login)
}

func (s Agents) agentWhere(ctx context.Context, where string, arg any) (agents.Agent, error) {
	a, err := one(ctx, s, scanAgent, `SELECT `+agentColumns+` FROM agents g WHERE `+where, arg)
	if errors.Is(err, ErrNotFound) {
		return a, errNoAgent
	}
	if err == nil {
		a.Queues, err = all(ctx, s, scanText, `SELECT queue FROM agent_queues WHERE agent_id = $1 ORDER BY queue`, a.ID)
	}
	if err != nil {
		return agents.Agent{}, fmt.Errorf("store: agent %v: %w", arg, err)
	}
	return a, nil
}

func scanText(row scanner) (s string, err error) {
	err = row.Scan(&s)
	return s, err
}

// Agents reads all agents, by id.
func (s Agents) Agents(ctx context.Context) ([]agents.Agent, error) {
	list, err := all(ctx, s, scanAgent, `SELECT `+agentColumns+` FROM agents g ORDER BY g.id`)
	if err != nil {
		return nil, fmt.Errorf("store: agents: %w", err)
	}
	place := make(map[int64]int, len(list))
	for i, a := range list {
		place[a.ID] = i
	}
	_, err = all(ctx, s, func(row scanner) (none struct{}, err error) {
		var id int64
		var queue string
		err = row.Scan(&id, &queue)
		if i, ok := place[id]; ok {
			list[i].Queues = append(list[i].Queues, queue)
		}
		return none, err
	}, `SELECT agent_id, queue FROM agent_queues ORDER BY agent_id, queue`)
	if err != nil {
		return nil, fmt.Errorf("store: agents' queues: %w", err)
	}
	return list, nil
}

// CreateAgent stores a new agent. [agents.ErrNameTaken]: the login is in use.
func (s Agents) CreateAgent(ctx context.Context, a agents.Agent, now time.Time) (agents.Agent, error) {
	var id int64
	err := s.inTx(ctx, func(t *tx) (err error) {
		id, err = t.insertAgent(ctx, a, now)
		return err
	})
	if err != nil {
		return agents.Agent{}, s.nameTaken(err, "agent %q", a.Login)
	}
	return s.Agent(ctx, id)
}

func (t *tx) insertAgent(ctx context.Context, a agents.Agent, now time.Time) (int64, error) {
	if a.PauseID == "" {
		a.PauseID = agents.NoPause
	}
	id, err := one(ctx, t, scanID, `INSERT INTO agents (login, name, password_hash, user_id, username, auto_call, pause_id,
		pause_cause, disabled,
		updated_at, profile, language, skills) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING id`, a.Login,
		a.Name, a.PasswordHash, a.UserID, a.Username,
		a.AutoCall, a.PauseID, a.PauseCause.Text(), a.Disabled, at(now), objectText(a.Profile), a.Language, strings.Join(a.Skills, ","))
	if err == nil {
		t.writeQueues(id, a.Queues)
	}
	return id, err
}

// UpdateAgent replaces what a supervisor may set of an agent: all but flag, pause and extension.
func (s Agents) UpdateAgent(ctx context.Context, a agents.Agent, now time.Time) (agents.Agent, error) {
	err := s.inTx(ctx, func(t *tx) error { return t.updateAgent(ctx, a, now) })
	if err != nil {
		return agents.Agent{}, s.nameTaken(err, "agent %d", a.ID)
	}
	return s.Agent(ctx, a.ID)
}

func (t *tx) updateAgent(ctx context.Context, a agents.Agent, now time.Time) error {
	// Who signs in to the pages with the agent's password has no session any more that was opened with the former one.
	t.later(`UPDATE users SET generation = generation + 1 WHERE agent_id = $1 AND password_hash = ''
		AND EXISTS (SELECT 1 FROM agents a WHERE a.id = $1 AND a.password_hash <> $2)`, a.ID, a.PasswordHash)
	n, err := t.exec(ctx, `UPDATE agents SET login = $2, name = $3, password_hash = $4, user_id = $5, username = $6, disabled = $7,
		updated_at = $8, profile = $9, language = $10, skills = $11 WHERE id = $1`, a.ID, a.Login, a.Name, a.PasswordHash, a.UserID,
		a.Username, a.Disabled, at(now),
		objectText(a.Profile), a.Language, strings.Join(a.Skills, ","))
	if err == nil && n == 0 {
		err = errNoAgent
	}
	if err != nil {
		return err
	}
	t.later(`DELETE FROM agent_queues WHERE agent_id = $1`, a.ID)
	t.writeQueues(a.ID, a.Queues)
	return nil
}

func (t *tx) writeQueues(agentID int64, queues []string) {
	for _, q := range queues {
		t.later(`INSERT INTO agent_queues (agent_id, queue) VALUES ($1, $2) ON CONFLICT DO NOTHING`, agentID, q)
	}
}

// DeleteAgent forgets an agent who is disabled, with the login at Mediatel and an entry in the audit log; the agent's extension
// becomes free. An enabled one is ErrConflict.
func (s Agents) DeleteAgent(ctx context.Context, id int64, who string, now time.Time) error {
	err := s.inTx(ctx, func(t *tx) error {
		a, err := t.agentWhere(ctx, `g.id = $1`, id)
		if err != nil {
			return err
		}
		if !a.Disabled {
			return contradiction(whyEnabled)
		}
		t.later(`UPDATE extensions SET owner_id = NULL WHERE owner_id = $1`, id)
		t.later(`DELETE FROM mediatel_logins WHERE agent_id = $1`, id)
		t.later(`DELETE FROM agents WHERE id = $1`, id)
		t.audit(who, "agent.delete", fmt.Sprintf("agent/%d", id), a.Login, now)
		return nil
	})
	if err != nil {
		return fmt.Errorf("store: delete agent %d: %w", id, err)
	}
	return nil
}

// SetAutoCall keeps the auto-call flag.
func (s Agents) SetAutoCall(ctx context.Context, agentID int64, on bool) error {
	return s.changeAgent(ctx, `UPDATE agents SET auto_call = $2 WHERE id = $1`, agentID, on)
}

// SetLanguage keeps the language of the texts that the agent's tab shows; empty: the server's.
func (s Agents) SetLanguage(ctx context.Context, agentID int64, language string) error {
	return s.changeAgent(ctx, `UPDATE agents SET language = $2 WHERE id = $1`, agentID, language)
}

// SetPause keeps the pause in force; "0" means none.
func (s Agents) SetPause(ctx context.Context, agentID int64, pauseID string, cause reason.Reason) error {
	return s.changeAgent(ctx, `UPDATE agents SET pause_id = $2, pause_cause = $3 WHERE id = $1`, agentID, pauseID, cause.Text())
}

func (s Agents) changeAgent(ctx context.Context, query string, agentID int64, args ...any) error {
	n, err := s.exec(ctx, query, append([]any{agentID}, args...)...)
	if err != nil {
		return fmt.Errorf("store: agent %d: %w", agentID, err)
	}
	if n == 0 {
		return errNoAgent
	}
	return nil
}

// Pauses lists the pauses on offer, in their order.
func (s Agents) Pauses(ctx context.Context) ([]agents.Pause, error) {
	list, err := all(ctx, s, func(row scanner) (p agents.Pause, err error) {
		err = row.Scan(&p.ID, &p.Name)
		return p, err
	}, `SELECT id, name FROM pauses ORDER BY position`)
	if err != nil {
		return nil, fmt.Errorf("store: pauses: %w", err)
	}
	return list, nil
}

// SetPauses replaces the pauses on offer.
func (s Agents) SetPauses(ctx context.Context, pauses []agents.Pause) error {
	err := s.inTx(ctx, func(t *tx) error {
		t.later(`DELETE FROM pauses`)
		for i, p := range pauses {
			t.later(`INSERT INTO pauses (id, name, position) VALUES ($1, $2, $3)`, p.ID, p.Name, i)
		}
		return nil
	})
	if err != nil {
		return s.conflict(err, whyPauseTwice, "pauses")
	}
	return nil
}

// nameTaken turns a violated unique index into [agents.ErrNameTaken].
func (s *db) nameTaken(err error, what string, args ...any) error {
	if s.engine.unique(err) {
		return conflicts(agents.ErrNameTaken)
	}
	return fmt.Errorf("store: "+what+": %w", append(args, err)...)
}
