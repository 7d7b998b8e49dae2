package main

import (
	"context"
	"fmt"

	"github.com/creditorro/ringmaster/internal/command"
	"github.com/creditorro/ringmaster/internal/node"
)

// healthCmd is what containers and load balancers run: the image has no shell and no curl.
type healthCmd struct {
	command.NodeFlags
	Ready bool `help:"Ask /readyz (may it get traffic?) instead of /healthz (is it alive?)."`
}

// Run asks the node that this configuration describes.
func (h healthCmd) Run(ctx context.Context, c console) error {
	cfg, err := h.Load()
	if err != nil {
		return err
	}
	path := "/healthz"
	if h.Ready {
		path = "/readyz"
	}
	said, err := node.Ask(ctx, cfg, path)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(c.Out, said)
	return err
}
