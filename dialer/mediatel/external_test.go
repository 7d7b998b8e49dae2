package mediatel_test

import (
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/dialer/mediatel"
	"github.com/creditorro/ringmaster/dialer/mediatel/simulator"
	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
)

const bob = "+447700900125"

// told waits for an external call.
func (h *house) told() dialer.ExternalCall {
	h.tb.Helper()
	select {
	case seen := <-h.others:
		return seen
	case <-time.After(patience):
		h.tb.Fatal("no external call was told of")
		panic("unreachable")
	}
}

// TestExternalWhileOursWaits: Mediatel gives the agent a call while an order of ours waits for the agent to be free. The order
// gives up, and the call that it has seen go by is told of.
func TestExternalWhileOursWaits(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 1, known, func(_ *simulator.Options, near *mediatel.Options) {
		near.Limits.Settle, near.Limits.Stale, near.Limits.Answer = 500*time.Millisecond, time.Hour, time.Hour
	})
	h.ready(1)
	l, err := h.order(1, ann, true)
	must(t, err)
	l.until(dialer.CustomerAnswered)
	h.server.HangUp("mt_agent1")
	l.until(dialer.Ended)
	l, err = h.order(1, "+447700900124", true) // waits for the end of Clerical
	must(t, err)
	h.server.Give("mt_agent1", bob, "10000001", "AUTO_1", "")
	if end := l.until(dialer.Ended); end.Outcome != campaigns.Congestion {
		t.Errorf("end %+v", end)
	}
	if seen := h.told(); seen.Number != bob {
		t.Errorf("told of %+v", seen)
	}
}

// TestExternalAfterTheCut: a call ends while the connection is lost, and Mediatel has given the agent another one by the time it
// is back: each is told of.
func TestExternalAfterTheCut(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 1, known, func(_ *simulator.Options, near *mediatel.Options) {
		near.Limits.Stale, near.Limits.Resync = time.Hour, patience
	})
	h.ready(1)
	h.server.Give("mt_agent1", ann, "10000001", "AUTO_1", "")
	l := &live{LiveCall: h.told().Live, h: h}
	l.until(dialer.CustomerAnswered)
	h.server.SetAway(true)
	h.server.Cut("mt_agent1")
	h.server.HangUp("mt_agent1")
	h.server.Give("mt_agent1", bob, "10000002", "AUTO_1", "")
	h.at(1, wire.StateActive)
	h.server.SetAway(false)
	if end := l.until(dialer.Ended); end.Outcome != campaigns.Answered {
		t.Errorf("end %+v", end)
	}
	if seen := h.told(); seen.Number != bob {
		t.Errorf("told of %+v", seen)
	}
}
