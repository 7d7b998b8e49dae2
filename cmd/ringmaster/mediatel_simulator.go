package main

import (
	"context"
	"log/slog"
	"net"
	"time"

	"github.com/creditorro/ringmaster/dialer/mediatel/simulator"
)

type simulatorCmd struct {
	Listen  string        `default:"127.0.0.1:8090" placeholder:"ADDR" help:"host:port to listen on (default ${default})."`
	Agents  int           `default:"20" placeholder:"N" help:"Agents mt_agent1 to mt_agentN, password \"mediatel\" (default ${default})."`
	Variant string        `placeholder:"NAME,…" help:"How it strays from the protocol: slow, lossy, repeating, misspelt, mixed, crashing."`
	Seed    uint64        `default:"1" help:"The same seed strays in the same way."`
	Auto    time.Duration `placeholder:"TIME" help:"Give an agent who is idle with the auto-call flag On a call of its own after this long, such as 15s (default: never)."`
}

// Run serves until it is stopped.
func (s simulatorCmd) Run(ctx context.Context, c console) error {
	variant, err := simulator.ParseVariant(s.Variant)
	if err != nil {
		return usageError("%w", err)
	}
	if s.Agents < 1 || s.Agents > 10000 {
		return usageError("agents: want 1 to 10000")
	}
	if s.Auto < 0 {
		return usageError("auto: want no less than zero")
	}
	listener, err := net.Listen("tcp", s.Listen)
	if err != nil {
		return err
	}
	return simulator.Play{Agents: s.Agents, Variant: variant, Seed: s.Seed, Auto: s.Auto, Out: c.Out,
		Log: slog.New(slog.NewTextHandler(c.Err, nil))}.Serve(ctx, listener)
}
