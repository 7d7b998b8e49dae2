package sipua

import (
	"cmp"

	"github.com/emiago/sipgo/sip"
)

// identify says who calls, as the trunk wants it: in From, to whom it may concern; in P-Asserted-Identity, to the trunk, which
// trusts us (RFC 3325, section 9.1). With Privacy the trunk alone learns it (RFC 3323, section 4.1.1.3).
func (t *Trunk) identify(d *dialog, caller string) {
	number := userPart(caller)
	d.from = sip.Uri{Scheme: "sip", User: cmp.Or(t.FromUser, number), Host: t.FromDomain}
	if t.AssertedIdentity && number != "" {
		d.extra = append(d.extra, sip.NewHeader("P-Asserted-Identity",
			"<"+(&sip.Uri{Scheme: "sip", User: number, Host: t.FromDomain}).String()+">"))
	}
	if t.Privacy {
		d.from, d.shown = sip.Uri{Scheme: "sip", User: "anonymous", Host: "anonymous.invalid"}, "Anonymous"
		d.extra = append(d.extra, sip.NewHeader("Privacy", "id"))
	}
}
