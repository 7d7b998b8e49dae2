package sipua

import (
	"bytes"
	"context"
	"net"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
)

func TestOutcomeOf(t *testing.T) {
	for code, want := range map[int]campaigns.Outcome{
		486: campaigns.Busy, 600: campaigns.Busy,
		480: campaigns.NoAnswer, 408: campaigns.NoAnswer, 487: campaigns.NoAnswer,
		404: campaigns.InvalidNumber, 410: campaigns.InvalidNumber, 484: campaigns.InvalidNumber, 604: campaigns.InvalidNumber,
		603: campaigns.Rejected, 607: campaigns.Rejected, 608: campaigns.Rejected,
		500: campaigns.Congestion, 502: campaigns.Congestion, 503: campaigns.Congestion, 504: campaigns.Congestion,
		301: campaigns.Congestion, 302: campaigns.Congestion, 401: campaigns.Congestion, 403: campaigns.Congestion,
		488: campaigns.Congestion,
	} {
		if got := outcomeOf(code); got != want {
			t.Errorf("%d: got %s, want %s", code, got, want)
		}
	}
}

func TestConnectionStrings(t *testing.T) {
	for _, w := range []struct {
		text string
		want agents.Extension
		err  string
	}{
		{"SIP:~~3444~~webrtc.example.com~~~~{g711a, g711u}",
			agents.Extension{Name: "3444", Network: "sip", Number: "3444", Server: "webrtc.example.com",
				Codecs: []string{"g711a", "g711u"}}, ""},
		{"SIP:~~3444~~192.0.2.1:5080~~~~{g711u}",
			agents.Extension{Name: "3444", Network: "sip", Number: "3444", Server: "192.0.2.1:5080", Codecs: []string{"g711u"}}, ""},
		{"SIP:~~3444~~~~~~{}", agents.Extension{Name: "3444", Network: "sip", Number: "3444"}, ""},
		{"SIP:~~3444~~webrtc.example.com~~~~{opus}", agents.Extension{}, "codec opus is not known"},
		{"H323:~~3444~~webrtc.example.com~~~~{g711a}", agents.Extension{}, "other fields"},
		{"SIP:~~~~webrtc.example.com~~~~{g711a}", agents.Extension{}, "number"},
		{"SIP:~~1~~web rtc~~~~{g711a}", agents.Extension{}, "server"},
		{"SIP:~~1~~host:99999~~~~{g711a}", agents.Extension{}, "server"},
		{"SIP:~~1~~host~~x~~{g711a}", agents.Extension{}, "fourth"},
		{"SIP:~~1~~host~~~~g711a", agents.Extension{}, "braces"},
	} {
		got, err := ParseConnection(w.text)
		if w.err != "" {
			if err == nil || !strings.Contains(err.Error(), w.err) {
				t.Errorf("%s: got %v, want %q", w.text, err, w.err)
			}
			continue
		}
		if err != nil || !reflect.DeepEqual(got, w.want) {
			t.Errorf("%s: got %+v, %v", w.text, got, err)
		}
		if back := PrintConnection(got); back != w.text {
			t.Errorf("printed %s, read %s", back, w.text)
		}
	}
}

func FuzzParseConnection(f *testing.F) {
	f.Add("SIP:~~3444~~webrtc.example.com~~~~{g711a, g711u}")
	f.Add("SIP:~~~~~~~~{}")
	f.Fuzz(func(t *testing.T, s string) {
		ext, err := ParseConnection(s)
		if err != nil {
			return
		}
		again, err := ParseConnection(PrintConnection(ext))
		if err != nil || !reflect.DeepEqual(ext, again) {
			t.Errorf("%q came back as %+v, %v", s, again, err)
		}
	})
}

