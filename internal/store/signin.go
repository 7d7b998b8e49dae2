package store

import (
	"context"

	"github.com/creditorro/ringmaster/agents/access"
)

// UserSigningIn reads who signs in by a name and a password: the user of that login, or, if none has it, the user who is the
// agent of that login. A user without a password who is an agent has the agent's; of others by the agent's name nobody signs in.
func (s Users) UserSigningIn(ctx context.Context, name string) (access.User, error) {
	u, err := s.userWhere(ctx, `SELECT `+userColumns+` FROM users u LEFT JOIN agents a ON a.id = u.agent_id
		WHERE u.login = $1 OR (a.login = $1 AND u.password_hash = '') ORDER BY CASE WHEN u.login = $1 THEN 0 ELSE 1 END, u.id LIMIT 1`,
		name)
	if err != nil || u.PasswordHash != "" || u.AgentID == 0 {
		return u, err
	}
	a, err := Agents(s).Agent(ctx, u.AgentID)
	u.PasswordHash = a.PasswordHash
	return u, err
}
