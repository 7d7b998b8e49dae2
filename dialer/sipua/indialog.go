package sipua

import (
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"

	"github.com/creditorro/ringmaster/campaigns"
)

// serve answers requests inside dialogs, and refuses those outside: nobody calls in.
func (e *endpoint) serve(srv *sipgo.Server) {
	srv.OnInvite(e.inside((*dialog).onInvite))
	srv.OnUpdate(e.inside((*dialog).onUpdate))
	srv.OnBye(e.inside((*dialog).onBye))
	srv.OnInfo(e.inside((*dialog).onInfo))
	srv.OnAck(func(*sip.Request, sip.ServerTransaction) {}) // see arriveAck
	srv.OnCancel(func(req *sip.Request, tx sip.ServerTransaction) {
		respond(tx, req, sip.StatusCallTransactionDoesNotExists, "Call/Transaction Does Not Exist")
	})
}

// dialogOf finds the confirmed dialog of a request by all three names (RFC 3261, section 12.2.2).
func (e *endpoint) dialogOf(req *sip.Request) *dialog {
	if req.CallID() == nil || req.CSeq() == nil {
		return nil
	}
	d := e.find(string(*req.CallID()), toTag(req))
	if d == nil {
		return nil
	}
	if d = d.branch(fromTag(req)); d == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.state == inviting {
		return nil
	}
	return d
}

func (e *endpoint) inside(handle func(*dialog, *sip.Request, sip.ServerTransaction)) func(*sip.Request, sip.ServerTransaction) {
	return func(req *sip.Request, tx sip.ServerTransaction) {
		d := e.dialogOf(req)
		switch {
		case d == nil && toTag(req) == "" && req.IsInvite():
			respond(tx, req, sip.StatusForbidden, "Forbidden") // a stranger, or a phone that wants to call: calls are ordered elsewhere
		case d == nil:
			respond(tx, req, sip.StatusCallTransactionDoesNotExists, "Call/Transaction Does Not Exist")
		default:
			d.inTurn(req, func() {
				if !d.inOrder(req) {
					respond(tx, req, sip.StatusInternalServerError, "CSeq Out of Order")
					return
				}
				handle(d, req, tx)
			})
		}
	}
}

// inOrder keeps the far end's CSeq; a lower one than seen is an old request (RFC 3261, section 12.2.2).
func (d *dialog) inOrder(req *sip.Request) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := req.CSeq().SeqNo
	if n < d.farCSeq {
		return false
	}
	d.farCSeq = n
	if d.hop.flow && d.hop.reliable() {
		d.hop.addr = req.Source() // the phone speaks from a new connection: so shall we
	}
	return true
}

func (d *dialog) onBye(req *sip.Request, tx sip.ServerTransaction) {
	respond(tx, req, sip.StatusOK, "OK")
	if d.finish(confirmed) {
		cause := "BYE"
		if h := req.GetHeader("Reason"); h != nil {
			cause += "; " + clean(h.Value())
		}
		d.tell(event{kind: hungUp, verdict: verdict{outcome: campaigns.Answered, cause: cause}})
	}
}

// onInvite answers a re-INVITE: hold, resume, a new path, or a mere session refresh.
func (d *dialog) onInvite(req *sip.Request, tx sip.ServerTransaction) {
	d.mu.Lock()
	up, pending := d.state == confirmed, d.unacked != nil
	d.mu.Unlock()
	switch {
	case !up:
		respond(tx, req, sip.StatusCallTransactionDoesNotExists, "Call/Transaction Does Not Exist")
		return
	case pending:
		respond(tx, req, sip.StatusRequestPending, "Request Pending")
		return
	}
	answer, err := d.owned().reoffer(req.Body())
	if err != nil {
		d.e.log.Warn("re-INVITE refused", "call_id", d.callID, "error", err)
		respond(tx, req, 488, "Not Acceptable Here")
		return
	}
	res := d.ok(req, answer)
	u := &unacked{cseq: req.CSeq().SeqNo, acked: make(chan struct{})}
	d.mu.Lock()
	if c := req.Contact(); c != nil && c.Address.Host != "" {
		d.target = *c.Address.Clone() // target refresh
	}
	d.unacked = u
	d.mu.Unlock()
	if tx.Respond(res) != nil {
		d.onAck(u.cseq)
		return
	}
	d.e.job(func() { d.repeat(res, u) })
}

// unacked is a 2xx to a re-INVITE that waits for its ACK.
type unacked struct {
	cseq  uint32
	acked chan struct{} // closed by the ACK
}

