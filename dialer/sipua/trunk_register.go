package sipua

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/creditorro/ringmaster/internal/retry"
)

const (
	registerFor   = time.Hour
	longestExpiry = 24 * time.Hour // what a registrar's Min-Expires may ask of us
)

// registerAgain is how a trunk that did not register us is asked again.
var registerAgain = retry.Pause{First: 5 * time.Second, Last: 5 * time.Minute}

// keepRegistered registers us at a trunk that wants it, again before it expires.
func (n *Network) keepRegistered(ctx context.Context, t *trunk) {
	r := registration{n: n, t: t, callID: n.endpoint.freshCall(), ask: registerFor}
	failures := 0
	for {
		asked := time.Now()
		granted, err := r.send(ctx, r.ask)
		if ctx.Err() != nil {
			ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer stop()
			_, _ = r.send(ctx, 0) // goodbye
			return
		}
		pause := refreshAfter(granted)
		if err != nil {
			failures++
			pause = registerAgain.After(failures)
			n.log.Warn("trunk does not register us", "trunk", t.Name, "error", err, "retry_in", pause)
			t.mu.Lock()
			t.unregistered = err
			t.mu.Unlock()
		} else {
			failures = 0
			t.mu.Lock()
			t.registered, t.unregistered = asked.Add(granted), nil
			t.mu.Unlock()
		}
		n.poke()
		retry.Sleep(ctx, pause)
	}
}

// refreshAfter is when a registration is renewed: early enough for a second try while it holds.
func refreshAfter(granted time.Duration) time.Duration {
	return max(min(granted*4/5, granted-30*time.Second), granted/2, 500*time.Millisecond)
}

// registration is ours at one trunk: all its requests are of one Call-ID, in order (RFC 3261, section 10.2).
type registration struct {
	n      *Network
	t      *trunk
	callID string
	cseq   uint32
	ask    time.Duration
}

// send registers us for so long at the first of the trunk's servers that says anything, and says for how long it was granted.
func (r *registration) send(ctx context.Context, expires time.Duration) (granted time.Duration, err error) {
	select {
	case <-r.t.found:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	for _, h := range r.t.hops() {
		if granted, err = r.sendTo(ctx, h, expires); !errors.As(err, new(unheardError)) {
			break
		}
	}
	return granted, err
}

// unheardError says that no response came.
type unheardError struct{ error }

func (u unheardError) Unwrap() error { return u.error }

func (r *registration) sendTo(ctx context.Context, h hop, expires time.Duration) (time.Duration, error) {
	t, n := r.t, r.n
	domain := sip.Uri{Scheme: "sip", Host: t.FromDomain}
	self := sip.Uri{Scheme: "sip", User: t.Username, Host: t.FromDomain}
	auth := authorization{cred: &credentials{t.Username, t.Password}}
	for longer := false; ; {
		r.cseq++
		req := n.outside(sip.REGISTER, domain, self, h, r.callID, r.cseq)
		req.AppendHeader(sip.NewHeader("Expires", strconv.Itoa(int(expires/time.Second))))
		for _, h := range auth.headers() {
			req.AppendHeader(h)
		}
		wait, stop := context.WithTimeout(ctx, checkTimeout)
		res, err := n.endpoint.do(wait, req, h)
		stop()
		switch {
		case err != nil:
			return 0, unheardError{fmt.Errorf("sipua: REGISTER: %w", err)}
		case res.IsSuccess():
			return granted(res, req.Contact(), expires), nil
		case auth.answer(req, res):
			continue
		case res.StatusCode == sip.StatusIntervalToBrief && expires > 0 && !longer: // RFC 3261, section 10.3, step 7
			least, err := secondsOf(res, "Min-Expires")
			if err == nil && least > expires && least <= longestExpiry {
				r.ask, expires, longer = least, least, true
				auth = authorization{cred: auth.cred}
				continue
			}
		}
		return 0, statusError("REGISTER", res)
	}
}

// granted is how long a registration holds: what our Contact says, else Expires, else what we asked.
func granted(res *sip.Response, ours *sip.ContactHeader, asked time.Duration) time.Duration {
	if least, err := secondsOf(res, "Expires"); err == nil {
		asked = min(asked, least)
	}
	for h := range headersOf(res, "Contact") { // other phones of the same account may stand beside us
		c, ok := h.(*sip.ContactHeader)
		if !ok || ours != nil && (c.Address.Host != ours.Address.Host || c.Address.Port != ours.Address.Port) {
			continue
		}
		if seconds, err := strconv.Atoi(strings.TrimSpace(c.Params.GetOr("expires", ""))); err == nil && seconds > 0 {
			asked = min(asked, time.Duration(seconds)*time.Second)
		}
	}
	return max(asked, time.Second)
}

func secondsOf(res *sip.Response, header string) (time.Duration, error) {
	h := res.GetHeader(header)
	if h == nil {
		return 0, errNoHeader
	}
	seconds, err := strconv.ParseInt(strings.TrimSpace(h.Value()), 10, 32)
	if err != nil || seconds <= 0 {
		return 0, errNoHeader
	}
	return time.Duration(seconds) * time.Second, nil
}

var errNoHeader = errors.New("sipua: no such header")
