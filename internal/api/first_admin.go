package api

import (
	"context"
	"crypto/hmac"
	"errors"
	"net/http"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/internal/reason"
)

func (a *api) firstAdminRoutes() {
	route(a, nil, a.makeFirstAdmin, op("Access", "make-first-admin", "POST /first-admin", "Make the first admin", created,
		a.fromOurPages,
		says("With the token of the one-time link that a node shows while there is no admin. The reply is that of a login."),
		refuses(http.StatusForbidden)))
}

type firstAdminInput struct {
	Body struct {
		Token    string `json:"token" minLength:"43" maxLength:"43" doc:"What stands behind # in the link"`
		Login    string `json:"login" minLength:"1" maxLength:"64"`
		Password string `json:"password" minLength:"8" maxLength:"1024"`
	}
}

func (a *api) makeFirstAdmin(ctx context.Context, in *firstAdminInput) (*loginReply, error) {
	dead := refuse(http.StatusForbidden, whyLinkDead)
	nonce, err := a.Store.FirstAdminNonce(ctx, a.Now())
	if errors.Is(err, access.ErrAdminThere) || reason.ClassOf(err) == reason.Missing {
		return nil, dead
	}
	if err != nil {
		return nil, err
	}
	if a.FirstAdminKey == "" || !hmac.Equal([]byte(access.FirstAdminToken(a.FirstAdminKey, nonce)), []byte(in.Body.Token)) {
		return nil, dead
	}
	hash, err := a.Hash(in.Body.Password)
	if err != nil {
		return nil, refuseField("body.password", reason.OrUnspecific(err))
	}
	_, err = a.Store.CreateFirstAdmin(ctx, access.User{Login: in.Body.Login, PasswordHash: hash, Role: access.RoleAdmin}, nonce,
		a.Now())
	if errors.Is(err, access.ErrAdminThere) {
		return nil, dead
	}
	if err != nil {
		return nil, err
	}
	login := &loginInput{}
	login.Body.Login, login.Body.Password = in.Body.Login, in.Body.Password
	return a.login(ctx, login)
}
