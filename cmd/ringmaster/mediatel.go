package main

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/dialer/mediatel"
	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/store"
)

// makeMediatel makes an existing Mediatel server a phone network.
func (n *node) makeMediatel() error {
	cfg := n.cfg.Telephony.Mediatel
	sealer, err := mediatelSealer(n.cfg)
	if err != nil {
		return err
	}
	cookies, err := mediatelCookies(n.cfg)
	if err != nil {
		return err
	}
	there := mediatelLogins{store: n.store, sealer: sealer, cookies: cookies}
	n.networks.mediatel, err = mediatel.New(mediatel.Options{
		URL: mediatelAddress(cfg), Node: n.cfg.Node, Roster: n.roster, Credentials: there, Cookies: there,
		EndCode: cfg.EndCode, OwnCampaigns: cfg.OwnCampaigns, PhoneChanged: func(extension string) { n.dialer.PhoneChanged(extension) },
		External: func(seen dialer.ExternalCall) { n.dialer.Adopt(seen) }, CodeOf: n.store.CodeOf, Log: n.log,
	})
	if err == nil {
		n.networks.byName[mediatel.Name] = n.networks.mediatel
	}
	return err
}

// mediatelCookies mint what Mediatel's edge asks for.
func mediatelCookies(c *config.Config) (*access.Vouch, error) {
	secrets, err := c.VouchSecrets()
	if secret := c.Telephony.Mediatel.CookieSecret; secret != "" {
		secrets, err = []string{secret.Reveal()}, nil
	}
	if err != nil {
		return nil, err
	}
	return access.NewVouch(access.VouchOptions{Secrets: secrets, Secure: true})
}

// lookAtMediatel knocks at the server's door as an agent's page would, with a cookie of nobody's.
func (d *doctor) lookAtMediatel(ctx context.Context) {
	m := d.cfg.Telephony.Mediatel
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	cookies, err := mediatelCookies(d.cfg)
	if err != nil {
		d.say(failed, "mend vouch.secret or telephony.mediatel.cookie_secret", "%v", err)
		return
	}
	cookie, err := cookies.Mint(access.Identity{Username: "ringmaster-doctor"}, time.Hour)
	if err != nil {
		d.say(failed, "mend telephony.mediatel.cookie_secret", "%v", err)
		return
	}
	err = mediatel.Knock(ctx, mediatelAddress(m), cookie)
	var refusal *mediatel.Refusal
	if err != nil && !errors.As(err, &refusal) {
		d.say(failed, "see that this machine reaches telephony.mediatel.url, by WebSocket too, and that a Mediatel is there", "Mediatel at %s: %v", m.URL, err)
		return
	}
	if err == nil {
		d.well("Mediatel at %s lets us in", m.URL)
		return
	}
	switch refusal.Status {
	case http.StatusForbidden, http.StatusUnauthorized, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect:
		d.say(failed, "set telephony.mediatel.cookie_secret to the secret of Mediatel's edge", "Mediatel at %s refuses our cookie: %d", m.URL, refusal.Status)
	default:
		d.say(failed, "see that telephony.mediatel.path is that of its Socket.IO, and that what is before it passes WebSockets",
			"Mediatel at %s answers %d", mediatelAddress(m), refusal.Status)
	}
}

// mediatelAddress is where its Socket.IO is.
func mediatelAddress(m config.Mediatel) string { return mediatel.Address(m.URL, m.Path) }

// mediatelLogins are the agents' ways into Mediatel, as the record keeps them.
type mediatelLogins struct {
	store   *store.Store
	sealer  sealer
	cookies *access.Vouch
}

// Login answers the agent's login with the password opened.
func (m mediatelLogins) Login(ctx context.Context, agentID int64) (mediatel.Login, error) {
	kept, err := m.store.MediatelLogin(ctx, agentID)
	if errors.Is(err, store.ErrNotFound) {
		return mediatel.Login{}, mediatel.ErrNoLogin
	}
	if err != nil {
		return mediatel.Login{}, err
	}
	password, err := m.sealer.open(kept.Sealed, agentID)
	return mediatel.Login{User: kept.Login, Password: password, Extension: kept.Extension}, err
}

// cookieLife is how long a cookie for one request to Mediatel is good: it is minted anew for each, and clocks may differ.
const cookieLife = 5 * time.Minute

// Cookie mints the cookie of the CRM's user whose agent it is, as that user's browser would bring it.
func (m mediatelLogins) Cookie(ctx context.Context, agentID int64) (*http.Cookie, error) {
	a, err := m.store.Agent(ctx, agentID)
	if err != nil {
		return nil, err
	}
	user := access.Identity{Username: a.Username, UserID: a.UserID}
	if user.Username == "" {
		user.Username = a.Login
	}
	return m.cookies.Mint(user, cookieLife)
}

// mediatelSealer encrypts agents' passwords at Mediatel.
func mediatelSealer(c *config.Config) (sealer, error) {
	key, err := c.KeyOrMade(c.Telephony.Mediatel.Key, "mediatel")
	if err != nil {
		return sealer{}, err
	}
	return newSealer(key, "ringmaster mediatel passwords")
}

// sealer encrypts short secrets for the record by AES-256-GCM, each bound to its owner.
type sealer struct{ cipher.AEAD }

func newSealer(secret, purpose string) (sealer, error) {
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, purpose, 32)
	if err != nil {
		return sealer{}, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return sealer{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return sealer{aead}, err
}

func (s sealer) seal(secret string, owner int64) []byte {
	return s.Seal(nil, nil, []byte(secret), fmt.Append(nil, owner))
}

func (s sealer) open(sealed []byte, owner int64) (string, error) {
	secret, err := s.Open(nil, nil, sealed, fmt.Append(nil, owner))
	if err != nil {
		return "", errors.New("a password for Mediatel cannot be opened: telephony.mediatel.key is another one than it was sealed with")
	}
	return string(secret), nil
}
