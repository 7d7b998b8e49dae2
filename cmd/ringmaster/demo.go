package main

import (
	"context"
	"errors"
	"time"
)

// demoCmd shows the whole house at work, with everything embedded and nobody's phone dialed.
type demoCmd struct {
	Listen   string        `default:"127.0.0.1:8080" placeholder:"ADDR" help:"host:port to listen on (default ${default})."`
	Data     string        `placeholder:"DIR" help:"Folder to keep the demo's data in (default: a temporary one, removed at the end)."`
	Speed    float64       `default:"1" placeholder:"N" help:"The phone network's clock against the wall's, 0.1 to 1000 (default ${default})."`
	Seed     uint64        `default:"1" help:"The same seed draws the same fates (default ${default})."`
	Duration time.Duration `placeholder:"TIME" help:"End by itself after this long, such as 30s (default: at a signal)."`
}

// Validate refuses what the phone network could not play.
func (d demoCmd) Validate() error {
	if !(d.Speed >= 0.1 && d.Speed <= 1000) {
		return usageError("--speed %v: want 0.1 to 1000", d.Speed)
	}
	if err := hostPort(d.Listen); err != nil {
		return usageError("--listen %q: %w", d.Listen, err)
	}
	return nil
}

// Run shows the house until ctx ends.
func (d demoCmd) Run(ctx context.Context, c console) error {
	return errors.New("demo: not wired yet")
}