// repeat sends a 2xx again until it is acknowledged (RFC 3261, section 13.3.1.4): sipgo does not. Never acknowledged, the call is
// hung up, as the same section asks.
func (d *dialog) repeat(res *sip.Response, u *unacked) {
	wait, deadline := sip.T1, time.After(64*sip.T1)
	for {
		select {
		case <-u.acked:
			return
		case <-deadline:
			d.onAck(u.cseq)
			d.broken("no ACK to our answer")
			return
		case <-time.After(wait):
			d.mu.Lock()
			gone := d.state == over
			d.mu.Unlock()
			if gone {
				return
			}
			if !d.hop.reliable() {
				_ = d.e.tp.WriteMsg(res)
			}
			wait = min(2*wait, sip.T2)
		}
	}
}

// onAck ends the resending of a 2xx; false: nothing waits for this ACK.
func (d *dialog) onAck(cseq uint32) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.unacked == nil || d.unacked.cseq != cseq {
		return false
	}
	close(d.unacked.acked)
	d.unacked = nil
	return true
}

// broken hangs up a dialog whose far end does not behave as one that lives.
func (d *dialog) broken(cause string) {
	if d.finish(confirmed) {
		d.bye()
		d.tell(event{kind: hungUp, verdict: verdict{outcome: campaigns.Answered, cause: cause}})
	}
}

// onUpdate answers a session refresh, or an offer outside an INVITE (RFC 3311).
func (d *dialog) onUpdate(req *sip.Request, tx sip.ServerTransaction) {
	var answer []byte
	if len(req.Body()) > 0 {
		var err error
		if answer, err = d.owned().reoffer(req.Body()); err != nil {
			respond(tx, req, 488, "Not Acceptable Here")
			return
		}
	}
	_ = tx.Respond(d.ok(req, answer))
}

// onInfo takes a pressed key: JsSIP sends digits by INFO. Anything else is acknowledged and not needed.
func (d *dialog) onInfo(req *sip.Request, tx sip.ServerTransaction) {
	respond(tx, req, sip.StatusOK, "OK")
	if ct := req.ContentType(); ct != nil && strings.EqualFold(ct.Value(), "application/dtmf-relay") {
		if key, length, ok := parseKey(req.Body()); ok {
			d.tell(event{kind: pressed, key: key, length: length})
		}
	}
}

// parseKey reads "Signal=5" and "Duration=160", in milliseconds.
func parseKey(body []byte) (key byte, length time.Duration, ok bool) {
	for line := range strings.Lines(string(body[:min(len(body), 200)])) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch value = strings.TrimSpace(value); strings.ToLower(strings.TrimSpace(name)) {
		case "signal":
			if len(value) == 1 {
				key, ok = strings.ToUpper(value)[0], true
			}
		case "duration":
			if ms, err := strconv.Atoi(value); err == nil {
				length = time.Duration(ms) * time.Millisecond
			}
		}
	}
	return key, length, ok
}

// ok is a 200 with SDP, and with the session timer that the far end asked for.
func (d *dialog) ok(req *sip.Request, answer []byte) *sip.Response {
	res := sip.NewResponseFromRequest(req, sip.StatusOK, "OK", nil)
	res.AppendHeader(d.e.contact(req.Transport()))
	res.AppendHeader(sip.NewHeader("Allow", allow))
	d.mu.Lock()
	if seconds := d.promise(req, "uac"); seconds > 0 {
		res.AppendHeader(sip.NewHeader("Session-Expires", strconv.Itoa(seconds)+";refresher=uac"))
		res.AppendHeader(sip.NewHeader("Require", "timer"))
	}
	d.mu.Unlock()
	if answer != nil {
		res.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
		res.SetBody(answer)
	}
	return res
}

// promise reads Session-Expires (RFC 4028) where the far end, as the role given, is the refresher: then it must speak again
// before the session expires. We never offer to refresh ourselves. The caller holds d.mu.
func (d *dialog) promise(msg sip.Message, role string) (seconds int) {
	hs := msg.GetHeaders("Session-Expires")
	if len(hs) == 0 {
		hs = msg.GetHeaders("x")
	}
	if len(hs) == 0 {
		return 0
	}
	value, params, _ := strings.Cut(hs[0].Value(), ";")
	seconds, err := strconv.Atoi(strings.TrimSpace(value))
	if err != nil || seconds < 30 || seconds > 86400 {
		return 0
	}
	if !strings.Contains(params, "refresher="+role) && strings.Contains(params, "refresher=") {
		return 0
	}
	interval := time.Duration(seconds) * time.Second
	d.expires = time.Now().Add(interval)
	return seconds
}

// expired reports whether the far end broke its promise to refresh the session.
func (d *dialog) expired(now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.expires.IsZero() && now.After(d.expires)
}

// respond answers a request without a body. What it cannot send, the far end asks again.
func respond(tx sip.ServerTransaction, req *sip.Request, code int, reason string) {
	_ = tx.Respond(sip.NewResponseFromRequest(req, code, reason, nil))
}
