package sipua

import (
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"
	"github.com/prometheus/client_golang/prometheus"
)

// TestSignedURI tries what phones sign beside what they send the request to: baresip and JsSIP the request's own, SIPp our
// address and port, and others our name without its port, in capitals, or without a scheme.
func TestSignedURI(t *testing.T) {
	n := &Network{opts: Options{Realm: "calls.example.com", Advertise: "203.0.113.7", Listen: Listen{UDP: "10.0.0.5:5060"}}}
	for _, test := range []struct {
		signed, request string
		want            bool
	}{
		{"sip:calls.example.com", "sip:calls.example.com", true},
		{"sip:calls.example.com:5060", "sip:calls.example.com", true},
		{"sip:calls.example.com", "sip:calls.example.com:5061;transport=tls", true},
		{"SIP:Calls.Example.COM.", "sip:calls.example.com", true},
		{"sips:calls.example.com", "sip:calls.example.com", true},
		{"calls.example.com:5060", "sip:calls.example.com", true},
		{"sip:203.0.113.7:5060", "sip:calls.example.com", true},
		{"sip:10.0.0.5:5060", "sip:203.0.113.7", true},
		{"sip:3444@calls.example.com", "sip:calls.example.com", true},
		{"sip:by.another.name", "sip:by.another.name", true}, // of ours, which we were not told
		{"sip:elsewhere.example.com", "sip:calls.example.com", false},
		{"sip:calls.example.com", "sip:elsewhere.example.com", false},
		{"sip:198.51.100.1", "sip:203.0.113.7", false},
		{"sip:3444@calls.example.com", "sip:3445@calls.example.com", false},
		{"", "sip:calls.example.com", false},
		{"sip:", "sip:calls.example.com", false},
		{"\x00", "sip:calls.example.com", false},
	} {
		var request sip.Uri
		if err := sip.ParseUri(test.request, &request); err != nil {
			t.Fatal(err)
		}
		if got := n.meant(test.signed, &request); got != test.want {
			t.Errorf("%q for %q: %v, want %v", test.signed, test.request, got, test.want)
		}
	}
}

// TestAuthorizationForAnotherRequest registers with the right password and a signature that is for somewhere else.
func TestAuthorizationForAnotherRequest(t *testing.T) {
	n := startNetwork(t, func(o *Options) { o.Credentials, o.Registerer = stored{"desk1": "secret"}, prometheus.NewRegistry() })
	d := dialDesk(t, "udp", n)
	for _, test := range []struct {
		uri  string
		want int
	}{{"sip:127.0.0.1", 200}, {"sip:127.0.0.1:5060;transport=udp", 200}, {"sip:elsewhere.example.com", 400}} {
		d.write("REGISTER", "desk1", "")
		res := d.read(patience)
		if res == nil || res.StatusCode != 401 {
			t.Fatalf("challenge: %v", res)
		}
		c, err := digest.ParseChallenge(res.GetHeader("WWW-Authenticate").Value())
		if err != nil {
			t.Fatal(err)
		}
		cred, err := digest.Digest(c, digest.Options{Method: "REGISTER", URI: test.uri, Username: "desk1", Password: "secret",
			Count: 1})
		if err != nil {
			t.Fatal(err)
		}
		d.write("REGISTER", "desk1", "Authorization: "+cred.String()+"\r\n")
		if res := d.read(patience); res == nil || res.StatusCode != test.want {
			t.Errorf("%s: %v, want %d", test.uri, res, test.want)
		}
	}
	if got := refused(t, n, "uri"); got != 1 {
		t.Errorf("%v counted, want 1", got)
	}
	if n.failures.blocked("127.0.0.1", time.Now()) {
		t.Error("a phone with the right password is not answered any more")
	}
}
