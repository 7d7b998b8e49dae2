package sipua

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// nail keeps a leg to the extension's phone up until stop is called, and hands on why there is none any more.
func nail(t *testing.T, n *Network, ext agents.Extension) (over <-chan error, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	done := make(chan error, 1)
	go func() { done <- n.Nail(ctx, ext) }()
	return done, cancel
}

// nailUp is nail, and waits until the leg is up.
func nailUp(t *testing.T, n *Network, ext agents.Extension) (over <-chan error, stop func()) {
	t.Helper()
	over, stop = nail(t, n, ext)
	testdeps.Eventually(t, "the leg is up", func() bool { return n.countNailed() == 1 })
	return over, stop
}

func why(t *testing.T, over <-chan error) error {
	t.Helper()
	select {
	case err := <-over:
		return err
	case <-time.After(patience):
		t.Fatal("the leg does not end")
		return nil
	}
}

// TestNailedUp has three customers of a trunk talk with one desk phone by one leg: customers first, agent first, hung up by
// either side. Each hears the agent, and is heard; each has a recording of its own; the phone has been called once.
func TestNailedUp(t *testing.T) {
	t.Parallel()
	recordings := keepRecordings(t)
	ports := 24000 + int(sippSlot.Add(1))%40*100
	customer, stopCustomer := startBaresip(t, ports, 800,
		fmt.Sprintf("<sip:customer@127.0.0.1:%d>;regint=0;answermode=auto;audio_codecs=PCMA/8000/1", ports))
	n := startNetwork(t, func(o *Options) {
		o.Trunks = []Trunk{{Name: "t", Host: fmt.Sprintf("127.0.0.1:%d", ports), Rewrites: []Rewrite{{"+447700900123", "customer"}}}}
		o.Credentials = stored{"desk1": "right"}
		recordings.options(o)
	})
	<-n.ready
	desk, stopDesk := startBaresip(t, ports+10, 600, fmt.Sprintf("<sip:desk1@%s>;auth_pass=right;regint=60;answermode=auto;"+
		"audio_codecs=PCMU/8000/1", n.sockets[ipv4].udp.LocalAddr()))
	testdeps.Eventually(t, "the phone registers", func() bool { return len(n.locations.of("desk1")) == 1 })
	ext := agents.Extension{Name: "desk1", NailedUp: true}
	over, stop := nailUp(t, n, ext)

	for i, by := range []string{"agent", "customer", "agent"} {
		order := orderTo(nil)
		if i == 2 {
			order.Agent, order.Automatic = &ext, true
		}
		c := place(t, n, order)
		until(t, c, dialer.CustomerAnswered)
		if i < 2 {
			if err := c.(dialer.Joiner).Join(t.Context(), ext); err != nil {
				t.Fatal(err)
			}
			until(t, c, dialer.Joined)
		}
		testdeps.Lasts(2500 * time.Millisecond) // they talk
		if by == "customer" {
			c.(*call).customer.dialog.broken("as by a BYE") // baresip's own would need its keyboard
		} else {
			c.Hangup(by)
		}
		if got := until(t, c, dialer.Ended); got.Outcome != campaigns.Answered || got.HangupBy != by {
			t.Errorf("call %d: %+v", i, got)
		}
		rec := recordings.await(t)
		if l, r := loudness(t, rec.Path, 0, 600), loudness(t, rec.Path, 1, 800); l < 0.9 || r < 0.9 {
			t.Errorf("call %d: in the recording, the agent's tone is %.2f of the left, the customer's %.2f of the right", i, l, r)
		}
		if p := rec.Agent.Packets; p < 100 || p > 250 {
			t.Errorf("call %d: counted %+v of the agent's, want those of this call", i, rec.Agent)
		}
		testdeps.Eventually(t, "the leg is back", func() bool { return n.countNailed() == 1 && n.countCalls() == 0 })
	}
	select {
	case err := <-over:
		t.Fatal("the leg has ended:", err)
	default:
	}
	stop()
	if err := why(t, over); err != nil {
		t.Error(err)
	}
	stopDesk()
	stopCustomer()
	if heard := toneHeard(t, desk, 800); heard < 0.9 { // in one call
		t.Errorf("the customers' tone is %.2f of what the agent heard", heard)
	}
	files, _ := filepath.Glob(filepath.Join(customer, "*dec.wav"))
	if len(files) != 3 {
		t.Fatalf("the customers have kept %v", files)
	}
	for _, file := range files {
		if heard := toneIn(t, file, 600); heard < 0.9 {
			t.Errorf("the agent's tone is %.2f of what a customer heard", heard)
		}
	}
}

