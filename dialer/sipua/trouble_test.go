package sipua

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/media"
	"github.com/creditorro/ringmaster/internal/recording"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

func TestPortsAreExhausted(t *testing.T) {
	t.Parallel()
	phone, trunk := agentPhone(t), startSIPp(t, 1, "INVITE", "486", "ACK")
	n := startNetwork(t, func(o *Options) { trunkTo(trunk)(o); o.RTPLow, o.RTPHigh = 45000, 45001 })
	order := orderTo(phone)
	order.BeforeCustomer = func(context.Context) error { t.Error("the customer was to be dialed"); return nil }
	c := place(t, n, order)
	if got := until(t, c, dialer.Ended); got.Outcome != campaigns.Congestion || got.Cause != media.ErrPortsExhausted.Error() {
		t.Errorf("got %+v", got)
	}
	phone.passed() // the agent was hung up, and the port is free again
	if u, err := n.rtp.Open(n.opts.addresses()[ipv4]); err != nil {
		t.Error(err)
	} else {
		u.Close()
	}
}

func TestCallGoesOnWithoutItsRecording(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	library, err := recording.NewLibrary(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil { // no folder can be made there
		t.Fatal(err)
	}
	done := make(chan Recording, 1)
	phone, trunk := agentPhone(t), startSIPp(t, 1, "INVITE", "200+sdp", "ACK", "BYE", "200")
	n := startNetwork(t, func(o *Options) {
		trunkTo(trunk)(o)
		o.Recordings = library
		o.RecordingDone = func(_ context.Context, _ string, rec Recording) { done <- rec }
	})
	c := place(t, n, orderTo(phone))
	until(t, c, dialer.CustomerAnswered)
	c.Hangup("agent")
	if got := until(t, c, dialer.Ended); got.Outcome != campaigns.Answered {
		t.Errorf("got %+v", got)
	}
	if rec := <-done; rec.Err == nil {
		t.Error("a recording that is not there was reported as whole")
	}
	trunk.passed()
	phone.passed()
}

func TestSessionTimerAndKeys(t *testing.T) {
	t.Parallel()
	phone := startSIPp(t, 1, "INVITE", "200+sdp", "ACK", "pause 500", ">UPDATE Session-Expires: 90;refresher=uac", "<200",
		">INFO Content-Type: application/dtmf-relay|Signal=5|Duration=100", "<200", "BYE", "200")
	trunk := startSIPp(t, 1, "INVITE", "200+sdp Session-Expires: 60;refresher=uas", "ACK", "BYE", "200")
	n := startNetwork(t, trunkTo(trunk))
	c := place(t, n, orderTo(phone))
	until(t, c, dialer.CustomerAnswered)
	live := c.(*call)
	if live.customer.expired(time.Now().Add(59*time.Second)) || !live.customer.expired(time.Now().Add(61*time.Second)) {
		t.Error("the customer's promise to refresh is not kept in mind")
	}
	testdeps.Eventually(t, "the agent's refresh", func() bool { return live.agent.expired(time.Now().Add(91 * time.Second)) })
	testdeps.Lasts(300 * time.Millisecond) // the key is being pressed
	c.Hangup("agent")
	until(t, c, dialer.Ended)
	phone.passed()
	trunk.passed()
}

func TestAgentsNetworkIsGone(t *testing.T) {
	t.Parallel()
	customer := talkingPhone(t)
	n := startNetwork(t, func(o *Options) {
		o.Trunks = []Trunk{{Name: "t", Host: customer}}
		o.ReloadGrace = time.Second
		browserOptions(o)
	})
	phone := openTab(t, n, "3444", goodCookie)
	phone.await("registered")
	order := orderTo(nil)
	order.Agent = &agents.Extension{Name: "3444", OwnerID: theOwner}
	c := place(t, n, order)
	until(t, c, dialer.CustomerAnswered)
	phone.await("confirmed")
	phone.do("crash")
	began := time.Now()
	got := until(t, c, dialer.Ended)
	if got.Outcome != campaigns.Answered || got.HangupBy != "agent" || got.Cause != "the agent's phone was lost" {
		t.Errorf("got %+v", got)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("noticed after %s", took)
	}
}

func TestAbandonedCustomerHearsTheMessage(t *testing.T) {
	t.Parallel()
	trunk := startSIPp(t, 1, "INVITE", "200+sdp", "ACK", "BYE", "200")
	n := startNetwork(t, func(o *Options) { trunkTo(trunk)(o); o.Abandoned = media.Tone(500, 600*time.Millisecond, 0) })
	c := place(t, n, orderTo(nil))
	until(t, c, dialer.CustomerAnswered)
	began := time.Now()
	c.Hangup("system")
	if got := until(t, c, dialer.Ended); got.Outcome != campaigns.Abandoned || time.Since(began) < 500*time.Millisecond {
		t.Errorf("got %+v after %s", got, time.Since(began))
	}
	trunk.passed()
}

func TestNoticeComesBeforeTheAgent(t *testing.T) {
	t.Parallel()
	recordings := keepRecordings(t)
	phone, customer := talkingPhone(t), talkingPhone(t)
	n := startNetwork(t, func(o *Options) {
		o.Trunks = []Trunk{{Name: "t", Host: customer}}
		o.Notice = media.Tone(500, time.Second, 0)
		recordings.options(o)
	})
	order := orderTo(nil)
	order.Agent = &agents.Extension{Name: "a", Number: "a", Server: phone}
	c := place(t, n, order)
	until(t, c, dialer.CustomerAnswered)
	testdeps.Lasts(2500 * time.Millisecond)
	c.Hangup("agent")
	until(t, c, dialer.Ended)
	rec := recordings.await(t)
	b, err := os.ReadFile(rec.Path)
	if err != nil {
		t.Fatal(err)
	}
	var sides [2][]byte
	for i := 58; i+1 < len(b); i += 2 {
		sides[0], sides[1] = append(sides[0], b[i]), append(sides[1], b[i+1])
	}
	// Both hear the notice, the agent through it the customer, the customer not the agent; afterwards each the other.
	const frame = media.FrameSize
	for _, w := range []struct {
		what     string
		sound    []byte
		hz       float64
		min, max float64
	}{
		{"the notice, as the customer hears it", sides[0][5*frame : 45*frame], 500, 0.7, 1},
		{"the agent during the notice", sides[0][5*frame : 45*frame], 800, 0, 0.05},
		{"the notice, as the agent hears it", sides[1][5*frame : 45*frame], 500, 0.25, 0.9},
		{"the customer during the notice", sides[1][10*frame : 45*frame], 800, 0.25, 0.9},
		{"the agent after the notice", sides[0][60*frame : 100*frame], 800, 0.5, 1},
		{"the customer after the notice", sides[1][60*frame : 100*frame], 800, 0.5, 1},
	} {
		if got := power(w.sound, w.hz); got < w.min || got > w.max+0.01 {
			t.Errorf("%s: %.2f of the sound, want %.2f to %.2f", w.what, got, w.min, w.max)
		}
	}
}

// TestWhatTheCustomerHears follows the customer's ear through talk, mute, hold and back: never the agent when it must not.
func TestWhatTheCustomerHears(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var heard []byte
	customer := phoneThat(t, func(ulaw []byte) { mu.Lock(); heard = append(heard, ulaw...); mu.Unlock() })
	agent := talkingPhone(t)
	n := startNetwork(t, func(o *Options) {
		o.Trunks = []Trunk{{Name: "t", Host: customer}}
		o.Comfort = media.Tone(300, time.Second, 0)
	})
	order := orderTo(nil)
	order.Agent = &agents.Extension{Name: "a", Number: "a", Server: agent}
	c := place(t, n, order)
	until(t, c, dialer.CustomerAnswered)
	listen := func(what string, wants func(voice, comfort float64) bool) {
		t.Helper()
		testdeps.Quiet(200 * time.Millisecond) // what was on its way
		mu.Lock()
		heard = heard[:0]
		mu.Unlock()
		const enough = 4000 // half a second, however long a busy machine takes for it
		testdeps.Eventually(t, what+" is heard", func() bool { mu.Lock(); defer mu.Unlock(); return len(heard) >= enough })
		mu.Lock()
		defer mu.Unlock()
		voice, comfort := power(heard[:enough], 800), power(heard[:enough], 300)
		if !wants(voice, comfort) {
			t.Errorf("%s: %d samples, voice %.3f, comfort %.3f", what, len(heard), voice, comfort)
		}
	}
	obey := func(do func(context.Context) error) {
		t.Helper()
		if err := do(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	voice := func(v, c float64) bool { return v > 0.8 && c < 0.05 }
	listen("talk", voice)
	obey(func(ctx context.Context) error { return c.(dialer.Muter).Mute(ctx, true) })
	listen("mute", func(v, c float64) bool { return v == 0 && c == 0 })
	obey(func(ctx context.Context) error { return c.(dialer.Muter).Mute(ctx, false) })
	listen("talk again", voice)
	obey(c.(dialer.Holder).Hold)
	listen("hold", func(v, c float64) bool { return v < 0.05 && c > 0.8 })
	obey(c.(dialer.Holder).Retrieve)
	listen("back", voice)
	c.Hangup("agent")
	until(t, c, dialer.Ended)
}

// power is how much of a sound is the tone at hz; silence has none.
func power(ulaw []byte, hz float64) float64 {
	var re, im, all float64
	for i, b := range ulaw {
		s := float64(media.Decode(b, media.ULaw))
		angle := 2 * math.Pi * hz * float64(i) / media.Rate
		re, im, all = re+s*math.Cos(angle), im+s*math.Sin(angle), all+s*s
	}
	if all < float64(len(ulaw))*100 {
		return 0
	}
	return 2 * (re*re + im*im) / float64(len(ulaw)) / all
}

func TestTrunkRegisters(t *testing.T) {
	t.Parallel()
	carrier := startSIPp(t, 1, "REGISTER", `401 WWW-Authenticate: Digest realm="carrier", nonce="n", algorithm=MD5, qop="auth"`,
		"REGISTER", "200 Expires: 3600")
	n := startNetwork(t, func(o *Options) {
		o.Trunks = []Trunk{{Name: "t", Host: carrier.addr, Username: "u", Password: "p", Register: true}}
	})
	if _, err := n.reserve(t.Context(), nil, false); !errors.Is(err, ErrNoTrunk) || !strings.Contains(err.Error(),
		"not registered") {
		t.Errorf("before the registration: %v", err)
	}
	testdeps.Eventually(t, "the trunk registers us", func() bool { return n.TrunkStatus()[0].Up })
	carrier.passed()
}

// TestStopHangsUpAndLeavesNothing stops a network with a call up, one ringing and one that nobody answers. Not parallel: it
// counts goroutines.
func TestStopHangsUpAndLeavesNothing(t *testing.T) {
	before := goleak.IgnoreCurrent()
	recordings := keepRecordings(t)
	phone := startSIPp(t, 3, "INVITE", "200+sdp", "ACK", "BYE", "200")
	talking := startSIPp(t, 1, "INVITE", "200+sdp", "ACK", "BYE", "200")
	ringing := startSIPp(t, 1, "INVITE", "180", "CANCEL", "200", "=487", "ACK")
	opts := Options{Node: "n", Advertise: "127.0.0.1", Listen: Listen{UDP: "127.0.0.1:0", TCP: "127.0.0.1:0",
		Media: "127.0.0.1:0"}, Secret: make([]byte, 32),
		RTPLow: 46000, RTPHigh: 46999, Log: slog.New(slog.DiscardHandler), Trunks: []Trunk{
			{Name: "a", Host: talking.addr, Check: -1, Channels: 1}, {Name: "b", Host: ringing.addr, Check: -1, Channels: 1},
			{Name: "c", Host: "127.0.0.1:9", Check: -1}}}
	recordings.options(&opts)
	n, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	stop := run(t, n)
	a := place(t, n, orderTo(phone))
	until(t, a, dialer.CustomerAnswered)
	b := place(t, n, orderTo(phone))
	until(t, b, dialer.CustomerRinging)
	c := place(t, n, orderTo(phone))
	until(t, c, dialer.CustomerDialing)
	stop()
	for _, w := range []struct {
		call dialer.LiveCall
		want campaigns.Outcome
	}{{a, campaigns.Answered}, {b, campaigns.NoAnswer}, {c, campaigns.Unknown}} {
		if got := until(t, w.call, dialer.Ended); got.Outcome != w.want || got.HangupBy != "system" {
			t.Errorf("got %+v", got)
		}
	}
	if rec := recordings.await(t); rec.Bytes == 0 {
		t.Error("the recording was not finished")
	}
	for _, s := range []*sipp{phone, talking, ringing} {
		s.passed()
	}
	if _, err := n.Place(t.Context(), orderTo(nil)); !errors.Is(err, errClosed) {
		t.Errorf("a call was taken: %v", err)
	}
	if err := goleak.Find(before); err != nil {
		t.Error(err)
	}
}

func TestPing(t *testing.T) {
	t.Parallel()
	carrier := startSIPp(t, 1, "OPTIONS", "404") // any answer is a sign of life
	if took, err := Ping(t.Context(), Trunk{Name: "t", Host: carrier.addr}, "127.0.0.1", netip.Addr{}); err != nil || took <= 0 {
		t.Error(took, err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer stop()
	if _, err := Ping(ctx, Trunk{Name: "t", Host: "127.0.0.1:9"}, "127.0.0.1", netip.Addr{}); err == nil {
		t.Error("a dead trunk gave a sign of life")
	}
	carrier.passed()
}

func TestMalformedAnswerEndsTheCall(t *testing.T) {
	t.Parallel()
	phone := agentPhone(t)
	trunk := startSIPp(t, 1, "INVITE", "200", "ACK", "BYE", "200") // answered without SDP
	n := startNetwork(t, trunkTo(trunk))
	c := place(t, n, orderTo(phone))
	if got := until(t, c, dialer.Ended); got.Outcome != campaigns.Abandoned || !strings.Contains(got.Cause, "SDP") {
		t.Errorf("got %+v", got)
	}
	trunk.passed()
	phone.passed()
}
