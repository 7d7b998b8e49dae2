package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/creditorro/ringmaster/internal/command"
	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/doctor"
)

// doctorCmd looks at everything that a node needs before it is started, or when it is not well.
type doctorCmd struct {
	command.NodeFlags
	command.LanguageFlag
	Only []string `placeholder:"CHECK,…" help:"Run these checks alone: ${checks}."`
	JSON bool     `name:"json" help:"As JSON: {\"well\": …, \"findings\": […]}."`
}

// Help is what --help adds.
func (doctorCmd) Help() string {
	return "Exit code 0: all is well, or well enough (warnings). 1: something must be mended. 2: the configuration cannot be used."
}

// Run looks at everything and tells what to mend.
func (x doctorCmd) Run(ctx context.Context, c console) error {
	for _, name := range x.Only {
		if !slices.Contains(doctor.Checks(), name) {
			return usageError("--only %s: there is %s", name, strings.Join(doctor.Checks(), ", "))
		}
	}
	say, err := x.Book()
	if err != nil {
		return err
	}
	d := doctor.New(c.Err)
	cfg, err := x.Load()
	var refused *config.Error
	switch {
	case errors.As(err, &refused):
		d.Refused(err)
	case err != nil:
		return err
	default:
		source := "defaults and environment"
		if x.Config != "" {
			source = x.Config
		}
		d.LookAround(ctx, cfg, source, x.Only)
	}
	if err := d.Tell(c.Out, say, x.JSON); err != nil {
		return err
	}
	switch {
	case refused != nil:
		return silent(exitUsage)
	case !d.Well():
		return silent(exitFailed)
	}
	return nil
}
