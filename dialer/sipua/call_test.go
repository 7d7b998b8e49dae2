package sipua

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/ids"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

var testIDs ids.Generator

// theOwner has every extension, unless a test says otherwise.
const theOwner = 2001

// startNetwork runs a network on loopback with the trunks given, and stops it with the test.
func startNetwork(t *testing.T, change func(*Options)) *Network {
	t.Helper()
	opts := Options{
		Node: "n1", Advertise: "127.0.0.1", Listen: Listen{UDP: "127.0.0.1:0", TCP: "127.0.0.1:0"},
		Secret: []byte("a secret of the tests, 32 bytes."), RTPLow: 50000, RTPHigh: 59999,
		Log: slog.New(slog.DiscardHandler), Owner: func(context.Context, string) (int64, error) { return theOwner, nil },
	}
	change(&opts)
	for i := range opts.Trunks {
		if opts.Trunks[i].Check == 0 {
			opts.Trunks[i].Check = -1
		}
	}
	n, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	stop := run(t, n)
	t.Cleanup(stop)
	return n
}

// TestEndedBeforeItHasBegun: a network that is stopped while it begins has not failed, and leaves its socket.
func TestEndedBeforeItHasBegun(t *testing.T) {
	n, err := New(Options{Node: "n1", Advertise: "127.0.0.1", Listen: Listen{UDP: "127.0.0.1:0"}, RTPLow: 50000, RTPHigh: 59999,
		Secret: []byte("a secret of the tests, 32 bytes."), Log: slog.New(slog.DiscardHandler),
		Owner: func(context.Context, string) (int64, error) { return theOwner, nil }})
	if err != nil {
		t.Fatal(err)
	}
	at := n.sockets[0].udp.LocalAddr().String()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := n.Run(ctx); err != nil {
		t.Error(err)
	}
	again, err := net.ListenPacket("udp", at)
	if err != nil {
		t.Fatal(err)
	}
	_ = again.Close()
}

// run serves n until stop is called.
func run(t *testing.T, n *Network) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	return sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(30 * time.Second):
			t.Error("the network does not stop")
		}
	})
}

func trunkTo(s *sipp) func(*Options) {
	return func(o *Options) { o.Trunks = []Trunk{{Name: "t", Host: s.addr}} }
}

// orderTo is a call from the phone of an agent to a customer.
func orderTo(phone *sipp) dialer.Call {
	c := dialer.Call{AttemptID: dialer.AttemptID(testIDs.Next(time.Now())), Customer: "+447700900123", CallerID: "+447700900001",
		AgentRing: 5 * time.Second, Ring: 15 * time.Second}
	if phone != nil {
		c.Agent = &agents.Extension{Name: "3444", Network: Name, Number: "3444", Server: phone.addr}
	}
	return c
}

