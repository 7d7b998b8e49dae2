package node

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/dialer/mediatel"
	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/seal"
	"github.com/creditorro/ringmaster/internal/store"
)

// makeMediatel makes an existing Mediatel server a phone network.
func (n *Node) makeMediatel() error {
	cfg := n.Config.Telephony.Mediatel
	sealer, err := MediatelSealer(n.Config)
	if err != nil {
		return err
	}
	cookies, err := MediatelCookies(n.Config, n.Clocks.SQL)
	if err != nil {
		return err
	}
	there := mediatelLogins{store: n.Store, sealer: sealer, cookies: cookies}
	n.Networks.Mediatel, err = mediatel.New(mediatel.Options{
		URL: MediatelAddress(cfg), Node: n.Config.Node, Roster: n.liveRoster(), Now: n.Clocks.SQL, Credentials: there, Cookies: there,
		EndCode: cfg.EndCode, OwnCampaigns: cfg.OwnCampaigns, PhoneChanged: func(extension string) { n.dialer.PhoneChanged(extension) },
		External: func(seen dialer.ExternalCall) { n.dialer.Adopt(seen) }, CodeOf: n.Store.Attempts.CodeOf, Log: n.Log,
	})
	if err == nil {
		n.Networks.byName[mediatel.Name] = n.Networks.Mediatel
	}
	return err
}

// MediatelCookies mint what Mediatel's edge asks for.
func MediatelCookies(c *config.Config, now func() time.Time) (*access.Vouch, error) {
	secrets, err := c.VouchSecrets()
	if secret := c.Telephony.Mediatel.CookieSecret; secret != "" {
		secrets, err = []string{secret.Reveal()}, nil
	}
	if err != nil {
		return nil, err
	}
	return access.NewVouch(access.VouchOptions{Secrets: secrets, Secure: true, Now: now})
}

// MediatelAddress is where its Socket.IO is.
func MediatelAddress(m config.Mediatel) string { return mediatel.Address(m.URL, m.Path) }

// mediatelLogins are the agents' ways into Mediatel, as the record keeps them.
type mediatelLogins struct {
	store   *store.Store
	sealer  seal.Sealer
	cookies *access.Vouch
}

// Login answers the agent's login with the password opened.
func (m mediatelLogins) Login(ctx context.Context, agentID int64) (mediatel.Login, error) {
	kept, err := m.store.Credentials.MediatelLogin(ctx, agentID)
	if errors.Is(err, store.ErrNotFound) {
		return mediatel.Login{}, mediatel.ErrNoLogin
	}
	if err != nil {
		return mediatel.Login{}, err
	}
	password, err := m.sealer.Open(kept.Sealed, agentID)
	if errors.Is(err, seal.ErrOtherKey) {
		err = errors.New("a password for Mediatel cannot be opened: telephony.mediatel.key is another one than it was sealed with")
	}
	return mediatel.Login{User: kept.Login, Password: password, Extension: kept.Extension}, err
}

// cookieLife is how long a cookie for one request to Mediatel is good: it is minted anew for each, and clocks may differ.
const cookieLife = 5 * time.Minute

// Cookie mints the cookie of the CRM's user whose agent it is, as that user's browser would bring it.
func (m mediatelLogins) Cookie(ctx context.Context, agentID int64) (*http.Cookie, error) {
	a, err := m.store.Agents.Agent(ctx, agentID)
	if err != nil {
		return nil, err
	}
	user := access.Identity{Username: a.Username, UserID: a.UserID}
	if user.Username == "" {
		user.Username = a.Login
	}
	return m.cookies.Mint(user, cookieLife)
}

// MediatelSealer encrypts agents' passwords at Mediatel.
func MediatelSealer(c *config.Config) (seal.Sealer, error) {
	key, err := c.KeyOrMade(c.Telephony.Mediatel.Key, "mediatel")
	if err != nil {
		return seal.Sealer{}, err
	}
	return seal.New(key, "ringmaster mediatel passwords")
}
