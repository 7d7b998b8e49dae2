package sipua

import (
	"bytes"
	"io"
	"slices"
	"strings"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"
)

// authorization answers the challenges of one request: of the far end (401) and of each proxy before it (407), all of which the
// request must then answer at once (RFC 3261, section 22.3).
type authorization struct {
	cred    *credentials
	answers []challengeAnswer
}

// challengeAnswer is our header for one realm.
type challengeAnswer struct {
	name, realm string
	value       string
	tries       int
}

// maxChallenges bounds the realms that one request meets.
const maxChallenges = 4

// headers are what the request brings along.
func (a *authorization) headers() []sip.Header {
	headers := make([]sip.Header, len(a.answers))
	for i, x := range a.answers {
		headers[i] = sip.NewHeader(x.name, x.value)
	}
	return headers
}

// answer takes the challenges of a 401 or 407; false: res has none that we can answer.
func (a *authorization) answer(req *sip.Request, res *sip.Response) bool {
	ask, reply := "WWW-Authenticate", "Authorization"
	switch res.StatusCode {
	case sip.StatusUnauthorized:
	case sip.StatusProxyAuthRequired:
		ask, reply = "Proxy-Authenticate", "Proxy-Authorization"
	default:
		return false
	}
	if a.cred == nil {
		return false
	}
	answered := false
	for _, c := range strongest(res.GetHeaders(ask)) {
		if !a.answerOne(reply, c, req) {
			return false
		}
		answered = true
	}
	return answered
}

// strongest keeps one challenge a realm, SHA-256 before MD5 (RFC 8760, section 2.4).
func strongest(headers []sip.Header) (best []*digest.Challenge) {
	for _, h := range headers {
		c, err := digest.ParseChallenge(h.Value())
		if err != nil {
			continue
		}
		c.Algorithm = strings.ToUpper(c.Algorithm)
		if !digest.CanDigest(c) {
			continue
		}
		i := slices.IndexFunc(best, func(b *digest.Challenge) bool { return b.Realm == c.Realm })
		switch {
		case i < 0:
			best = append(best, c)
		case c.Algorithm == "SHA-256" && best[i].Algorithm != "SHA-256":
			best[i] = c
		}
	}
	return best
}

// answerOne answers one realm: once, and a second time when the nonce was stale.
func (a *authorization) answerOne(name string, c *digest.Challenge, req *sip.Request) bool {
	i := slices.IndexFunc(a.answers, func(x challengeAnswer) bool { return x.name == name && x.realm == c.Realm })
	switch {
	case i >= 0 && (a.answers[i].tries == 2 || !c.Stale):
		return false
	case i < 0 && len(a.answers) == maxChallenges:
		return false
	case i < 0:
		a.answers = append(a.answers, challengeAnswer{name: name, realm: c.Realm})
		i = len(a.answers) - 1
	}
	made, err := digest.Digest(c, digest.Options{Method: string(req.Method), URI: req.Recipient.String(), Count: 1,
		Username: a.cred.user, Password: a.cred.password,
		GetBody: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(req.Body())), nil }}) // of auth-int
	if err != nil {
		return false
	}
	a.answers[i].value = made.String()
	a.answers[i].tries++
	return true
}
