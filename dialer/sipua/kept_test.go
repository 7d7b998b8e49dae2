package sipua

import (
	"strings"
	"testing"

	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// TestAnotherLifeEndsATalk: by what was kept of a talk another process asks its far end inside the dialog, and hangs it up if it
// is still there.
func TestAnotherLifeEndsATalk(t *testing.T) {
	answer := []string{"INVITE", "180", "200+sdp", "ACK"}
	routed := []string{"INVITE", "200+sdp Record-Route: <sip:127.0.0.1:[local_port];lr>", "ACK"}
	challenge := `407 Proxy-Authenticate: Digest realm="r", nonce="n"`
	for _, test := range []struct {
		what     string
		customer []string
		wentOn   bool
		fails    string
	}{
		{"it goes on", append(answer[:4:4], "OPTIONS", "200", "BYE", "200"), true, ""},
		{"by a route", append(routed[:3:3], "OPTIONS", "200", "BYE", "200"), true, ""},
		{"credentials are wanted", append(answer[:4:4], "OPTIONS", challenge, "OPTIONS", "200", "BYE", challenge, "BYE", "200"), true,
			""},
		{"it is over", append(answer[:4:4], "OPTIONS", "481"), false, ""},
		{"it is over, and OPTIONS does not tell", append(answer[:4:4], "OPTIONS", "200", "BYE", "481"), false, ""},
		{"OPTIONS is not known", append(answer[:4:4], "OPTIONS", "405", "BYE", "200"), true, ""},
		{"nobody knows", append(answer[:4:4], "OPTIONS", "200", "BYE", "503"), false, "503"},
	} {
		t.Run(test.what, func(t *testing.T) {
			t.Parallel()
			phone, trunk := startSIPp(t, 1, append(answer[:4:4], "BYE", "200")...), startSIPp(t, 1, test.customer...)
			address := testdeps.FreeAddress(t) // SIPp goes on speaking to it
			life := func() *Network {
				return startNetwork(t, func(o *Options) {
					o.Listen = Listen{UDP: address}
					o.Trunks = []Trunk{{Name: "t", Host: trunk.addr, Username: "u", Password: "p"}}
				})
			}
			first := life()
			kept := until(t, place(t, first, orderTo(phone)), dialer.CustomerAnswered).Kept
			if strings.Contains(kept, `"p"`) {
				t.Errorf("a password is kept: %s", kept)
			}
			first.endpoint.shut.Store(true) // it is killed: it says nothing any more
			first.closeSockets()
			wentOn, err := life().End(t.Context(), kept)
			if wentOn != test.wentOn || (err == nil) != (test.fails == "") || err != nil && !strings.Contains(err.Error(), test.fails) {
				t.Errorf("went on %t, %v", wentOn, err)
			}
			trunk.passed()
			phone.passed()
		})
	}
	if _, err := startNetwork(t, func(*Options) {}).End(t.Context(), `{"customer": {"from": "nobody"}}`); err == nil {
		t.Error("what is no dialog was ended")
	}
}