// TestNailedPhoneHangsUp has the agent's phone hang up: between calls the leg is over, in a talk the talk is, too.
func TestNailedPhoneHangsUp(t *testing.T) {
	t.Parallel()
	for name, inTalk := range map[string]bool{"between calls": false, "in a talk": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			agent, customer := newFar(t), newFar(t)
			n := startNetwork(t, func(o *Options) { o.Trunks = []Trunk{{Name: "t", Host: customer.addr}} })
			now := make(chan struct{})
			agent.run(func(f *far) { f.pickUp(); <-now; f.hangUp() })
			over, _ := nailUp(t, n, *agent.extension())
			if !inTalk {
				close(now)
				customer.run(func(*far) {})
			} else {
				customer.run(func(f *far) { f.pickUp(); f.awaitBye() })
				c := nailedTalk(t, n, agent)
				close(now)
				if got := until(t, c, dialer.Ended); got.Outcome != campaigns.Answered || got.HangupBy != "agent" {
					t.Errorf("ended %+v", got)
				}
			}
			if err := why(t, over); err == nil {
				t.Error("the leg ended for no reason")
			}
			agent.ended()
			customer.ended()
		})
	}
}

// nailedTalk is a talk of a customer, who was called first, with an agent.
func nailedTalk(t *testing.T, n *Network, agent *far) dialer.LiveCall {
	t.Helper()
	c := place(t, n, orderTo(nil))
	until(t, c, dialer.CustomerAnswered)
	if err := c.(dialer.Joiner).Join(t.Context(), *agent.extension()); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestNailedIsNotWantedInATalk: who leaves in a talk ends it as usual, and the leg with it.
func TestNailedIsNotWantedInATalk(t *testing.T) {
	t.Parallel()
	agent, customer := newFar(t), newFar(t)
	n := startNetwork(t, func(o *Options) { o.Trunks = []Trunk{{Name: "t", Host: customer.addr}} })
	agent.run(func(f *far) { f.pickUp(); f.silence(300 * time.Millisecond); f.awaitBye() })
	customer.run(func(f *far) { f.pickUp(); f.awaitBye() })
	over, stop := nailUp(t, n, *agent.extension())
	c := nailedTalk(t, n, agent)
	stop()
	testdeps.Lasts(400 * time.Millisecond)
	select {
	case err := <-over:
		t.Errorf("the leg ended in the talk: %v", err)
	default:
	}
	c.Hangup("agent")
	until(t, c, dialer.Ended)
	if err := why(t, over); err != nil {
		t.Error(err)
	}
	agent.ended()
	customer.ended()
}

// TestNailedWhileItRings: a call that comes while the phone rings for the leg rings it no second time. What the phone refuses
// is no leg.
func TestNailedWhileItRings(t *testing.T) {
	t.Parallel()
	agent, customer := newFar(t), newFar(t)
	n := startNetwork(t, func(o *Options) { o.Trunks = []Trunk{{Name: "t", Host: customer.addr}} })
	placed, free := make(chan struct{}), make(chan struct{})
	agent.run(func(f *far) {
		invite := f.await("INVITE")
		f.answer(invite, "180 Ringing")
		<-placed
		f.answer(invite, "200 OK", f.sdp())
		f.await("ACK")
		f.talk()
		f.awaitBye() // when the leg is not wanted any more, and not at the call's end
		close(free)
		f.answer(f.await("INVITE"), "486 Busy Here")
		f.await("ACK")
	})
	customer.run(func(f *far) { f.pickUp(); f.awaitBye() })
	over, stop := nail(t, n, *agent.extension())
	testdeps.Eventually(t, "the phone rings", func() bool { return n.nailedOf(*agent.extension()) != nil })
	order := orderTo(nil)
	order.Agent = agent.extension()
	c := place(t, n, order)
	testdeps.Eventually(t, "the call has the leg", func() bool {
		k := n.nailedOf(*agent.extension())
		k.mu.Lock()
		defer k.mu.Unlock()
		return k.taker != nil
	})
	close(placed)
	until(t, c, dialer.CustomerAnswered)
	c.Hangup("agent")
	until(t, c, dialer.Ended)
	testdeps.Eventually(t, "the leg is kept", func() bool { return n.countNailed() == 1 })
	stop()
	if err := why(t, over); err != nil {
		t.Error(err)
	}
	<-free
	over, _ = nail(t, n, *agent.extension())
	if err := why(t, over); err == nil || !strings.Contains(err.Error(), "486 Busy Here") {
		t.Errorf("a busy phone: %v", err)
	}
	agent.ended()
	customer.ended()
}

// TestNailedNodeStops hangs the phone up.
func TestNailedNodeStops(t *testing.T) {
	t.Parallel()
	agent := newFar(t)
	n, err := New(Options{Node: "n1", Advertise: "127.0.0.1", Listen: Listen{UDP: "127.0.0.1:0"},
		Secret: []byte("a secret of the tests, 32 bytes."), RTPLow: 50000, RTPHigh: 59999,
		Trunks: []Trunk{{Name: "t", Host: "127.0.0.1:9", Check: -1}}})
	if err != nil {
		t.Fatal(err)
	}
	stop := run(t, n)
	agent.run(func(f *far) { f.pickUp(); f.awaitBye() })
	over, _ := nailUp(t, n, *agent.extension())
	stop()
	if err := why(t, over); err != nil {
		t.Error(err)
	}
	agent.ended()
}

// TestAnotherLifeEndsNailedLegs: what a killed process has left up between calls its next life hangs up, once, and nothing else.
func TestAnotherLifeEndsNailedLegs(t *testing.T) {
	t.Parallel()
	client := redis.NewClient(&redis.Options{Addr: testdeps.RedisServer(t).Addr})
	t.Cleanup(func() { _ = client.Close() })
	address := testdeps.FreeAddress(t)
	life := func() *Network {
		return startNetwork(t, func(o *Options) {
			o.Listen, o.Installation, o.Redis = Listen{UDP: address}, "test", client
			o.Trunks = []Trunk{{Name: "t", Host: "127.0.0.1:9"}}
		})
	}
	legs := func(want int64, when string) {
		t.Helper()
		testdeps.Seen(t, when, func() int64 { return client.HLen(t.Context(), "{test}:sip:nailed:n1").Val() },
			func(n int64) bool { return n == want })
	}
	agent, other := newFar(t), newFar(t)
	first := life()
	agent.run(func(f *far) { f.pickUp(); f.awaitBye() })
	nailUp(t, first, *agent.extension())
	legs(1, "the leg is kept")
	first.endpoint.shut.Store(true) // it is killed: it says nothing any more
	first.closeSockets()
	next := life()
	agent.ended()
	legs(0, "the leg is over")
	other.run(func(f *far) { f.pickUp(); f.awaitBye() })
	over, stop := nailUp(t, next, *other.extension())
	legs(1, "another leg is kept")
	next.endFormerLegs(t.Context())
	stop()
	if err := why(t, over); err != nil {
		t.Error(err)
	}
	legs(0, "it was ended")
	other.ended()
}

// voices has so many customers, called first, talk with the extension's agent, who is at hand, and returns how long after their
// 200 each of them heard the agent. afterwards is called when a call is over.
func voices(t *testing.T, n *Network, customer *far, ext agents.Extension, calls int, afterwards func()) (list []time.Duration) {
	t.Helper()
	for range calls {
		answered, voice := make(chan time.Time, 1), make(chan time.Time, 1)
		customer.done = make(chan struct{})
		customer.run(func(f *far) {
			invite := f.await("INVITE")
			answered <- time.Now()
			f.answer(invite, "200 OK", f.sdp())
			f.await("ACK")
			f.awaitBye()
		})
		c := place(t, n, orderTo(nil))
		go func() { voice <- firstVoice(customer.sound) }()
		until(t, c, dialer.CustomerAnswered)
		if err := c.(dialer.Joiner).Join(t.Context(), ext); err != nil {
			t.Fatal(err)
		}
		list = append(list, (<-voice).Sub(<-answered))
		c.Hangup("agent")
		until(t, c, dialer.Ended)
		<-customer.done
		forget(t, customer.sound)
		afterwards()
	}
	slices.Sort(list)
	return list
}

func spread(sorted []time.Duration) string {
	at := func(part float64) time.Duration {
		return sorted[int(part*float64(len(sorted)-1))].Round(10 * time.Microsecond)
	}
	return fmt.Sprintf("p50 %v, p95 %v", at(0.5), at(0.95))
}

// TestTimeToTheAgentsVoice measures from the customer's 200 to the agent's voice at the customer's ear, with an agent at once: by
// a leg that is nailed up, the phone being called once. Without the agent's newest sound it would take half a packet more.
func TestTimeToTheAgentsVoice(t *testing.T) {
	agent, customer := newFar(t), newFar(t)
	n := startNetwork(t, func(o *Options) { o.Trunks = []Trunk{{Name: "t", Host: customer.addr}} })
	agent.run(func(f *far) { f.pickUp(); f.awaitBye() })
	over, stop := nailUp(t, n, *agent.extension())
	up := voices(t, n, customer, *agent.extension(), 40, func() {})
	stop()
	if err := why(t, over); err != nil {
		t.Error(err)
	}
	agent.ended()
	t.Log("nailed up:", spread(up))
	if up[len(up)/2] > time.Second { // nothing is set up for a customer, on however slow a machine
		t.Errorf("a customer hears an agent whose leg is up after %v", up[len(up)/2])
	}
}

// TestNailedTab measures the same with a tab of Chromium that answers by itself: nailed up, and rung for each customer.
func TestNailedTab(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a browser")
	}
	customer := newFar(t)
	n := startNetwork(t, func(o *Options) {
		o.Trunks = []Trunk{{Name: "t", Host: customer.addr}}
		browserOptions(o)
	})
	phone := openTab(t, n, "3444", goodCookie)
	phone.await("registered")
	ext := agents.Extension{Name: "3444", OwnerID: theOwner, Network: Name, Codecs: []string{"g711a", "g711u"}, NailedUp: true}
	over, stop := nailUp(t, n, ext)
	phone.await("confirmed")
	testdeps.Lasts(time.Second) // its microphone opens
	up := voices(t, n, customer, ext, 10, func() {})
	select {
	case line := <-phone.lines:
		t.Errorf("the tab told %q: want one call for all customers", line)
	case err := <-over:
		t.Fatal("the leg has ended:", err)
	default:
	}
	stop()
	if err := why(t, over); err != nil {
		t.Error(err)
	}
	phone.await("ended remote")
	rung := voices(t, n, customer, ext, 10, func() { phone.await("ended remote") })
	t.Logf("nailed up: %s; rung: %s", spread(up), spread(rung))
	if up[len(up)/2] >= rung[len(rung)/2] {
		t.Error("a nailed-up leg is no sooner than one that is rung")
	}

	over, _ = nailUp(t, n, ext)
	phone.await("confirmed")
	phone.do("reload") // between calls: the leg is over, and can be set up again
	if err := why(t, over); err == nil {
		t.Error("the leg of a page that was left ended for no reason")
	}
	phone.await("registered")
	nailUp(t, n, ext)
	phone.await("confirmed")
}

