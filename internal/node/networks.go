package node

import (
	"time"

	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/dialer/mediatel"
	"github.com/creditorro/ringmaster/dialer/simulated"
	"github.com/creditorro/ringmaster/dialer/sipua"
	"github.com/creditorro/ringmaster/internal/config"
)

// Networks are the phone networks that are configured.
type Networks struct {
	byName    map[string]dialer.PhoneNetwork
	SIP       *sipua.Network     // nil: not configured
	Mediatel  *mediatel.Network  // nil: not configured
	Simulated *simulated.Network // nil: not configured
	ledger    *simulated.Ledger
}

// prompt is a crowd to try a front end with: everybody answers within seconds, and nobody is in a hurry to hang up.
var prompt = simulated.Profile{
	AgentHangsUp: 0.5,
	AgentAnswers: simulated.LogNormal{Median: 200 * time.Millisecond},
	SetUp:        simulated.LogNormal{Median: 300 * time.Millisecond},
	Answers:      simulated.LogNormal{Median: time.Second},
	Talk:         simulated.LogNormal{Median: time.Hour, Sigma: 0.3},
}

func makeNetworks(cfg config.Telephony) (n Networks, err error) {
	n.byName = map[string]dialer.PhoneNetwork{}
	sim := cfg.Simulated
	if sim.Profile == "" {
		return n, nil
	}
	options := simulated.Options{
		Script: simulated.Script{Seed: uint64(sim.Seed), Crowd: simulated.Everyday},
		Clock:  simulated.Hurried(sim.Speed),
	}
	if sim.Profile == "prompt" {
		options.Script.Crowd = prompt
	}
	if sim.Ledger != "" {
		if n.ledger, err = simulated.OpenLedger(sim.Ledger); err != nil {
			return n, err
		}
		options.Ledger = n.ledger
	}
	if n.Simulated, err = simulated.New(options); err != nil {
		n.close()
		return n, err
	}
	n.byName[n.Simulated.Name()] = n.Simulated
	return n, nil
}

func (n Networks) close() {
	if n.Simulated != nil {
		n.Simulated.Close()
	}
	if n.ledger != nil {
		_ = n.ledger.Close() // each line was synced when it was written
	}
}
