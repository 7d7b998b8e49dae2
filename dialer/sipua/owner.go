package sipua

import (
	"context"
	"crypto/subtle"

	"github.com/creditorro/ringmaster/internal/retry"
)

// A binding outlives what it was made by: the agent may leave while the tab stays open, the desk phone's password may be given
// to somebody else. So whose a phone is, is asked when it is about to be called, and from time to time.

// owner asks the record.
func (n *Network) owner(extension string) (int64, error) {
	if n.opts.Owner == nil {
		return 0, nil
	}
	ctx, stop := context.WithTimeout(context.Background(), lookupTimeout)
	defer stop()
	return n.opts.Owner(ctx, extension)
}

// dropTabs forgets the phones in browsers of others than the owner.
func (n *Network) dropTabs(extension string, owner int64) {
	if n.locations.dropTabs(extension, owner) {
		n.phoneChanged(extension)
	}
}

// stillOwned reports whether a phone may still ring for its extension. Who cannot be asked about keeps what it proved: running
// calls come back to a reloaded tab while the record is away, and nothing new is dialed then.
func (n *Network) stillOwned(b Binding) bool {
	if b.AgentID != 0 {
		owner, err := n.owner(b.Extension)
		return err != nil || owner == b.AgentID
	}
	for _, algorithm := range n.opts.Algorithms {
		ha1, err := n.ha1(b.user, algorithm, n.opts.Now())
		if err != nil {
			return true
		}
		now := fingerprint(algorithm, ha1)
		if ha1 != "" && subtle.ConstantTimeCompare(now[:], b.proof[:]) == 1 {
			return true
		}
	}
	return false
}

// forgetPhone drops a phone, unless it has registered anew meanwhile.
func (n *Network) forgetPhone(b Binding) {
	if n.locations.drop(b) {
		n.phoneChanged(b.Extension)
	}
}

// watchOwners forgets the phones in browsers of agents who have left, and desk phones whose password was changed. None of them
// would be called; they are not to be shown either.
func (n *Network) watchOwners(ctx context.Context) {
	for retry.Sleep(ctx, retry.Spread(keepAlive, 0.1)) {
		for _, b := range n.locations.all() {
			if ctx.Err() == nil && !n.stillOwned(b) {
				n.forgetPhone(b)
			}
		}
	}
}
