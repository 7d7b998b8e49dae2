package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/node"
	"github.com/creditorro/ringmaster/internal/store"
)

type agentMediatelCmd struct {
	ConfigFlags
	passwordFlag
	Login     string `arg:"" help:"The agent's login here."`
	User      string `required:"" placeholder:"NAME" help:"The agent's login at Mediatel."`
	Extension string `placeholder:"NAME" help:"The extension to log in with there (default: the name of the agent's extension here)."`
}

// Run keeps how the agent enters Mediatel, the password encrypted.
func (a agentMediatelCmd) Run(ctx context.Context, c Console) error {
	return a.withRecord(ctx, c, func(cfg *config.Config, s *store.Store) error {
		agent, err := s.Agents.AgentByLogin(ctx, a.Login)
		if errors.Is(err, agents.ErrNoAgent) {
			return config.Errorf("agent %s: %w", a.Login, err)
		}
		if err != nil {
			return err
		}
		password, err := a.plain(c, a.User)
		if err != nil {
			return err
		}
		sealer, err := node.MediatelSealer(cfg)
		if err != nil {
			return err
		}
		login := store.MediatelLogin{Login: a.User, Extension: a.Extension, Sealed: sealer.Seal(password, agent.ID)}
		if err := s.Credentials.SetMediatelLogin(ctx, agent.ID, login); err != nil {
			return err
		}
		if err := audit(ctx, s, "agent.mediatel", fmt.Sprintf("agent/%d", agent.ID), a.User); err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.Out, "agent %d: %s at Mediatel\n", agent.ID, a.User)
		return err
	})
}
