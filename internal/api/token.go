package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/internal/reason/field"
)

func (a *api) tokenRoutes() {
	const tag = "Access"
	route(a, admins, a.createToken, op(tag, "create-token", "POST /tokens", "Make an API token for a user", created,
		says("It may do what the user's role may. It is shown this once."), refuses(http.StatusNotFound)))
	route(a, admins, a.listTokens, op(tag, "list-tokens", "GET /tokens", "List API tokens",
		says("Everybody's, or those of one login."), refuses(http.StatusNotFound)))
	route(a, admins, a.revokeToken, op(tag, "revoke-token", "DELETE /tokens/{id}", "Revoke an API token", empty,
		refuses(http.StatusNotFound)))
}

// Token is an API token, without what it opens.
type Token struct {
	ID        int64      `json:"id"`
	Login     string     `json:"login"`
	Name      string     `json:"name"`
	ExpiresAt *time.Time `json:"expires_at" doc:"null: never"`
	CreatedAt time.Time  `json:"created_at"`
	LastUsed  *time.Time `json:"last_used_at" doc:"To the minute; null: never"`
}

// TokenWithSecret is an API token at the moment at which it is shown.
type TokenWithSecret struct {
	Token
	Secret string `json:"token" doc:"rmt_… — keep it: it is not shown again"`
}

func showToken(t access.Token) Token {
	return Token{ID: t.ID, Login: t.Login, Name: t.Name, ExpiresAt: moment(t.ExpiresAt), CreatedAt: t.CreatedAt.UTC(),
		LastUsed: moment(t.LastUsed)}
}

type tokenInput struct {
	Body struct {
		Login     string   `json:"login" minLength:"1" maxLength:"64" doc:"Whose token it is"`
		Name      string   `json:"name" minLength:"1" maxLength:"100" doc:"What it is for"`
		ExpiresIn Duration `json:"expires_in" required:"false" doc:"At least 1m; never when left out"`
	}
}

func (a *api) createToken(ctx context.Context, in *tokenInput) (*reply[TokenWithSecret], error) {
	u, err := a.Store.UserByLogin(ctx, in.Body.Login)
	if err != nil {
		return nil, err
	}
	secret, hash := access.NewToken()
	t := access.Token{UserID: u.ID, Name: in.Body.Name, Hash: hash, CreatedAt: a.Now()}
	if d := time.Duration(in.Body.ExpiresIn); d != 0 {
		if d < time.Minute {
			return nil, refuseField("body.expires_in", field.LastsLeast(time.Minute))
		}
		t.ExpiresAt = t.CreatedAt.Add(d)
	}
	if t, err = a.Store.CreateToken(ctx, t); err != nil {
		return nil, err
	}
	a.audit(ctx, "token.create", fmt.Sprintf("token/%d", t.ID), u.Login+": "+t.Name)
	t.Login = u.Login
	return answer(TokenWithSecret{showToken(t), secret}), nil
}

func (a *api) listTokens(ctx context.Context, in *struct {
	Login string `query:"login" maxLength:"64" doc:"Whose; everybody's when left out"`
}) (*reply[page[Token]], error) {
	var owner int64
	if in.Login != "" {
		u, err := a.Store.UserByLogin(ctx, in.Login)
		if err != nil {
			return nil, err
		}
		owner = u.ID
	}
	list, err := a.Store.Tokens(ctx, owner)
	if err != nil {
		return nil, err
	}
	return pageOf(list, len(list)+1, showToken, nil), nil // made by hand: a handful
}

func (a *api) revokeToken(ctx context.Context, in *ByID) (*struct{}, error) {
	if err := a.Store.RevokeToken(ctx, in.ID); err != nil {
		return nil, err
	}
	a.audit(ctx, "token.revoke", fmt.Sprintf("token/%d", in.ID), "")
	return &struct{}{}, nil
}
