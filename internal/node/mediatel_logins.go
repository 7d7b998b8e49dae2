package node

import (
	"context"
	"errors"

	"github.com/creditorro/ringmaster/internal/api"
	"github.com/creditorro/ringmaster/internal/seal"
	"github.com/creditorro/ringmaster/internal/store"
)

// mediatelAdmin lets the CRM's back end say how agents enter Mediatel.
type mediatelAdmin struct {
	store  *store.Store
	sealer seal.Sealer
}

// mediatelAdmin is nil where there is no Mediatel.
func (n *Node) mediatelAdmin() (api.MediatelLogins, error) {
	if n.Config.Telephony.Mediatel.URL == "" {
		return nil, nil
	}
	sealer, err := MediatelSealer(n.Config)
	return mediatelAdmin{n.Store, sealer}, err
}

func (m mediatelAdmin) Login(ctx context.Context, agentID int64) (api.MediatelLogin, bool, error) {
	kept, err := m.store.Credentials.MediatelLogin(ctx, agentID)
	if errors.Is(err, store.ErrNotFound) {
		return api.MediatelLogin{}, false, nil
	}
	return api.MediatelLogin{Login: kept.Login, Extension: kept.Extension}, err == nil, err
}

func (m mediatelAdmin) Set(ctx context.Context, agentID int64, login api.MediatelLogin, password *string) error {
	kept := store.MediatelLogin{Login: login.Login, Extension: login.Extension}
	if password != nil {
		kept.Sealed = m.sealer.Seal(*password, agentID)
	} else {
		before, err := m.store.Credentials.MediatelLogin(ctx, agentID)
		if err != nil {
			return err
		}
		kept.Sealed = before.Sealed
	}
	return m.store.Credentials.SetMediatelLogin(ctx, agentID, kept)
}

func (m mediatelAdmin) Remove(ctx context.Context, agentID int64) error {
	return m.store.Credentials.RemoveMediatelLogin(ctx, agentID)
}
