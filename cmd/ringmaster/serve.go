package main

import (
	"context"
	"fmt"
	"net"

	"github.com/creditorro/ringmaster/internal/command"
	"github.com/creditorro/ringmaster/internal/node"
)

// serveCmd runs a node until a signal: the first one lets running calls finish, a second one hangs up.
type serveCmd struct {
	command.NodeFlags
}

// Help is what --help adds.
func (serveCmd) Help() string {
	return "Settings come from flags, then RINGMASTER_* variables, then the file, then the defaults. The first signal stops " +
		"new calls and lets running ones finish (limits.drain_timeout); a second one hangs up."
}

// Run serves until ctx ends.
func (s serveCmd) Run(ctx context.Context, c console) error {
	cfg, err := s.Load()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	n, err := node.New(ctx, cfg, c.Err, version)
	if err != nil {
		listener.Close()
		return err
	}
	defer n.Close()
	if err := n.MountPages(n.Site()); err != nil {
		return err
	}
	if err := n.Welcome(ctx, c.Err); err != nil {
		return err
	}
	return n.Run(ctx, listener)
}
