package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/reason/field"
)

func (a *api) provisionRoutes() {
	route(a, integrators, a.putAgentOfUser, op("Agents", "put-agent-of-user", "PUT /agents/of-user/{user_id}",
		"Make or change a CRM user's agent",
		says("One agent a user: it may be said again and again, and answers 201 the first time. What is left out stays as it is. "+
			"An agent with this login whom nobody is bound to becomes the user's."), refuses(http.StatusConflict)))
	put := a.huma.OpenAPI().Paths[prefix+"/agents/of-user/{user_id}"].Put
	made := *put.Responses["200"]
	made.Description = "Created"
	put.Responses["201"] = &made
}

// ProvisionedAgent is an agent as the CRM's back end sees one.
type ProvisionedAgent struct {
	ID       int64    `json:"id"`
	Login    string   `json:"login"`
	Name     string   `json:"name"`
	UserID   string   `json:"user_id"`
	Username string   `json:"username"`
	Queues   []string `json:"queues" nullable:"false"`
	Skills   []string `json:"skills" nullable:"false"`
	AutoCall bool     `json:"auto_call"`
	Disabled bool     `json:"disabled"`
	Language string   `json:"language" doc:"Of the texts on the agent's tab; empty: the server's"`

	Mediatel *MediatelLogin `json:"mediatel" doc:"How the agent enters an existing Mediatel; null: it has no login there"`
}

// MediatelLogin is how an agent enters an existing Mediatel. Its password is never shown.
type MediatelLogin struct {
	Login     string `json:"login"`
	Extension string `json:"extension" doc:"Empty: the name of the agent's extension here"`
}

// MediatelLogins keep how agents enter an existing Mediatel, their passwords encrypted.
type MediatelLogins interface {
	// Login reads what is kept; false: nothing.
	Login(ctx context.Context, agentID int64) (MediatelLogin, bool, error)
	// Set replaces it. A nil password stays as it is.
	Set(ctx context.Context, agentID int64, login MediatelLogin, password *string) error
	Remove(ctx context.Context, agentID int64) error
}

// mediatelInput is what the CRM's back end says of it.
type mediatelInput struct {
	Login     string  `json:"login,omitempty" maxLength:"64" doc:"The agent's login at Mediatel; needed but to remove it"`
	Password  *string `json:"password,omitempty" minLength:"1" maxLength:"1024" doc:"Kept encrypted; left out: it stays as it is"`
	Extension string  `json:"extension,omitempty" maxLength:"64" doc:"The extension to log in with there; empty: the name of the agent's extension here"`
	Remove    bool    `json:"remove,omitempty" doc:"Forget the login"`
}

type agentOfUserInput struct {
	UserID  string `path:"user_id" minLength:"1" maxLength:"64" doc:"The CRM's id of the user, as VouchCookie carries it"`
	RawBody []byte
	Body    struct {
		Login    string    `json:"login" minLength:"1" maxLength:"64" doc:"Unique among agents; what the tab logs in with"`
		Name     *string   `json:"name,omitempty" maxLength:"200" doc:"Full name or e-mail; a new agent's is its login when left out"`
		Username *string   `json:"username,omitempty" maxLength:"256" doc:"The CRM's name of the user; when set, VouchCookie must carry it too"`
		Password *string   `json:"password,omitempty" maxLength:"1024" doc:"8 bytes at least; without one the agent enters by GET /session alone"`
		Queues   *[]string `json:"queues,omitempty" maxItems:"200" doc:"Replaces all"`
		Skills   *[]string `json:"skills,omitempty" maxItems:"50" doc:"What contacts may need (a campaign's skill_field), such as a language; replaces all"`
		CopyFrom string    `json:"copy_from,omitempty" maxLength:"64" doc:"Login of the agent whose queues and flag a new one gets"`
		AutoCall *bool     `json:"auto_call,omitempty" doc:"The auto-call flag of a new agent; later it is the agent's and the supervisors'"`
		Disabled *bool     `json:"disabled,omitempty" doc:"A disabled agent is not let in again"`
		Language *string   `json:"language,omitempty" enum:"en,uk,ru," doc:"Of the texts on the agent's tab; empty: the server's"`

		Mediatel *mediatelInput `json:"mediatel,omitempty" doc:"How the agent enters an existing Mediatel; left out: as it is"`
	}
}

type agentOfUserReply struct {
	Status int
	Body   ProvisionedAgent
}

