package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/store"
	"github.com/creditorro/ringmaster/webhook"
)

// hookSealer encrypts what is private of webhooks' endpoints. They are few, and one key is for all of them.
type hookSealer struct{ sealer }

func webhookSealer(c *config.Config) (webhook.Sealer, error) {
	key, err := c.KeyOrMade(c.Webhook.Key, "webhook")
	if err != nil {
		return nil, err
	}
	s, err := newSealer(key, "ringmaster webhook endpoints")
	return hookSealer{s}, err
}

// webhookSealerThere is the same for who only looks: it makes no key. nil: there is none.
func webhookSealerThere(c *config.Config) (webhook.Sealer, error) {
	if _, err := os.Stat(webhookKeyFile(c)); c.Webhook.Key == "" && errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return webhookSealer(c)
}

func webhookKeyFile(c *config.Config) string { return filepath.Join(c.Data, "keys", "webhook") }

func (h hookSealer) Seal(plain []byte) []byte           { return h.AEAD.Seal(nil, nil, plain, nil) }
func (h hookSealer) Open(sealed []byte) ([]byte, error) { return h.AEAD.Open(nil, nil, sealed, nil) }

// opensEndpoints refuses a key that is another one than the other nodes have: their endpoints' headers and certificates would be of
// no use here, and those set here of none there. Nodes without the roles that set and send them need no key.
func opensEndpoints(ctx context.Context, c *config.Config, s *store.Store, key webhook.Sealer) error {
	if !c.Has("api") && !c.Has("scheduler") {
		return nil
	}
	list, err := s.Endpoints(ctx)
	if err != nil {
		return err
	}
	closed := webhook.Closed(list, key)
	if len(closed) == 0 {
		return nil
	}
	return fmt.Errorf("webhook.key: it does not open the headers and certificates of endpoint %s, which were set with another key; %s",
		joinIDs(closed), keyMend(c))
}

// keyMend says how nodes come to the same webhook.key.
func keyMend(c *config.Config) string {
	here := "this node made its own, in " + webhookKeyFile(c)
	if c.Webhook.Key != "" {
		here = "here it is set in the configuration"
	}
	return "give this node the key of those where they were set: what webhook.key is there or, where that is empty, " +
		"what the file keys/webhook of the data folder holds (" + here + "). " +
		"If that key is lost: ringmaster webhook forget-sealed, then set them anew"
}

func joinIDs(ids []int64) string {
	text := make([]string, len(ids))
	for i, id := range ids {
		text[i] = strconv.FormatInt(id, 10)
	}
	return strings.Join(text, ", ")
}

type webhookCmd struct {
	ForgetSealed forgetSealedCmd `cmd:"" help:"Drop endpoints' headers and certificates that this node's webhook.key does not open, and disable those endpoints."`
}

type forgetSealedCmd struct{ configFlags }

// Help is what --help adds.
func (forgetSealedCmd) Help() string {
	return "For when the key that they were set with is lost. Their events wait until headers and certificates are set again and " +
		"the endpoint is enabled: PATCH /api/v1/webhooks/ID."
}

// Run forgets what nobody with this key can read.
func (f forgetSealedCmd) Run(ctx context.Context, c console) error {
	return f.withRecord(ctx, c, func(cfg *config.Config, s *store.Store) error {
		key, err := webhookSealerThere(cfg)
		if err != nil {
			return err
		}
		list, err := s.Endpoints(ctx)
		if err != nil {
			return err
		}
		closed := webhook.Closed(list, key)
		for _, id := range closed {
			e, err := s.Endpoint(ctx, id)
			if err != nil {
				return err
			}
			e.Sealed, e.Disabled, e.Reason = nil, true, "its headers and certificates were lost with their key: set them again, and enable it"
			if _, err := s.UpdateEndpoint(ctx, e); err != nil {
				return err
			}
			if err := audit(ctx, s, "webhook.forget_sealed", fmt.Sprintf("webhook/%d", id), ""); err != nil {
				return err
			}
			fmt.Fprintf(c.out, "endpoint %d: forgotten, and disabled\n", id)
		}
		if len(closed) == 0 {
			fmt.Fprintln(c.out, "this node's webhook.key opens all that there is: nothing is forgotten")
		}
		return nil
	})
}
