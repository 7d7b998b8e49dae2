package node

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/dialer/sipua"
	"github.com/creditorro/ringmaster/internal/api"
	"github.com/creditorro/ringmaster/internal/api/mediatelv1"
	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/store"
)

const (
	// browserPassword is how long a tab's phone may register with the password of its session. The tab asks again before.
	browserPassword = time.Hour

	registerExpires = 300 // seconds, as the front ends written for Mediatel have it
)

// makeAdministration mounts what a Mediatel's agents and extensions are administered by.
func (n *Node) makeAdministration(context.Context) (err error) {
	n.Administration, err = mediatelv1.New(mediatelv1.Deps{
		Store: n.Store.Agents, Auth: n.Auth, Live: n.Roster, Hash: n.Passwords.Hash,
		ParseConnection: sipua.ParseConnection, PrintConnection: sipua.PrintConnection, Network: mainNetwork(n.Config),
		Now: n.Clocks.SQL, Logger: n.Log,
	})
	return err
}

// mainNetwork is the phone network that new extensions belong to when nobody says.
func mainNetwork(c *config.Config) string {
	if c.Telephony.SIP.Listen == "" && c.Telephony.Simulated.Profile != "" {
		return "simulated"
	}
	return sipua.Name
}

// signOn is what tabs' sessions are made of. The telephony may run on other nodes: its secret and realm are enough.
func (n *Node) signOn() (api.SignOn, error) {
	s := api.SignOn{Identify: n.Gate.Identify}
	if n.Config.Telephony.SIP.MediaListen == "" {
		return s, nil // no phones in browsers
	}
	secret, err := n.Config.KeyOrMade(n.Config.Telephony.SIP.Secret, "sip")
	if err != nil {
		return s, err
	}
	url := "ws" + strings.TrimPrefix(n.Config.PublicURL, "http") + "/ws"
	s.Phone = func(x agents.Extension) *api.TabPhone {
		if x.Network != sipua.Name || x.Server != "" {
			return nil // it registers elsewhere
		}
		login := sipua.BrowserLogin([]byte(secret), Realm(n.Config.Telephony.SIP), x, n.Clocks.SQL().Add(browserPassword))
		return &api.TabPhone{
			URL: url, Path: "/ws", Realm: login.Realm, URI: "sip:" + login.Username + "@" + login.Realm, Username: login.Username,
			Password: login.Password, RegisterExpires: registerExpires, ExpiresAt: login.Expires.UTC(),
		}
	}
	return s, nil
}

// agentEntered keeps that an agent has logged in by password.
func (n *Node) agentEntered(ctx context.Context, agentID int64, user, address string) {
	object := fmt.Sprintf("agent/%d", agentID)
	done := access.Audit{At: n.Clocks.SQL(), Who: "cookie:" + user, What: "session.login", Object: object,
		Detail: "by password, from " + address}
	if err := n.Store.Audits.Audit(ctx, done); err != nil {
		n.Log.ErrorContext(ctx, "audit entry lost", slog.String("what", done.What), slog.String("object", object),
			slog.Any("error", err))
	}
}

// loginTokens are the single sign-on's one-time passwords in the gateway's words.
type loginTokens struct {
	store *store.Store
	now   func() time.Time
}

// Redeem asks the record only about what may be a token: everything else is a password.
func (l loginTokens) Redeem(ctx context.Context, agentID int64, token string) (bool, error) {
	if !access.LooksLikeLoginToken(token) {
		return false, nil
	}
	now := l.now()
	ok, err := l.store.Agents.RedeemLoginToken(ctx, agentID, access.HashToken(token), now)
	if err != nil || !ok {
		return false, err
	}
	object := fmt.Sprintf("agent/%d", agentID)
	done := access.Audit{At: now, Who: object, What: "session.login", Object: object, Detail: "by one-time token"}
	return true, l.store.Audits.Audit(ctx, done)
}
