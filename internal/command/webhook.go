package command

import (
	"context"
	"fmt"

	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/node"
	"github.com/creditorro/ringmaster/internal/store"
	"github.com/creditorro/ringmaster/webhook"
)

type Webhook struct {
	ForgetSealed forgetSealedCmd `cmd:"" help:"Drop endpoints' headers and certificates that this node's webhook.key does not open, and disable those endpoints."`
}

type forgetSealedCmd struct{ ConfigFlags }

// Help is what --help adds.
func (forgetSealedCmd) Help() string {
	return "For when the key that they were set with is lost. Their events wait until headers and certificates are set again and " +
		"the endpoint is enabled: PATCH /api/v1/webhooks/ID."
}

// Run forgets what nobody with this key can read.
func (f forgetSealedCmd) Run(ctx context.Context, c Console) error {
	return f.withRecord(ctx, c, func(cfg *config.Config, s *store.Store) error {
		key, err := node.WebhookSealerThere(cfg)
		if err != nil {
			return err
		}
		list, err := s.Webhooks.Endpoints(ctx)
		if err != nil {
			return err
		}
		closed := webhook.Closed(list, key)
		for _, id := range closed {
			e, err := s.Webhooks.Endpoint(ctx, id)
			if err != nil {
				return err
			}
			e.Sealed, e.Disabled, e.Reason = nil, true, webhook.WhyKeyLost
			if _, err := s.Webhooks.UpdateEndpoint(ctx, e); err != nil {
				return err
			}
			if err := audit(ctx, s, "webhook.forget_sealed", fmt.Sprintf("webhook/%d", id), ""); err != nil {
				return err
			}
			fmt.Fprintf(c.Out, "endpoint %d: forgotten, and disabled\n", id)
		}
		if len(closed) == 0 {
			fmt.Fprintln(c.Out, "this node's webhook.key opens all that there is: nothing is forgotten")
		}
		return nil
	})
}
