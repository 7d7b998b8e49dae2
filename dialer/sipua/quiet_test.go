package sipua

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/media"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// TestAQuietCustomerOutlastsTheDefaultTimeout: with our defaults, a customer who says nothing for longer than the media timeout,
// and whose carrier sends RTCP or comfort noise alone, is still there.
func TestAQuietCustomerOutlastsTheDefaultTimeout(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 34 s")
	}
	for name, sign := range map[string]func(*voice){
		"RTCP":          func(v *voice) { v.reports() },
		"comfort noise": func(v *voice) { v.say(1, 13, 60) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := behaviour{
				customer: func(f *far) {
					f.pickUpWith(f.sdp())
					v := f.voice(false)
					for end := time.Now().Add(34 * time.Second); time.Now().Before(end); testdeps.Lasts(5 * time.Second) {
						sign(v)
					}
					f.hangUp()
				},
				outcome: campaigns.Answered, by: "customer", cause: "BYE"}
			b.play(t)
		})
	}
}

// TestBaresipSecured talks with a real phone by SDES-SRTP, in both directions, and gets its reports.
func TestBaresipSecured(t *testing.T) {
	t.Parallel()
	recordings := keepRecordings(t)
	slot := int(sippSlot.Add(1))
	ports := 24000 + slot%40*100
	folder, stopCustomer := startBaresip(t, ports, 800,
		fmt.Sprintf("<sip:customer@127.0.0.1:%d>;regint=0;answermode=auto;audio_codecs=PCMA/8000/1;mediaenc=srtp-mand", ports))
	n := startNetwork(t, func(o *Options) {
		o.Trunks = []Trunk{{Name: "t", Host: fmt.Sprintf("127.0.0.1:%d", ports), Rewrites: []Rewrite{{"+447700900123", "customer"}}}}
		recordings.options(o)
	})
	n.trunks[0].SRTP = true // over UDP only here: this baresip has no certificate of its own
	order := orderTo(nil)
	order.Agent = &agents.Extension{Name: "a", Number: "a", Server: talkingPhone(t)}
	c := place(t, n, order)
	until(t, c, dialer.CustomerAnswered)
	customer := c.(*call).customer.sound
	testdeps.Eventually(t, "it tells how long the way is", func() bool { return customer.Stats().RTT > 0 })
	c.Hangup("system")
	until(t, c, dialer.Ended)
	rec := recordings.await(t)
	stopCustomer()
	if l, r := loudness(t, rec.Path, 0, 800), loudness(t, rec.Path, 1, 800); l < 0.9 || r < 0.9 {
		t.Errorf("in the recording, the agent's tone is %.2f of the left, the customer's %.2f of the right", l, r)
	}
	if heard := toneHeard(t, folder, 800); heard < 0.9 {
		t.Errorf("the agent's tone is %.2f of what the customer heard", heard)
	}
	if mos := rec.Customer.MOS(); mos < 4 || rec.Customer.FarLost > 20 {
		t.Errorf("%+v: MOS %.2f", rec.Customer, mos)
	}
}

// TestTrunkWantsKeysAndGetsNone: an answer in the clear to an offer of SRTP, or with a key for nothing that was offered, is no
// call.
func TestTrunkWantsKeysAndGetsNone(t *testing.T) {
	for name, answer := range map[string]string{
		"in the clear":   "RTP/AVP 8",
		"without a key":  "RTP/SAVP 8",
		"another suite":  "RTP/SAVP 8\r\na=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj",
		"with an MKI":    "RTP/SAVP 8\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20|1:4",
		"a tag of none":  "RTP/SAVP 8\r\na=crypto:9 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj",
		"but it is well": "RTP/SAVP 8\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj",
	} {
		ports, err := media.NewPorts(49000, 49999)
		if err != nil {
			t.Fatal(err)
		}
		n := &Network{}
		udp, err := ports.Open(loop4)
		if err != nil {
			t.Fatal(err)
		}
		l := newLeg(media.Customer, n.newDialog("id", "tag", way{hop: hop{addr: "127.0.0.1:5061"}}), udp, loop4,
			[]media.Codec{media.ALaw}, true,
			func(*leg, event) {})
		if offer := string(l.local); strings.Count(offer, "a=crypto:") != 3 || !strings.Contains(offer, " RTP/SAVP 8") {
			t.Errorf("offered %q", offer)
		}
		err = l.accept("x", []byte("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 "+answer+
			"\r\n"))
		if well := name == "but it is well"; (err == nil) != well {
			t.Errorf("%s: %v", name, err)
		} else if err != nil && strings.Contains(err.Error(), "d0Rm") {
			t.Errorf("%s: the error shows the key: %v", name, err)
		}
		udp.Close()
	}
}

// TestBrowserReports: Chromium's reports tell the round trip, and its consent is its life.
func TestBrowserReports(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("needs a browser")
	}
	n := startNetwork(t, func(o *Options) {
		o.Trunks = []Trunk{{Name: "t", Host: talkingPhone(t)}}
		browserOptions(o)
	})
	phone := openTab(t, n, "3444", goodCookie)
	phone.await("registered")
	order := orderTo(nil)
	order.Agent, order.Automatic = &agents.Extension{Name: "3444", OwnerID: theOwner, Network: Name}, true
	c := place(t, n, order)
	until(t, c, dialer.CustomerAnswered)
	sound := c.(*call).agent.sound
	testdeps.Eventually(t, "it is alive", func() bool { return !sound.LastAlive().IsZero() })
	deadline := time.After(60 * time.Second)
	for sound.Stats().RTT == 0 {
		select {
		case <-deadline:
			t.Fatalf("no report tells the round trip: %+v", sound.Stats())
		case <-time.After(100 * time.Millisecond):
		}
	}
	if s := sound.Stats(); s.RTT > 5*time.Second || s.MOS() < 1 {
		t.Errorf("%+v", s)
	}
	var heard struct{ Packets, Energy float64 }
	phone.do("heard")
	if err := json.Unmarshal([]byte(strings.TrimPrefix(phone.await("heard "), "heard ")), &heard); err != nil || heard.Packets < 50 {
		t.Errorf("the browser heard %+v, %v", heard, err)
	}
	phone.do("bye")
	until(t, c, dialer.Ended)
}
