package node

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
	"github.com/creditorro/ringmaster/internal/seal"
	"github.com/creditorro/ringmaster/internal/store"
	"github.com/creditorro/ringmaster/webhook"
)

// WebhookSealer encrypts what is private of webhooks' endpoints. They are few, and one key is for all of them.
func WebhookSealer(c *config.Config) (webhook.Sealer, error) {
	key, err := c.KeyOrMade(c.Webhook.Key, "webhook")
	if err != nil {
		return nil, err
	}
	s, err := seal.New(key, "ringmaster webhook endpoints")
	return seal.Unbound{Sealer: s}, err
}

// WebhookSealerThere is the same for who only looks: it makes no key. nil: there is none.
func WebhookSealerThere(c *config.Config) (webhook.Sealer, error) {
	if _, err := os.Stat(WebhookKeyFile(c)); c.Webhook.Key == "" && errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return WebhookSealer(c)
}

// WebhookKeyFile is where the key is that was made because none is configured.
func WebhookKeyFile(c *config.Config) string { return filepath.Join(c.Data, "keys", "webhook") }

// opensEndpoints refuses a key that is another one than the other nodes have: their endpoints' headers and certificates would be
// of no use here, and those set here of none there. Nodes without the roles that set and send them need no key.
func opensEndpoints(ctx context.Context, c *config.Config, s *store.Store, key webhook.Sealer) error {
	if !c.Has("api") && !c.Has("scheduler") {
		return nil
	}
	list, err := s.Webhooks.Endpoints(ctx)
	if err != nil {
		return err
	}
	closed := webhook.Closed(list, key)
	if len(closed) == 0 {
		return nil
	}
	return fmt.Errorf("webhook.key: it does not open the headers and certificates of endpoint %s, which were set with "+
		"another key; %s",
		JoinIDs(closed), KeyMend(c))
}

// KeyMend says how nodes come to the same webhook.key.
func KeyMend(c *config.Config) string {
	here := "this node made its own, in " + WebhookKeyFile(c)
	if c.Webhook.Key != "" {
		here = "here it is set in the configuration"
	}
	return "give this node the key of those where they were set: what webhook.key is there or, where that is empty, " +
		"what the file keys/webhook of the data folder holds (" + here + "). " +
		"If that key is lost: ringmaster webhook forget-sealed, then set them anew"
}

// JoinIDs writes a list of endpoints.
func JoinIDs(ids []int64) string {
	text := make([]string, len(ids))
	for i, id := range ids {
		text[i] = strconv.FormatInt(id, 10)
	}
	return strings.Join(text, ", ")
}