func TestParseSDP(t *testing.T) {
	const head = "v=0\r\no=u 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
	for _, w := range []struct{ name, text, want, err string }{
		{"simple", head + "m=audio 4000 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\n",
			"192.0.2.1:4000 [PCMA PCMU] 101 sendrecv", ""},
		{"own address, held", head + "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 192.0.2.2\r\na=sendonly\r\n",
			"192.0.2.2:4000 [PCMU] 0 sendonly", ""},
		{"old hold", head + "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n", "0.0.0.0:4000 [PCMU] 0 inactive", ""},
		{"video first", head + "m=video 5000 RTP/AVP 99\r\nc=IN IP4 192.0.2.3\r\na=sendonly\r\nm=audio 4000 RTP/AVP 0\r\n",
			"192.0.2.1:4000 [PCMU] 0 sendrecv", ""},
		{"no audio", head, "", "no audio"},
		{"no codec", head + "m=audio 4000 RTP/AVP 18\r\n", "", "neither"},
		{"IPv6", head + "m=audio 4000 RTP/AVP 0\r\nc=IN IP6 2001:db8::1\r\n", "[2001:db8::1]:4000 [PCMU] 0 sendrecv", ""},
		{"a name", head + "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 sbc.example\r\n", "", "want an IP address"},
		{"refused", head + "m=audio 0 RTP/AVP 0\r\n", "", "port 0"},
		{"secured", head + "m=audio 4000 RTP/SAVP 0\r\n", "", "want RTP/AVP"},
		{"in the clear as the second choice", head + "m=audio 4000 RTP/SAVP 0\r\nm=audio 4002 RTP/AVP 8\r\n",
			"192.0.2.1:4002 [PCMA] 0 sendrecv", ""},
		{"dynamic types", head + "m=audio 4000 RTP/AVP 100 97 101\r\na=rtpmap:100 PCMA/8000/1\r\na=rtpmap:97 pcmu/8000\r\n" +
			"a=rtpmap:101 telephone-event/8000\r\n", "192.0.2.1:4000 [PCMA PCMU] 101 sendrecv", ""},
		{"events at 48 kHz only", head + "m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/48000\r\n",
			"192.0.2.1:4000 [PCMU] 0 sendrecv", ""},
		{"port", head + "m=audio 70000 RTP/AVP 0\r\n", "", "port"},
		{"empty", "", "", "no audio"},
	} {
		d, err := parseSDP([]byte(w.text))
		if w.err != "" {
			if err == nil || !strings.Contains(err.Error(), w.err) {
				t.Errorf("%s: got %v, want %q", w.name, err, w.err)
			}
			continue
		}
		var codecs []string
		for _, c := range d.codecs {
			codecs = append(codecs, c.String())
		}
		got := strings.Join([]string{d.addr.String(), "[" + strings.Join(codecs, " ") + "]", itoa(d.eventPT), d.direction}, " ")
		if err != nil || got != w.want {
			t.Errorf("%s: got %s, %v; want %s", w.name, got, err, w.want)
		}
	}
}

func itoa(n uint8) string {
	if n == 101 {
		return "101"
	}
	return string('0' + rune(n))
}

func FuzzParseSDP(f *testing.F) {
	f.Add([]byte("v=0\r\no=u 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 0 " +
		"101\r\na=rtpmap:101 telephone-event/8000\r\na=sendonly\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := parseSDP(b)
		if err != nil {
			return
		}
		again, err := parseSDP(d.text(1))
		if err != nil || again.addr != d.addr || again.eventPT != d.eventPT && d.eventPT >= 96 || len(again.codecs) != len(d.codecs) {
			t.Errorf("%+v came back as %+v, %v", d, again, err)
		}
		_ = readdress(b, mirrored(d.direction), 2)
	})
}

func TestReaddressKeepsAllButDirectionAndRole(t *testing.T) {
	got := readdress([]byte("o=- 7 1 IN IP4 0.0.0.0\r\na=setup:actpass\r\na=sendrecv\r\na=ice-ufrag:x\r\n"), "recvonly", 3)
	if want := "o=- 7 3 IN IP4 0.0.0.0\r\na=setup:passive\r\na=recvonly\r\na=ice-ufrag:x\r\n"; string(got) != want {
		t.Errorf("got %q", got)
	}
}