func (a *api) putAgentOfUser(ctx context.Context, in *agentOfUserInput) (*agentOfUserReply, error) {
	if err := checkProvision(in); err != nil {
		return nil, err
	}
	b := in.Body
	if b.Mediatel != nil && a.Mediatel == nil {
		return nil, refuseField("body.mediatel", whyNoMediatel)
	}
	model, gone, err := a.modelOf(ctx, b.CopyFrom)
	if err != nil {
		return nil, err
	}
	hash, err := a.hash(b.Password)
	if err != nil {
		return nil, err
	}
	edit := func(g *agents.Agent) (string, error) {
		if g.ID == 0 && gone { // who is there already needs no model any more
			return "", refuseField("body.copy_from", whyNoModel)
		}
		if m := b.Mediatel; g.ID == 0 && m != nil && !m.Remove && m.Password == nil {
			return "", errNoMediatelPassword
		}
		if g.ID == 0 {
			g.Name, g.Queues, g.AutoCall, g.Profile = b.Login, model.Queues, model.AutoCall, model.Profile
			replace(&g.AutoCall, b.AutoCall)
		}
		g.Login = b.Login
		replace(&g.Name, b.Name)
		replace(&g.Username, b.Username)
		replace(&g.Queues, b.Queues)
		if b.Skills != nil {
			g.Skills = campaigns.NormalizeSkills(*b.Skills)
		}
		replace(&g.Disabled, b.Disabled)
		replace(&g.Language, b.Language)
		replace(&g.PasswordHash, hash)
		return "user " + in.UserID + ": " + fieldNames(in.RawBody), nil
	}
	g, created, err := a.Store.ChangeAgentOfUser(ctx, in.UserID, b.Login, edit, userOf(ctx).Login, a.Now())
	if err != nil {
		return nil, err
	}
	if b.Language != nil && !created {
		if err := a.Roster.SetLanguage(ctx, g.ID, g.Language); err != nil {
			return nil, err
		}
	}
	there, err := a.mediatelOf(ctx, g.ID, b.Mediatel)
	if err != nil {
		return nil, err
	}
	out := &agentOfUserReply{Status: http.StatusOK, Body: ProvisionedAgent{ID: g.ID, Login: g.Login, Name: g.Name, UserID: g.UserID,
		Username: g.Username, Queues: append([]string{}, g.Queues...), Skills: append([]string{}, g.Skills...), AutoCall: g.AutoCall,
		Disabled: g.Disabled, Language: g.Language, Mediatel: there}}
	if created {
		out.Status = http.StatusCreated
	}
	return out, nil
}

var errNoMediatelPassword = refuseField("body.mediatel.password", whyPasswordOf)

// mediatelOf keeps what was said of the agent's login at Mediatel, and returns what there is. It may be said again and again.
func (a *api) mediatelOf(ctx context.Context, agentID int64, said *mediatelInput) (*MediatelLogin, error) {
	if a.Mediatel == nil {
		return nil, nil
	}
	before, known, err := a.Mediatel.Login(ctx, agentID)
	if err != nil {
		return nil, err
	}
	switch {
	case said == nil && known:
		return &before, nil
	case said == nil:
		return nil, nil
	case said.Remove:
		return nil, a.Mediatel.Remove(ctx, agentID)
	case said.Password == nil && !known:
		return nil, errNoMediatelPassword
	}
	there := MediatelLogin{Login: said.Login, Extension: said.Extension}
	return &there, a.Mediatel.Set(ctx, agentID, there, said.Password)
}

// modelOf reads the agent whom a new one is made after; gone: it is not there.
func (a *api) modelOf(ctx context.Context, login string) (model agents.Agent, gone bool, err error) {
	if login == "" {
		return model, false, nil
	}
	model, err = a.Store.AgentByLogin(ctx, login)
	if errors.Is(err, agents.ErrNoAgent) {
		return model, true, nil
	}
	return model, false, err
}

func checkProvision(in *agentOfUserInput) error {
	texts := map[string]string{"path.user_id": in.UserID, "body.login": in.Body.Login}
	if m := in.Body.Mediatel; m != nil {
		if m.Login == "" && !m.Remove {
			return refuseField("body.mediatel.login", field.Missing)
		}
		texts["body.mediatel.login"], texts["body.mediatel.extension"] = m.Login, m.Extension
	}
	if in.Body.Username != nil {
		texts["body.username"] = *in.Body.Username
	}
	for place, text := range texts {
		if err := checkName(place, text); err != nil {
			return err
		}
	}
	if in.Body.Queues != nil && slices.ContainsFunc(*in.Body.Queues, func(q string) bool { return q == "" || len(q) > 128 }) {
		return refuseField("body.queues", field.Bytes(1, 128))
	}
	if in.Body.Skills != nil && slices.ContainsFunc(*in.Body.Skills,
		func(s string) bool { return campaigns.NormalizeSkill(s) == "" || len(s) > 100 }) {
		return refuseField("body.skills", field.Bytes(1, 100))
	}
	return nil
}

func checkName(place, text string) error {
	if strings.TrimSpace(text) != text || strings.ContainsFunc(text, isControl) {
		why := field.NoControl
		if strings.TrimSpace(text) != text {
			why = field.NoBlanks
		}
		return refuseField(place, why)
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// hash makes what is kept of a password; nil: none was sent.
func (a *api) hash(password *string) (*string, error) {
	if password == nil {
		return nil, nil
	}
	if a.Hash == nil {
		return nil, refuseField("body.password", whyNoPasswords)
	}
	hash, err := a.Hash(*password)
	if err != nil {
		return nil, refuseField("body.password", reason.OrUnspecific(err))
	}
	return &hash, nil
}

// replace sets what was sent.
func replace[T any](to *T, sent *T) {
	if sent != nil {
		*to = *sent
	}
}
