package sipua

import (
	"testing"

	"github.com/emiago/sipgo/sip"

	"github.com/creditorro/ringmaster/campaigns"
)

func TestFindings(t *testing.T) {
	const (
		busy, none, rejected, invalid, lost = campaigns.Busy, campaigns.NoAnswer, campaigns.Rejected, campaigns.InvalidNumber,
			campaigns.Congestion
	)
	for _, test := range []struct {
		code   int
		reason string
		want   finding
	}{
		// by the status alone
		{486, "", finding{outcome: busy}},
		{600, "", finding{outcome: busy}},
		{408, "", finding{outcome: none}},
		{480, "", finding{outcome: none}},
		{487, "", finding{outcome: none}},
		{404, "", finding{outcome: invalid, unknown: true}},
		{410, "", finding{outcome: invalid, unknown: true}},
		{484, "", finding{outcome: invalid, unknown: true}},
		{604, "", finding{outcome: invalid}},
		{603, "", finding{outcome: rejected}},
		{607, "", finding{outcome: rejected}},
		{608, "", finding{outcome: rejected}},
		{403, "", finding{outcome: lost, refusal: true}},
		{500, "", finding{outcome: lost, refusal: true}},
		{503, "", finding{outcome: lost, refusal: true}},
		{504, "", finding{outcome: lost, refusal: true}},
		{302, "", finding{outcome: lost}},
		{488, "", finding{outcome: lost}},
		{606, "", finding{outcome: lost}},
		// the cause is truer
		{404, "Q.850;cause=1", finding{outcome: invalid}},
		{404, "Q.850;cause=2", finding{outcome: lost, refusal: true}},
		{404, "Q.850;cause=3", finding{outcome: lost, refusal: true}},
		{404, "Q.850;cause=38", finding{outcome: lost, refusal: true}},
		{404, "Q.850 ; text=\"a, b;cause=17\" ; cause = 27", finding{outcome: lost, refusal: true}},
		{404, "SIP;cause=404;text=\"no\", q.850;cause=41", finding{outcome: lost, refusal: true}},
		{404, "Q.850;cause=19", finding{outcome: none}},
		{404, "Q.850;cause=22", finding{outcome: invalid}},
		{484, "Q.850;cause=28", finding{outcome: lost}},
		{480, "Q.850;cause=17", finding{outcome: busy}},
		{480, "Q.850;cause=18", finding{outcome: none}},
		{480, "Q.850;cause=19", finding{outcome: none}},
		{480, "Q.850;cause=20", finding{outcome: none}},
		{480, "Q.850;cause=34", finding{outcome: lost}},
		{480, "Q.850;cause=42", finding{outcome: lost}},
		{486, "Q.850;cause=47", finding{outcome: lost}},
		{403, "Q.850;cause=21", finding{outcome: rejected}},
		{503, "Q.850;cause=17", finding{outcome: busy}},
		{503, "Q.850;cause=34", finding{outcome: lost, refusal: true}},
		{500, "Q.850;cause=1", finding{outcome: invalid}},
		{603, "Q.850;cause=17", finding{outcome: busy}},
		{603, "Q.850;cause=38", finding{outcome: rejected}}, // a 6xx is an answer all the same
		// causes that say nothing
		{486, "Q.850;cause=16", finding{outcome: busy}},
		{480, "Q.850;cause=31", finding{outcome: none}},
		{404, "Q.850;cause=127", finding{outcome: invalid, unknown: true}},
		{404, "Q.850;cause=x", finding{outcome: invalid, unknown: true}},
		{404, "Q.850", finding{outcome: invalid, unknown: true}},
		{404, "SIP;cause=38", finding{outcome: invalid, unknown: true}},
	} {
		res := sip.NewResponse(test.code, "")
		if test.reason != "" {
			res.AppendHeader(sip.NewHeader("Reason", test.reason))
		}
		if got := findingOf(test.code, q850(res)); got != test.want {
			t.Errorf("%d, Reason %q: got %+v, want %+v", test.code, test.reason, got, test.want)
		}
	}
}

func TestEveryCauseIsOfOneKind(t *testing.T) {
	for cause := range causesOfCustomers {
		if causesOfNetworks[cause] {
			t.Errorf("cause %d speaks of the customer and of the network", cause)
		}
	}
}