// FuzzWire sends what strangers might to a living network, past its gatekeeper, and asks in the end whether it still answers.
func FuzzWire(f *testing.F) {
	f.Add([]byte("INVITE sip:a SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nFrom: " +
		"<sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\n\r\n"))
	f.Add([]byte("SIP/2.0 200 OK\r\nCSeq: 1 INVITE\r\nCall-ID: 1\r\nFrom: <sip:a@b>;tag=rm1\r\n\r\n"))
	f.Add([]byte("REGISTER sip:a SIP/2.0\r\nVia: SIP/2.0/TCP h\r\nContact: *\r\nAuthorization: Digest username=\"\"\r\n\r\n"))
	n, err := New(Options{Node: "n", Advertise: "127.0.0.1", Listen: Listen{UDP: "127.0.0.1:0", TCP: "127.0.0.1:0"},
		Secret: bytes.Repeat([]byte("s"), 32)})
	if err != nil {
		f.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	<-n.ready
	n.gate.admit(netip.MustParseAddr("127.0.0.1"))
	conn, err := net.Dial("udp4", n.sockets[ipv4].udp.LocalAddr().String())
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if _, err := Ping(ctx, Trunk{Name: "self", Host: n.sockets[ipv4].udp.LocalAddr().String()}, "127.0.0.1",
			netip.Addr{}); err != nil {
			f.Errorf("it does not answer any more: %v", err)
		}
		stop()
		<-done
		conn.Close()
	})
	d := n.newDialog("1", "rm1", way{hop: hop{transport: "TCP", addr: n.sockets[ipv4].tcp.Addr().String()}})
	n.endpoint.add(d) // so that responses and in-dialog requests find something
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = conn.Write(b)
		if msg, err := sip.ParseMessage(b); err == nil {
			n.endpoint.observe(msg)
		}
	})
}

func TestTraceHidesCredentials(t *testing.T) {
	got := hide("REGISTER sip:a SIP/2.0\r\nAuthorization: Digest username=\"u\",\r\n " +
		"response=\"secret\"\r\nProxy-Authorization: secret\r\nX: y\r\n\r\na=ice-pwd:secret\r\n")
	if strings.Contains(got, "secret") || !strings.Contains(got, "X: y") {
		t.Errorf("got %q", got)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	good := Options{Node: "n", Advertise: "192.0.2.1", Listen: Listen{UDP: ":5060"}, Secret: make([]byte, 32),
		Trunks: []Trunk{{Name: "a", Host: "h"}}}
	if err := good.defaults(); err != nil {
		t.Fatal(err)
	}
	for want, spoil := range map[string]func(*Options){
		"Node":       func(o *Options) { o.Node = "" },
		"Advertise":  func(o *Options) { o.Advertise = "example.com" },
		"Listen.UDP": func(o *Options) { o.Listen.UDP = "" },
		"Secret":     func(o *Options) { o.Secret = []byte("short") },
		"Listen.TLS": func(o *Options) { o.Listen.TLS = ":5061" },
		"trunk 2":    func(o *Options) { o.Trunks = append(o.Trunks, o.Trunks[0]) },
		"Host":       func(o *Options) { o.Trunks = []Trunk{{Name: "a"}} },
		"Transport":  func(o *Options) { o.Trunks = []Trunk{{Name: "a", Host: "h", Transport: "carrier pigeon"}} },
		"Username":   func(o *Options) { o.Trunks = []Trunk{{Name: "a", Host: "h", Register: true}} },
	} {
		o := good
		spoil(&o)
		if err := o.defaults(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
}

func TestNumbersAreRewritten(t *testing.T) {
	tr := Trunk{Rewrites: []Rewrite{{"+380", "0"}, {"+", "00"}}}
	for number, want := range map[string]string{"+380501234567": "0501234567", "+447700900123": "00447700900123", "112": "112"} {
		if got := tr.dialed(number); got != want {
			t.Errorf("%s: got %s, want %s", number, got, want)
		}
	}
	if got := userPart("+44 (0)77;x=\r\nEvil: 1@h"); got != "+44077xEvil1h" {
		t.Errorf("got %q", got)
	}
}

func TestTrunkPace(t *testing.T) {
	t.Parallel()
	n := &Network{trunks: []*trunk{newTrunk(Trunk{Name: "slow", Host: "192.0.2.1", CPS: 1})}}
	began := time.Now()
	for i := range 3 { // one at once, one each second after
		if _, err := n.reserve(t.Context(), nil, false); err != nil {
			t.Fatal(i, err)
		}
	}
	if took := time.Since(began); took < 1900*time.Millisecond {
		t.Errorf("three calls took %s at one a second", took)
	}
	hung := make(chan struct{})
	close(hung)
	if _, err := n.reserve(t.Context(), hung, false); err == nil {
		t.Error("a call that was hung up got a channel")
	}
	if n.trunks[0].busy != 3 {
		t.Errorf("%d channels are taken", n.trunks[0].busy)
	}
}