func place(t *testing.T, n *Network, order dialer.Call) dialer.LiveCall {
	t.Helper()
	c, err := n.Place(t.Context(), order)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// until reads progress up to the kind wanted and answers it.
func until(t *testing.T, c dialer.LiveCall, kind dialer.ProgressKind) dialer.Progress {
	t.Helper()
	timeout := time.After(40 * time.Second)
	var seen []string
	for {
		select {
		case p, ok := <-c.Progress():
			if !ok {
				t.Fatalf("progress ended without %s: %s", kind, strings.Join(seen, ", "))
			}
			seen = append(seen, string(p.Kind)+" "+p.Cause)
			if p.Kind == kind {
				return p
			}
		case <-timeout:
			t.Fatalf("no %s: %s", kind, strings.Join(seen, ", "))
		}
	}
}

// agentPhone answers by itself and waits for the BYE.
func agentPhone(t *testing.T) *sipp {
	return startSIPp(t, 1, "INVITE", "180", "200+sdp", "ACK", "BYE", "200")
}

func TestOutcomesOfTheTrunk(t *testing.T) {
	for _, test := range []struct {
		name  string
		steps []string
		want  dialer.Progress
	}{
		{"busy", []string{"INVITE", "100", "180", "486 Reason: Q.850;cause=17", "ACK"},
			dialer.Progress{Outcome: campaigns.Busy, HangupBy: "customer", Cause: "486 Busy Here; Q.850;cause=17", Confirmed: true}},
		{"not found", []string{"INVITE", "404", "ACK"},
			dialer.Progress{Outcome: campaigns.InvalidNumber, HangupBy: "customer", Cause: "404 Not Found", Confirmed: true}},
		{"unavailable", []string{"INVITE", "503 Retry-After: 7 (busy);duration=3", "ACK"},
			dialer.Progress{Outcome: campaigns.Congestion, HangupBy: "system", Cause: "503 Service Unavailable",
				RetryAfter: 7 * time.Second, Fault: true, Confirmed: true}},
		{"moved", []string{"INVITE", "302", "ACK"},
			dialer.Progress{Outcome: campaigns.Congestion, HangupBy: "system", Cause: "302 Moved Temporarily", Fault: true,
				Confirmed: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			phone, trunk := agentPhone(t), startSIPp(t, 1, test.steps...)
			n := startNetwork(t, trunkTo(trunk))
			c := place(t, n, orderTo(phone))
			until(t, c, dialer.AgentAnswered)
			until(t, c, dialer.CustomerDialing)
			got := until(t, c, dialer.Ended)
			test.want.Kind, test.want.At = dialer.Ended, got.At
			if got != test.want {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
			if _, open := <-c.Progress(); open {
				t.Error("progress goes on after the end")
			}
			trunk.passed()
			phone.passed()
		})
	}
}

func TestEitherSideHangsUp(t *testing.T) {
	answer := []string{"INVITE", "100", "180", "200+sdp", "ACK"}
	for _, test := range []struct {
		name            string
		phone, customer []string
		by              string
		hangup          bool
	}{
		{"the customer", []string{"BYE", "200"}, []string{"pause 200", ">BYE", "<200"}, "customer", false},
		{"the agent", []string{"pause 700", ">BYE", "<200"}, []string{"BYE", "200"}, "agent", false},
		{"the system", []string{"BYE", "200"}, []string{"BYE", "200"}, "system", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			phone := startSIPp(t, 1, append(answer[:len(answer):len(answer)], test.phone...)...)
			trunk := startSIPp(t, 1, append(answer[:len(answer):len(answer)], test.customer...)...)
			n := startNetwork(t, trunkTo(trunk))
			c := place(t, n, orderTo(phone))
			for _, kind := range []dialer.ProgressKind{dialer.AgentRinging, dialer.AgentAnswered, dialer.CustomerDialing,
				dialer.CustomerRinging, dialer.CustomerAnswered} {
				until(t, c, kind)
			}
			if test.hangup {
				c.Hangup("system")
				c.Hangup("agent") // the first one counts
			}
			if got := until(t, c, dialer.Ended); got.Outcome != campaigns.Answered || got.HangupBy != test.by {
				t.Errorf("got %+v", got)
			}
			trunk.passed()
			phone.passed()
		})
	}
}

func TestAgentDoesNotAnswer(t *testing.T) {
	t.Parallel()
	phone := startSIPp(t, 1, "INVITE", "180", "CANCEL", "200", "=487", "ACK")
	trunk := startSIPp(t, 1, "INVITE", "486", "ACK")
	n := startNetwork(t, trunkTo(trunk))
	order := orderTo(phone)
	order.AgentRing = 300 * time.Millisecond
	order.BeforeCustomer = func(context.Context) error { t.Error("the customer was to be dialed"); return nil }
	c := place(t, n, order)
	if got := until(t, c, dialer.Ended); got.Outcome != campaigns.AgentNoAnswer {
		t.Errorf("got %+v", got)
	}
	phone.passed()
}

func TestRingLimitCancelsTheCustomer(t *testing.T) {
	t.Parallel()
	phone, trunk := agentPhone(t), startSIPp(t, 1, "INVITE", "180", "CANCEL", "200", "=487", "ACK")
	n := startNetwork(t, trunkTo(trunk))
	order := orderTo(phone)
	order.Ring = 300 * time.Millisecond
	c := place(t, n, order)
	if got := until(t, c, dialer.Ended); got.Outcome != campaigns.NoAnswer || got.Cause != "rang out" {
		t.Errorf("got %+v", got)
	}
	trunk.passed()
	phone.passed()
}

func TestAnswerThatCrossesTheCancelIsHungUp(t *testing.T) {
	t.Parallel()
	phone := agentPhone(t)
	trunk := startSIPp(t, 1, "INVITE", "180", "CANCEL", "=200+sdp", "ACK", "BYE", "200")
	n := startNetwork(t, trunkTo(trunk))
	c := place(t, n, orderTo(phone))
	until(t, c, dialer.CustomerRinging)
	c.Hangup("agent")
	if got := until(t, c, dialer.Ended); got.Outcome != campaigns.Abandoned || got.HangupBy != "agent" {
		t.Errorf("got %+v", got)
	}
	trunk.passed()
	phone.passed()
}

func TestSilentTrunkIsReportedAtOnceAndCancelledWhenItSpeaks(t *testing.T) {
	t.Parallel()
	phone := agentPhone(t)
	trunk := startSIPp(t, 1, "INVITE", "pause 1500", "180", "CANCEL", "200", "=487", "ACK")
	n := startNetwork(t, trunkTo(trunk))
	order := orderTo(phone)
	order.Ring = 300 * time.Millisecond
	c := place(t, n, order)
	began := time.Now()
	if got := until(t, c, dialer.Ended); got.Outcome != campaigns.Unknown || got.Cause != noResponse ||
		time.Since(began) > time.Second {
		t.Errorf("got %+v after %s", got, time.Since(began))
	}
	trunk.passed()
	phone.passed()
}

func TestDigestAndOneFence(t *testing.T) {
	t.Parallel()
	phone := agentPhone(t)
	trunk := startSIPp(t, 1, "INVITE", `407 Proxy-Authenticate: Digest realm="carrier", nonce="abc", algorithm=MD5, qop="auth"`,
		"ACK",
		"INVITE", "180", "200+sdp", "ACK", "BYE", "200")
	n := startNetwork(t, func(o *Options) {
		o.Trunks = []Trunk{{Name: "t", Host: trunk.addr, Username: "ringmaster", Password: "secret"}}
	})
	order := orderTo(phone)
	asked := 0
	order.BeforeCustomer = func(context.Context) error { asked++; return nil }
	c := place(t, n, order)
	until(t, c, dialer.CustomerAnswered)
	if asked != 1 {
		t.Errorf("the fence was asked %d times", asked)
	}
	c.Hangup("agent")
	until(t, c, dialer.Ended)
	trunk.passed()
	phone.passed()
}

func TestFenceRefuses(t *testing.T) {
	t.Parallel()
	phone, trunk := agentPhone(t), startSIPp(t, 1, "INVITE", "486", "ACK")
	n := startNetwork(t, trunkTo(trunk))
	order := orderTo(phone)
	order.BeforeCustomer = func(context.Context) error { return errors.New("lease lost") }
	c := place(t, n, order)
	got := until(t, c, dialer.Ended)
	if got.Outcome != campaigns.Unknown || got.Cause != "lease lost" || got.HangupBy != "system" {
		t.Errorf("got %+v", got)
	}
	phone.passed()
	select {
	case <-trunk.done:
		t.Error("the customer was dialed")
	case <-time.After(300 * time.Millisecond): // long enough for an INVITE on loopback
	}
}

func TestDuplicateAnswerLostAckAndLostBye(t *testing.T) { // not parallel: the trace is the process's
	var mu sync.Mutex
	sent := map[string]int{}
	order := dialer.Call{}
	Trace(func(l TraceLine) {
		if method, _, _ := strings.Cut(l.Message, " "); l.Sent &&
			strings.Contains(l.Message, "Call-ID: "+order.AttemptID.String()+"@") {
			mu.Lock()
			sent[method]++
			mu.Unlock()
		}
	})
	defer Trace(nil)
	phone := agentPhone(t)
	// The 200 comes three times, as when our ACK is lost; our first BYE is not answered, as when it is lost.
	trunk := startSIPp(t, 1, "INVITE", "180", "200+sdp", "ACK", "=200+sdp", "=200+sdp", "BYE", "pause 700", "200")
	n := startNetwork(t, trunkTo(trunk))
	order = orderTo(phone)
	c := place(t, n, order)
	until(t, c, dialer.CustomerAnswered)
	testdeps.Eventually(t, "each 200 is acknowledged", func() bool { mu.Lock(); defer mu.Unlock(); return sent["ACK"] >= 3 })
	c.Hangup("agent")
	if got := until(t, c, dialer.Ended); got.Outcome != campaigns.Answered {
		t.Errorf("got %+v", got)
	}
	phone.passed()
	trunk.passed()
	mu.Lock()
	defer mu.Unlock()
	if sent["INVITE"] != 1 || sent["BYE"] < 2 {
		t.Errorf("sent %v", sent)
	}
}

func TestHoldByReInviteAndByOrder(t *testing.T) {
	t.Parallel()
	phone := startSIPp(t, 1, "INVITE", "180", "200+sdp", "ACK", "pause 600", ">INVITE+sendonly", "<200", ">ACK", "pause 200",
		">INVITE", "<200", ">ACK+sendrecv", "BYE", "200") // back again by an offer that is asked of us
	trunk := startSIPp(t, 1, "INVITE", "183+sdp", "200+sdp", "ACK", "BYE", "200")
	n := startNetwork(t, trunkTo(trunk))
	c := place(t, n, orderTo(phone))
	until(t, c, dialer.CustomerAnswered)
	until(t, c, dialer.HeldProgress)
	until(t, c, dialer.ResumedProgress)
	for _, step := range []struct {
		do   func(context.Context) error
		kind dialer.ProgressKind
	}{{c.(dialer.Holder).Hold, dialer.HeldProgress}, {c.(dialer.Holder).Retrieve, dialer.ResumedProgress}} {
		if err := step.do(t.Context()); err != nil {
			t.Fatal(err)
		}
		until(t, c, step.kind)
	}
	if err := c.(dialer.Muter).Mute(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	c.Hangup("agent")
	until(t, c, dialer.Ended)
	if err := c.(dialer.Holder).Hold(t.Context()); !errors.Is(err, errEnded) {
		t.Errorf("hold after the end: %v", err)
	}
	phone.passed()
	trunk.passed()
}

func TestLimitsOfTalk(t *testing.T) {
	for _, test := range []struct {
		name, cause string
		change      func(*Options, *dialer.Call)
	}{
		{"duration", "maximum duration", func(_ *Options, c *dialer.Call) { c.MaxDuration = 500 * time.Millisecond }},
		{"silence", "media timeout: the customer was not heard",
			func(o *Options, _ *dialer.Call) { o.MediaTimeout = 500 * time.Millisecond }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			phone, trunk := talkingPhone(t), startSIPp(t, 1, "INVITE", "200+sdp", "ACK", "BYE", "200")
			order := orderTo(nil)
			order.Agent = &agents.Extension{Name: "3444", Server: phone}
			order.Agent.Number = "3444"
			n := startNetwork(t, func(o *Options) { trunkTo(trunk)(o); test.change(o, &order) })
			c := place(t, n, order)
			if got := until(t, c, dialer.Ended); got.Outcome != campaigns.Answered || got.HangupBy != "system" || got.Cause != test.cause {
				t.Errorf("got %+v", got)
			}
			trunk.passed()
		})
	}
}

func TestCustomerFirst(t *testing.T) {
	t.Parallel()
	phone := agentPhone(t)
	trunk := startSIPp(t, 1, "INVITE", "180", "200+sdp", "ACK", "BYE", "200")
	n := startNetwork(t, trunkTo(trunk))
	c := place(t, n, orderTo(nil))
	until(t, c, dialer.CustomerAnswered)
	if err := c.(dialer.Joiner).Join(t.Context(), agents.Extension{Name: "3444", Number: "3444", Server: phone.addr}); err != nil {
		t.Fatal(err)
	}
	until(t, c, dialer.AgentAnswered)
	c.Hangup("agent")
	if got := until(t, c, dialer.Ended); got.Outcome != campaigns.Answered {
		t.Errorf("got %+v", got)
	}
	phone.passed()
	trunk.passed()
}

func TestFailoverBeforeTheInviteOnly(t *testing.T) {
	t.Parallel()
	phone := startSIPp(t, 2, "INVITE", "180", "200+sdp", "ACK", "BYE", "200")
	second := startSIPp(t, 1, "INVITE", "503", "ACK")
	n := startNetwork(t, func(o *Options) {
		o.Trunks = []Trunk{
			{Name: "dead", Host: "127.0.0.1:9", Check: 50 * time.Millisecond},
			{Name: "well", Host: second.addr, Channels: 1},
		}
	})
	testdeps.Eventually(t, "the dead trunk is found", func() bool { return !n.TrunkStatus()[0].Up })
	c := place(t, n, orderTo(phone))
	if got := until(t, c, dialer.Ended); got.Outcome != campaigns.Congestion || got.Cause != "503 Service Unavailable" {
		t.Errorf("got %+v", got) // and no third trunk was tried
	}
	second.passed()
	s, err := n.reserve(t.Context(), nil, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.reserve(t.Context(), nil, false); !errors.Is(err, ErrNoTrunk) ||
		!strings.Contains(err.Error(), "well has no channel free") {
		t.Errorf("got %v", err)
	}
	s.Release()
}
