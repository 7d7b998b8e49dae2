package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/creditorro/ringmaster/agents/access"
)

func (a *api) userRoutes() {
	const tag = "Access"
	found, contradicts := refuses(http.StatusNotFound), refuses(http.StatusNotFound, http.StatusConflict)
	route(a, admins, a.listUsers, op(tag, "list-users", "GET /users", "List those who may use the API"))
	route(a, admins, a.createUser, op(tag, "create-user", "POST /users", "Add a user", created,
		says("Without a password it enters by API tokens, or as an agent by the single sign-on's cookie."), contradicts))
	route(a, admins, a.getUser, op(tag, "get-user", "GET /users/{id}", "Read a user", found))
	route(a, admins, a.setRole, op(tag, "set-user-role", "PATCH /users/{id}", "Give a user another role",
		says("All sessions and cookies of earlier logins end; API tokens stay, and have the new role's rights."), contradicts))
	route(a, admins, a.deleteUser, op(tag, "delete-user", "DELETE /users/{id}", "Forget a user",
		empty, says("The tokens go too, and sessions end. Who signs in with the CRM's cookie is kept out by disabling the user, "+
			"not by this."), contradicts))
	route(a, admins, a.disableUser, op(tag, "disable-user", "POST /users/{id}/disable", "Keep a user out",
		says("By password, token and every cookie of that name; what is connected ends within five seconds."), contradicts))
	route(a, admins, a.enableUser, op(tag, "enable-user", "POST /users/{id}/enable", "Let a user in again", found))
	route(a, admins, a.setPassword, op(tag, "set-user-password", "PUT /users/{id}/password", "Give a user another password",
		empty, says("All sessions and cookies of earlier logins end; API tokens stay."), found))
}

// Account is somebody, or some program, who may use the API.
type Account struct {
	ID          int64       `json:"id"`
	Login       string      `json:"login"`
	Role        access.Role `json:"role" enum:"agent,supervisor,admin,crm"`
	AgentID     *int64      `json:"agent_id" doc:"Of the role agent"`
	HasPassword bool        `json:"has_password"`
	Disabled    bool        `json:"disabled"`
}

func showAccount(u access.User) Account {
	return Account{ID: u.ID, Login: u.Login, Role: u.Role, AgentID: some(u.AgentID), HasPassword: u.PasswordHash != "",
		Disabled: u.Disabled}
}

func (a *api) listUsers(ctx context.Context, _ *struct{}) (*reply[page[Account]], error) {
	list, err := a.Store.Users(ctx)
	if err != nil {
		return nil, err
	}
	return pageOf(list, len(list)+1, showAccount, nil), nil
}

func (a *api) getUser(ctx context.Context, in *ByID) (*reply[Account], error) {
	u, err := a.Store.User(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return answer(showAccount(u)), nil
}

type userInput struct {
	Body struct {
		Login    string      `json:"login" minLength:"1" maxLength:"64"`
		Role     access.Role `json:"role" enum:"agent,supervisor,admin,crm"`
		AgentID  int64       `json:"agent_id,omitempty" minimum:"0" doc:"Of the role agent, and of no other"`
		Password *string     `json:"password,omitempty" maxLength:"1024" doc:"8 bytes at least"`
	}
}

func (a *api) createUser(ctx context.Context, in *userInput) (*reply[Account], error) {
	b := in.Body
	if err := checkName("body.login", b.Login); err != nil {
		return nil, err
	}
	if err := a.checkAgentOf(ctx, b.Role, b.AgentID); err != nil {
		return nil, err
	}
	hash, err := a.hash(b.Password)
	if err != nil {
		return nil, err
	}
	u := access.User{Login: b.Login, Role: b.Role, AgentID: b.AgentID}
	replace(&u.PasswordHash, hash)
	if u, err = a.Store.CreateUser(ctx, u); err != nil {
		return nil, err
	}
	a.audit(ctx, "user.create", fmt.Sprintf("user/%d", u.ID), u.Login+", role "+string(u.Role))
	return answer(showAccount(u)), nil
}

// checkAgentOf refuses an agent for a role that has none, a missing one, and one that is not there.
func (a *api) checkAgentOf(ctx context.Context, role access.Role, agentID int64) error {
	if (role == access.RoleAgent) != (agentID != 0) {
		return refuseField("body.agent_id", whyAgentOfUser)
	}
	if agentID == 0 {
		return nil
	}
	_, err := a.Store.Agent(ctx, agentID)
	return err
}

func (a *api) setRole(ctx context.Context, in *struct {
	ByID
	Body struct {
		Role    access.Role `json:"role" enum:"agent,supervisor,admin,crm"`
		AgentID int64       `json:"agent_id,omitempty" minimum:"0" doc:"Of the role agent, and of no other"`
	}
}) (*reply[Account], error) {
	if in.ID == userOf(ctx).ID {
		return nil, errYourself
	}
	if err := a.checkAgentOf(ctx, in.Body.Role, in.Body.AgentID); err != nil {
		return nil, err
	}
	u, err := a.Store.SetUserRole(ctx, in.ID, in.Body.Role, in.Body.AgentID, userOf(ctx).Login, a.Now())
	if err != nil {
		return nil, err
	}
	return answer(showAccount(u)), nil
}

// errYourself keeps administrators from locking the last of them out.
var errYourself = refuse(http.StatusConflict, whyYourself)

func (a *api) deleteUser(ctx context.Context, in *ByID) (*struct{}, error) {
	if in.ID == userOf(ctx).ID {
		return nil, errYourself
	}
	return &struct{}{}, a.Store.DeleteUser(ctx, in.ID, userOf(ctx).Login, a.Now())
}

func (a *api) disableUser(ctx context.Context, in *ByID) (*reply[Account], error) {
	if in.ID == userOf(ctx).ID {
		return nil, errYourself
	}
	return a.setDisabled(ctx, in.ID, true)
}

func (a *api) enableUser(ctx context.Context, in *ByID) (*reply[Account], error) {
	return a.setDisabled(ctx, in.ID, false)
}

func (a *api) setDisabled(ctx context.Context, id int64, disabled bool) (*reply[Account], error) {
	u, err := a.Store.SetUserDisabled(ctx, id, disabled, userOf(ctx).Login, a.Now())
	if err != nil {
		return nil, err
	}
	return answer(showAccount(u)), nil
}

func (a *api) setPassword(ctx context.Context, in *struct {
	ByID
	Body struct {
		Password string `json:"password" minLength:"1" maxLength:"1024" doc:"8 bytes at least"`
	}
}) (*struct{}, error) {
	hash, err := a.hash(&in.Body.Password)
	if err != nil {
		return nil, err
	}
	_, err = a.Store.SetUserPassword(ctx, in.ID, *hash, userOf(ctx).Login, a.Now())
	return &struct{}{}, err
}
