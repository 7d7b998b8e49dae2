package mediatelv1

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/internal/phrasebook"
)

// listAgents lists all, or those with the logins of ?Login=.
func (a *administration) listAgents(ctx context.Context, r request) ([]any, error) {
	wanted, err := r.filter("Login")
	if err != nil {
		return nil, err
	}
	list, err := a.Store.Agents(ctx)
	result := make([]any, 0, len(list))
	for _, g := range list {
		if wanted == nil || slices.Contains(wanted, g.Login) {
			result = append(result, showAgent(g))
		}
	}
	return result, err
}

func (a *administration) readAgent(ctx context.Context, r request) ([]any, error) {
	id, err := r.id()
	if err != nil {
		return nil, err
	}
	return one(showAgent)(a.Store.Agent(ctx, id))
}

// one shows what was found or changed.
func one[T any](show func(T) any) func(T, error) ([]any, error) {
	return func(v T, err error) ([]any, error) {
		if err != nil {
			return nil, err
		}
		return []any{show(v)}, nil
	}
}

// readSelf shows callers who they are: an agent, or an administrator, who has no number among the agents.
func (a *administration) readSelf(ctx context.Context, r request) ([]any, error) {
	if r.user.AgentID != 0 {
		return one(showAgent)(a.Store.Agent(ctx, r.user.AgentID))
	}
	return []any{map[string]any{"ID": 0, "Login": r.user.Login, "Details": r.user.Login, "State": 1, "Queues": []string{}}}, nil
}

// addAgent makes an agent, with CopyFrom (an id or a login) after another one: its queues, flag and kept fields come along,
// but neither its password nor its user. Others copy by reading one, changing Login, Password and Details, and sending the whole
// of it: its ID is that of the model and says nothing, and its user stays the model's alone.
func (a *administration) addAgent(ctx context.Context, r request) ([]any, error) {
	if _, err := r.body.number("ID"); err != nil {
		return nil, invalid("ID: want a whole number, or none: a new agent is given its own")
	}
	if !r.body.has("Login") {
		return nil, badName("Login: want 1 to 64 bytes without blanks")
	}
	from, err := a.model(ctx, r.body)
	if err != nil {
		return nil, err
	}
	if err := a.dropUsersOfOthers(ctx, r.body); err != nil {
		return nil, err
	}
	edit, err := a.agentEdit(r.body)
	if err != nil {
		return nil, err
	}
	detail := r.body.names()
	if from.ID != 0 {
		detail += fmt.Sprintf("; copy of agent/%d", from.ID)
	}
	return one(showAgent)(a.Store.ChangeAgent(ctx, 0, func(g *agents.Agent) (string, error) {
		*g = agents.Agent{Queues: from.Queues, AutoCall: from.AutoCall, Profile: from.Profile}
		return detail, edit(g)
	}, r.user.Login, a.Now()))
}

// dropUsersOfOthers takes out of a new agent the user who is another agent already: two agents of one user would lock both out of
// the single sign-on.
func (a *administration) dropUsersOfOthers(ctx context.Context, f fields) error {
	if !f.has("UserID") && !f.has("Username") {
		return nil
	}
	id, err := f.text("UserID", 64)
	if err != nil {
		return err
	}
	name, err := f.text("Username", 256)
	if err != nil {
		return err
	}
	list, err := a.Store.Agents(ctx)
	for _, g := range list {
		if id != "" && g.UserID == id {
			delete(f, "UserID")
		}
		if name != "" && g.Username == name {
			delete(f, "Username")
		}
	}
	return err
}

// model is the agent that a new one is a copy of; the zero one without CopyFrom.
func (a *administration) model(ctx context.Context, f fields) (agents.Agent, error) {
	if !f.has("CopyFrom") {
		return agents.Agent{}, nil
	}
	if id, err := f.number("CopyFrom"); err == nil {
		return a.Store.Agent(ctx, id)
	}
	login, err := f.name("CopyFrom", true)
	if err != nil {
		return agents.Agent{}, invalid("CopyFrom: want an agent's ID or Login")
	}
	return a.Store.AgentByLogin(ctx, login)
}

