package sipua

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/creditorro/ringmaster/dialer"
)

// TestAdvertiseOfTrunk: a trunk with an address of its own for us hears that one everywhere, and the agent's phone the other one.
func TestAdvertiseOfTrunk(t *testing.T) {
	t.Parallel()
	const other = "127.0.0.77"
	agent, carrier := newFar(t), newFar(t)
	n := startNetwork(t, func(o *Options) {
		o.Listen.UDP = "0.0.0.0:0"
		o.Trunks = []Trunk{{Name: "t", Host: carrier.addr, Advertise: netip.MustParseAddr(other)}}
	})
	var bye, ok *message
	acked := make(chan struct{})
	agent.run(func(f *far) { f.pickUp(); f.awaitBye() })
	carrier.run(func(f *far) {
		f.pickUp()
		f.request("INVITE", f.sdp())
		ok = f.status("200")
		f.ack()
		close(acked)
		bye = f.await("BYE")
		f.answer(bye, "200 OK")
	})
	order := orderTo(nil)
	order.Agent = agent.extension()
	c := place(t, n, order)
	until(t, c, dialer.CustomerAnswered)
	<-acked
	c.Hangup("agent")
	until(t, c, dialer.Ended)
	agent.ended()
	carrier.ended()
	for what, text := range map[string]string{"INVITE's Via": carrier.invite.get("Via"), "Contact": carrier.invite.get("Contact"),
		"SDP": carrier.invite.body, "200's Contact": ok.get("Contact"), "200's SDP": ok.body, "BYE's Via": bye.get("Via")} {
		if !strings.Contains(text, other) || strings.Contains(text, "127.0.0.1") {
			t.Errorf("%s: %q; want %s alone", what, text, other)
		}
	}
	if m := agent.invite; strings.Contains(m.get("Via")+m.get("Contact")+m.body, other) {
		t.Errorf("the agent's phone was told the trunk's address: %+v", m)
	}
}
