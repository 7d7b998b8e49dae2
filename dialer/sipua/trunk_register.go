package sipua

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

const (
	registerFor   = time.Hour
	registerRetry = 30 * time.Second
)

// keepRegistered registers us at a trunk that wants it, again before it expires.
func (n *Network) keepRegistered(ctx context.Context, t *trunk) {
	callID, cseq := n.endpoint.freshCall(), uint32(0)
	failures := 0
	for {
		granted, err := n.register(ctx, t, callID, &cseq, registerFor)
		if ctx.Err() != nil {
			ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer stop()
			_, _ = n.register(ctx, t, callID, &cseq, 0) // goodbye
			return
		}
		pause := granted * 4 / 5
		if err != nil {
			failures++
			pause = jitter(min(registerRetry<<min(failures-1, 5), 10*time.Minute))
			n.log.Warn("trunk does not register us", "trunk", t.Name, "error", err, "retry_in", pause)
		} else {
			failures = 0
			t.mu.Lock()
			t.registered = time.Now().Add(granted)
			t.mu.Unlock()
			select {
			case n.noted <- struct{}{}:
			default:
			}
		}
		sleep(ctx, pause)
	}
}

func (n *Network) register(ctx context.Context, t *trunk, callID string, cseq *uint32, expires time.Duration) (time.Duration,
	error) {
	domain := sip.Uri{Scheme: "sip", Host: t.FromDomain}
	self := sip.Uri{Scheme: "sip", User: t.Username, Host: t.FromDomain}
	auth := authorization{cred: &credentials{t.Username, t.Password}}
	seconds := strconv.Itoa(int(expires / time.Second))
	for {
		*cseq++
		req := n.outside(sip.REGISTER, domain, self, t.hop(), callID, *cseq)
		req.AppendHeader(sip.NewHeader("Expires", seconds))
		if auth.header != nil {
			req.AppendHeader(auth.header)
		}
		wait, stop := context.WithTimeout(ctx, checkTimeout)
		res, err := n.endpoint.do(wait, req, t.hop())
		stop()
		switch {
		case err != nil:
			return 0, fmt.Errorf("sipua: REGISTER: %w", err)
		case res.IsSuccess():
			return granted(res, expires), nil
		case auth.answer(req, res):
			continue
		}
		return 0, fmt.Errorf("sipua: REGISTER: %d %s", res.StatusCode, clean(res.Reason))
	}
}

// granted is how long a registration holds: what our Contact says, else Expires, else what we asked; at least a minute.
func granted(res *sip.Response, asked time.Duration) time.Duration {
	value := ""
	if h := res.GetHeader("Expires"); h != nil {
		value = h.Value()
	}
	if c := res.Contact(); c != nil {
		value = c.Params.GetOr("expires", value)
	}
	if seconds, err := strconv.Atoi(strings.TrimSpace(value)); err == nil && seconds > 0 {
		asked = min(asked, time.Duration(seconds)*time.Second)
	}
	return max(asked, time.Minute)
}
