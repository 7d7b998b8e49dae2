package sipua

import (
	"strings"
	"testing"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
)

// TestIdentityOfTrunk reads from the wire who calls.
func TestIdentityOfTrunk(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		trunk                   Trunk
		from, asserted, privacy string
	}{
		"as it is":   {Trunk{FromDomain: "we.example"}, "<sip:+447700900001@we.example>", "", ""},
		"an account": {Trunk{FromDomain: "we.example", FromUser: "acc-7"}, "<sip:acc-7@we.example>", "", ""},
		"an account and a number": {Trunk{FromDomain: "we.example", FromUser: "acc-7", AssertedIdentity: true},
			"<sip:acc-7@we.example>",
			"<sip:+447700900001@we.example>", ""},
		"hidden": {Trunk{FromDomain: "we.example", AssertedIdentity: true, Privacy: true},
			"\"Anonymous\" <sip:anonymous@anonymous.invalid>",
			"<sip:+447700900001@we.example>", "id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			agent, carrier := newFar(t), newFar(t)
			test.trunk.Name, test.trunk.Host = "t", carrier.addr
			n := startNetwork(t, func(o *Options) { o.Trunks = []Trunk{test.trunk} })
			var bye *message
			agent.run(func(f *far) { f.pickUp(); f.awaitBye() })
			carrier.run(func(f *far) { f.pickUp(); bye = f.await("BYE"); f.answer(bye, "200 OK") })
			order := orderTo(nil)
			order.Agent = agent.extension()
			c := place(t, n, order)
			until(t, c, dialer.CustomerAnswered)
			c.Hangup("agent")
			until(t, c, dialer.Ended)
			agent.ended()
			carrier.ended()
			m := carrier.invite
			if got := m.get("From"); !strings.HasPrefix(got, test.from+";tag=") {
				t.Errorf("From: %s; want %s", got, test.from)
			}
			if got := m.get("P-Asserted-Identity"); got != test.asserted {
				t.Errorf("P-Asserted-Identity: %q; want %q", got, test.asserted)
			}
			if got := m.get("Privacy"); got != test.privacy {
				t.Errorf("Privacy: %q; want %q", got, test.privacy)
			}
			if test.trunk.Privacy && strings.Contains(m.get("Contact")+m.get("From")+bye.get("From"), "447700900001") {
				t.Errorf("the number is shown: %v; %v", m.header, bye.header)
			}
		})
	}
}

// TestNoHiding: a call whose law wants the caller's number shown takes the trunk that shows it, whatever was reserved; without
// one nothing is dialed and no phone rings.
func TestNoHiding(t *testing.T) {
	t.Parallel()
	for _, reserved := range []bool{false, true} {
		agent, hides, shows := newFar(t), newFar(t), newFar(t)
		n := startNetwork(t, func(o *Options) {
			o.Trunks = []Trunk{{Name: "hides", Host: hides.addr, Privacy: true, Channels: 1},
				{Name: "shows", Host: shows.addr, Channels: 1}}
		})
		order := orderTo(nil)
		order.Agent, order.NoHiding = agent.extension(), true
		if reserved {
			<-n.ready
			place, err := n.Reserve(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			order.Reserved = place
		}
		agent.run(func(f *far) { f.pickUp(); f.awaitBye() })
		hides.run(func(*far) {})
		shows.run(func(f *far) { f.answer(f.await("INVITE"), "503 Service Unavailable"); f.await("ACK") })
		if got := until(t, place(t, n, order), dialer.Ended); got.Cause != "503 Service Unavailable" {
			t.Errorf("reserved %v: ended: %+v", reserved, got)
		}
		agent.ended()
		hides.ended()
		shows.ended()
		for _, s := range n.TrunkStatus() {
			if s.Calls != 0 {
				t.Errorf("reserved %v: trunk %s still holds %d calls", reserved, s.Name, s.Calls)
			}
		}
	}

	agent, hides := newFar(t), newFar(t)
	n := startNetwork(t, func(o *Options) { o.Trunks = []Trunk{{Name: "hides", Host: hides.addr, Privacy: true}} })
	agent.run(func(*far) {})
	hides.run(func(*far) {})
	order := orderTo(nil)
	order.Agent, order.NoHiding = agent.extension(), true
	got := until(t, place(t, n, order), dialer.Ended)
	if got.Outcome != campaigns.Congestion || !got.NotDialed || !strings.Contains(got.Cause,
		"hides the caller's number, which the campaign's profile forbids") {
		t.Errorf("ended: %+v", got)
	}
	agent.ended()
	hides.ended()
}
