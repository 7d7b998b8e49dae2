package main

import (
	"context"
	"errors"
)

// serveCmd runs a node until a signal: the first one lets running calls finish, a second one hangs up.
type serveCmd struct {
	nodeFlags
}

// Help is what --help adds.
func (serveCmd) Help() string {
	return "Settings come from flags, then RINGMASTER_* variables, then the file, then the defaults. The first signal stops " +
		"new calls and lets running ones finish (limits.drain_timeout); a second one hangs up."
}

// Run serves until ctx ends.
func (s serveCmd) Run(ctx context.Context, c console) error {
	if _, err := s.load(); err != nil {
		return err
	}
	return errors.New("serve: not wired yet")
}