// forget reads what has come: the next call's customer hears nothing of this one.
func forget(t *testing.T, sound *net.UDPConn) {
	t.Helper()
	buf := make([]byte, 2048)
	for err := error(nil); err == nil; _, err = sound.Read(buf) {
		if err := sound.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
	}
	if err := sound.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
}

// firstVoice is when the first sound comes that is not silence.
func firstVoice(sound *net.UDPConn) time.Time {
	buf := make([]byte, 2048)
	for {
		k, err := sound.Read(buf)
		if err != nil {
			return time.Time{}
		}
		if k > 12 && buf[1]&0x7F < 72 && slices.ContainsFunc(buf[12:k], func(b byte) bool { return b != 0xD5 && b != 0x55 }) {
			return time.Now()
		}
	}
}

// TestAnotherLifeEndsTheLegOfARealPhone: one that has registered would else keep a leg to nobody for ever, and refuse us once it
// has as many calls as it takes.
func TestAnotherLifeEndsTheLegOfARealPhone(t *testing.T) {
	t.Parallel()
	client := redis.NewClient(&redis.Options{Addr: testdeps.RedisServer(t).Addr})
	t.Cleanup(func() { _ = client.Close() })
	address, ports := testdeps.FreeAddress(t), 24000+int(sippSlot.Add(1))%40*100
	life := func() *Network {
		n := startNetwork(t, func(o *Options) {
			o.Listen, o.Installation, o.Redis = Listen{UDP: address}, "test", client
			o.Trunks = []Trunk{{Name: "t", Host: "127.0.0.1:9"}}
			o.Credentials = stored{"desk1": "right"}
		})
		<-n.ready
		return n
	}
	kept := func() int64 { return client.HLen(t.Context(), "{test}:sip:nailed:n1").Val() }
	first := life()
	startBaresip(t, ports, 600, fmt.Sprintf("<sip:desk1@%s>;auth_pass=right;regint=60;answermode=auto;"+
		"audio_codecs=PCMU/8000/1", address), "call_max_calls 1")
	testdeps.Eventually(t, "the phone registers", func() bool { return len(first.locations.of("desk1")) == 1 })
	nailUp(t, first, agents.Extension{Name: "desk1", NailedUp: true})
	testdeps.Eventually(t, "the leg is kept", func() bool { return kept() == 1 })
	first.endpoint.shut.Store(true) // it is killed: it says nothing any more
	first.closeSockets()
	next := life()
	testdeps.Eventually(t, "the former leg is over", func() bool { return kept() == 0 })
	nailUp(t, next, agents.Extension{Name: "other", Number: "desk1", NailedUp: true, Server: fmt.Sprintf("127.0.0.1:%d", ports)})
}
