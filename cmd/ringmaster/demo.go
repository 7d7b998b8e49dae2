package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/demo"
)

// demoCmd shows the whole house at work, with everything embedded and nobody's phone dialed.
type demoCmd struct {
	Listen   string        `default:"127.0.0.1:8080" placeholder:"ADDR" help:"host:port to listen on (default ${default})."`
	Data     string        `placeholder:"DIR" help:"Folder to keep the demo's data in (default: a temporary one, removed at the end)."`
	Speed    float64       `default:"1" placeholder:"N" help:"The phone network's clock against the wall's, 0.1 to 1000 (default ${default})."`
	Seed     uint64        `default:"1" help:"The same seed draws the same fates (default ${default})."`
	Agents   int           `default:"20" placeholder:"N" help:"Simulated agents, 1 to 500 (default ${default})."`
	Contacts int           `default:"300" placeholder:"N" help:"People on the list, 10 to 10000 (default ${default})."`
	Duration time.Duration `placeholder:"TIME" help:"End by itself after this long, such as 30s (default: at a signal)."`
}

// Validate refuses what the phone network could not play.
func (d demoCmd) Validate() error {
	if !(d.Speed >= 0.1 && d.Speed <= 1000) {
		return usageError("--speed %v: want 0.1 to 1000", d.Speed)
	}
	if d.Agents < 1 || d.Agents > demo.MostAgents {
		return usageError("--agents %d: want 1 to %d", d.Agents, demo.MostAgents)
	}
	if d.Contacts < 10 || d.Contacts > demo.MostPeople {
		return usageError("--contacts %d: want 10 to %d", d.Contacts, demo.MostPeople)
	}
	if err := config.HostPort(d.Listen); err != nil {
		return usageError("--listen %q: %w", d.Listen, err)
	}
	return nil
}

// Run shows the house until ctx ends.
func (d demoCmd) Run(ctx context.Context, c console) error {
	if d.Duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d.Duration)
		defer cancel()
	}
	folder := d.Data
	if folder == "" {
		temporary, err := os.MkdirTemp("", "ringmaster-demo-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(temporary)
		folder = temporary
	}
	listener, err := net.Listen("tcp", d.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w; choose another address with --listen", err)
	}
	err = demo.Run(ctx, demo.Options{Listener: listener, Data: folder, Speed: d.Speed, Seed: d.Seed, Agents: d.Agents,
		People: d.Contacts, Version: version, Out: c.Out, Err: c.Err})
	if ctx.Err() != nil && d.Duration > 0 && context.Cause(ctx) == context.DeadlineExceeded {
		return nil // as it was asked to
	}
	return err
}
