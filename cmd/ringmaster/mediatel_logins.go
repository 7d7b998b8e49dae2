package main

import (
	"context"
	"errors"

	"github.com/creditorro/ringmaster/internal/api"
	"github.com/creditorro/ringmaster/internal/store"
)

// mediatelAdmin lets the CRM's back end say how agents enter Mediatel.
type mediatelAdmin struct {
	store  *store.Store
	sealer sealer
}

// mediatelAdmin is nil where there is no Mediatel.
func (n *node) mediatelAdmin() (api.MediatelLogins, error) {
	if n.cfg.Telephony.Mediatel.URL == "" {
		return nil, nil
	}
	sealer, err := mediatelSealer(n.cfg)
	return mediatelAdmin{n.store, sealer}, err
}

func (m mediatelAdmin) Login(ctx context.Context, agentID int64) (api.MediatelLogin, bool, error) {
	kept, err := m.store.MediatelLogin(ctx, agentID)
	if errors.Is(err, store.ErrNotFound) {
		return api.MediatelLogin{}, false, nil
	}
	return api.MediatelLogin{Login: kept.Login, Extension: kept.Extension}, err == nil, err
}

func (m mediatelAdmin) Set(ctx context.Context, agentID int64, login api.MediatelLogin, password *string) error {
	kept := store.MediatelLogin{Login: login.Login, Extension: login.Extension}
	if password != nil {
		kept.Sealed = m.sealer.seal(*password, agentID)
	} else {
		before, err := m.store.MediatelLogin(ctx, agentID)
		if err != nil {
			return err
		}
		kept.Sealed = before.Sealed
	}
	return m.store.SetMediatelLogin(ctx, agentID, kept)
}

func (m mediatelAdmin) Remove(ctx context.Context, agentID int64) error {
	return m.store.RemoveMediatelLogin(ctx, agentID)
}
