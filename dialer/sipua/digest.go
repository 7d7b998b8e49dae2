package sipua

import (
	"strings"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"
)

// authorization answers challenges of one request: one, and a second one when the nonce was stale.
type authorization struct {
	cred   *credentials
	header sip.Header
	tries  int
}

// answer makes the header that answers a 401 or 407 (RFC 3261, section 22); false: res is no challenge that we can answer.
func (a *authorization) answer(req *sip.Request, res *sip.Response) bool {
	ask, reply := "WWW-Authenticate", "Authorization"
	switch res.StatusCode {
	case sip.StatusUnauthorized:
	case sip.StatusProxyAuthRequired:
		ask, reply = "Proxy-Authenticate", "Proxy-Authorization"
	default:
		return false
	}
	if a.cred == nil || a.tries == 2 {
		return false
	}
	var best *digest.Challenge // the strongest that we know (RFC 8760, section 2.4)
	for _, h := range res.GetHeaders(ask) {
		c, err := digest.ParseChallenge(h.Value())
		if err != nil {
			continue
		}
		c.Algorithm = strings.ToUpper(c.Algorithm)
		if digest.CanDigest(c) && (best == nil || c.Algorithm == "SHA-256") {
			best = c
		}
	}
	if best == nil || a.tries == 1 && !best.Stale {
		return false
	}
	a.tries++
	made, err := digest.Digest(best, digest.Options{Method: string(req.Method), URI: req.Recipient.String(), Count: 1,
		Username: a.cred.user, Password: a.cred.password})
	if err != nil {
		return false
	}
	a.header = sip.NewHeader(reply, made.String())
	return true
}
