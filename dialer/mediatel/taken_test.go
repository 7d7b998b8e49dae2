package mediatel_test

import (
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/dialer/mediatel"
	"github.com/creditorro/ringmaster/dialer/mediatel/simulator"
	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// TestOrderRefused: a makeCall that is answered with the present state again ends soon, and spends no other contact.
func TestOrderRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 1, known, func(far *simulator.Options, near *mediatel.Options) {
		far.Agents[0].Queues, near.Limits.Settle = nil, 300*time.Millisecond
	})
	h.ready(1)
	began := time.Now()
	l, err := h.order(1, ann, true)
	must(t, err)
	end := l.until(dialer.Ended)
	if took := time.Since(began); end.Outcome != campaigns.Congestion || end.Cause != "Mediatel did not take the order" ||
		took > 8*time.Second {
		t.Errorf("after %v: end %+v", took, end)
	}
	if !end.NotDialed || end.RetryAfter != 10*time.Minute {
		t.Errorf("nobody was dialed, and the number may be refused for ever: end %+v", end)
	}
	if h.roster.get(1).Reachable {
		t.Error("the agent is given the next call at once")
	}
	h.atMostOneMakeCall(1)
	h.ready(1)
}

// TestOrderTakenLate: a server whose states come late shows the moment before the order when it is given up, and the call after
// it: that is hung up before the customer is dialed, and is nobody else's call.
func TestOrderTakenLate(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 1, known, func(far *simulator.Options, near *mediatel.Options) {
		far.Variant, far.Answers = simulator.Variant{Slow: 600 * time.Millisecond}, 3*time.Second
		near.Limits.Settle, near.Limits.Answer = 300*time.Millisecond, 5*time.Second
	})
	h.ready(1)
	h.server.Storm("mt_agent1", 1)
	testdeps.Lasts(200 * time.Millisecond) // less than that state takes
	l, err := h.order(1, ann, true)
	must(t, err)
	if end := l.until(dialer.Ended); end.Outcome != campaigns.Congestion {
		t.Errorf("end %+v", end)
	}
	testdeps.Eventually(t, "the late call to be hung up", func() bool { return h.server.Commands()[wire.CloseCall] > 0 })
	h.at(1, wire.StateIdle)
	h.ready(1)
	if p := h.server.Placed(); len(p) != 0 || len(h.others) != 0 {
		t.Errorf("customers called: %v; calls taken for others': %d", p, len(h.others))
	}
	h.atMostOneMakeCall(1)

	// That was it: a call of Mediatel's own to the same customer is not taken for the late one.
	before := h.server.Commands()[wire.CloseCall]
	h.server.Give("mt_agent1", ann, "10000001", "AUTO_1", "")
	if seen := h.told(); seen.Number != ann || h.server.Commands()[wire.CloseCall] != before {
		t.Errorf("told of %+v; commands %v", seen, h.server.Commands())
	}
}