// changeAgent changes the fields that are sent and no others; {"State":0} is the logical deletion. An agent who is logged on
// goes on to the end of the shift, and is not let in again.
func (a *administration) changeAgent(ctx context.Context, r request) ([]any, error) {
	id, err := r.id()
	if err != nil {
		return nil, err
	}
	if sent, err := r.body.number("ID"); err != nil || sent != 0 && sent != id {
		return nil, invalid("ID: want %d, as in the path, or none", id)
	}
	if r.body.has("CopyFrom") {
		return nil, invalid("CopyFrom: only a new agent can be a copy")
	}
	edit, err := a.agentEdit(r.body)
	if err != nil {
		return nil, err
	}
	changed, err := a.Store.ChangeAgent(ctx, id, func(g *agents.Agent) (string, error) {
		return r.body.names(), edit(g)
	}, r.user.Login, a.Now())
	if err == nil && r.body.has("Language") {
		err = a.Live.SetLanguage(ctx, id, changed.Language)
	}
	return one(showAgent)(changed, err)
}

// agentEdit reads what is to be changed, and answers a change that may be made more than once.
func (a *administration) agentEdit(f fields) (func(*agents.Agent) error, error) {
	var set []func(*agents.Agent)
	do := func(change func(*agents.Agent)) { set = append(set, change) }
	if f.has("Login") {
		login, err := f.name("Login", true)
		if err != nil {
			return nil, err
		}
		do(func(g *agents.Agent) { g.Login = login })
	}
	for name, field := range map[string]func(*agents.Agent) *string{
		"Details":  func(g *agents.Agent) *string { return &g.Name },
		"UserID":   func(g *agents.Agent) *string { return &g.UserID },
		"Username": func(g *agents.Agent) *string { return &g.Username },
	} {
		if !f.has(name) {
			continue
		}
		limit := map[string]int{"Details": 200, "UserID": 64, "Username": 256}[name]
		v, err := f.text(name, limit)
		if err != nil {
			return nil, err
		}
		do(func(g *agents.Agent) { *field(g) = v })
	}
	if f.has("Password") {
		password, err := f.text("Password", 1024)
		if err != nil {
			return nil, err
		}
		hash, err := a.Hash(password)
		if err != nil {
			return nil, invalid("Password: want 8 to 1024 bytes")
		}
		do(func(g *agents.Agent) { g.PasswordHash = hash })
	}
	if f.has("State") {
		on, err := f.flag("State")
		if err != nil {
			return nil, err
		}
		do(func(g *agents.Agent) { g.Disabled = !on })
	}
	if f.has("Queues") {
		queues, err := f.texts("Queues", 200)
		if err != nil {
			return nil, err
		}
		do(func(g *agents.Agent) { g.Queues = queues })
	}
	if f.has("Language") {
		language, err := f.text("Language", 2)
		if err != nil || language != "" && !phrasebook.Known(language) {
			return nil, invalid("Language: want en, uk, ru, or empty for the server's")
		}
		do(func(g *agents.Agent) { g.Language = language })
	}
	if f.has("AutoCall") {
		on, err := f.flag("AutoCall")
		if err != nil {
			return nil, err
		}
		do(func(g *agents.Agent) {
			if g.ID == 0 { // later it is the agent's and the supervisors'
				g.AutoCall = on
			}
		})
	}
	return func(g *agents.Agent) (err error) {
		for _, change := range set {
			change(g)
		}
		if g.Name == "" {
			g.Name = g.Login
		}
		g.Profile, err = merge(g.Profile, f, agentFields)
		return err
	}, nil
}

// deleteAgent is the permanent deletion: after PUT {"State":0}, and not while the agent is logged on.
func (a *administration) deleteAgent(ctx context.Context, r request) ([]any, error) {
	id, err := r.id()
	if err != nil {
		return nil, err
	}
	g, err := a.Store.Agent(ctx, id)
	if err != nil {
		return nil, err
	}
	if !g.Disabled {
		return nil, refusal{http.StatusConflict, objectInUse, `the agent is active: PUT {"State":0} first`}
	}
	live, err := a.Live.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if live.State != agents.LoggedOff {
		return nil, refusal{http.StatusConflict, objectInUse, "the agent is logged on"}
	}
	if err := a.Store.DeleteAgent(ctx, id, r.user.Login, a.Now()); err != nil {
		return nil, err
	}
	return nil, nil
}
