package sipua

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"

	"github.com/creditorro/ringmaster/campaigns"
)

// handler answers a request, inHandler one inside a dialog.
type (
	handler   = func(*sip.Request, sip.ServerTransaction)
	inHandler = func(*dialog, *sip.Request, sip.ServerTransaction)
)

// serve answers requests inside dialogs, and refuses those outside: nobody calls in.
func (e *endpoint) serve(srv *sipgo.Server) {
	srv.OnInvite(e.inside(withSDP((*dialog).onInvite)))
	srv.OnUpdate(e.inside(withSDP((*dialog).onUpdate)))
	srv.OnBye(e.inside((*dialog).onBye))
	srv.OnInfo(e.inside((*dialog).onInfo))
	srv.OnOptions(func(req *sip.Request, tx sip.ServerTransaction) {
		if toTag(req) == "" {
			requiring(onOptions)(req, tx)
			return
		}
		e.inside(func(_ *dialog, req *sip.Request, tx sip.ServerTransaction) { onOptions(req, tx) })(req, tx)
	})
	srv.OnAck(func(*sip.Request, sip.ServerTransaction) {}) // see arriveAck
	srv.OnCancel(func(req *sip.Request, tx sip.ServerTransaction) {
		respond(tx, req, sip.StatusCallTransactionDoesNotExists, "Call/Transaction Does Not Exist")
	})
	srv.OnNoRoute(func(req *sip.Request, tx sip.ServerTransaction) {
		respond(tx, req, sip.StatusMethodNotAllowed, "Method Not Allowed", sip.NewHeader("Allow", allow))
	})
}

// onOptions tells what we can do (RFC 3261, section 11.2).
func onOptions(req *sip.Request, tx sip.ServerTransaction) {
	respond(tx, req, sip.StatusOK, "OK", sip.NewHeader("Allow", allow), sip.NewHeader("Accept", "application/sdp"),
		sip.NewHeader("Supported", supported))
}

// requiring refuses requests that need an extension which we do not have (RFC 3261, section 8.2.2.3).
func requiring(handle handler) handler {
	return func(req *sip.Request, tx sip.ServerTransaction) {
		var missing []string
		for h := range headersOf(req, "Require") {
			for tag := range strings.SplitSeq(h.Value(), ",") {
				if tag = clean(tag); tag != "" && !strings.EqualFold(tag, supported) {
					missing = append(missing, tag)
				}
			}
		}
		if len(missing) > 0 {
			respond(tx, req, sip.StatusBadExtension, "Bad Extension", sip.NewHeader("Unsupported", strings.Join(missing, ", ")))
			return
		}
		handle(req, tx)
	}
}

// withSDP refuses bodies that are not SDP.
func withSDP(handle inHandler) inHandler {
	return func(d *dialog, req *sip.Request, tx sip.ServerTransaction) {
		kind := ""
		if ct := req.ContentType(); ct != nil {
			kind, _, _ = strings.Cut(ct.Value(), ";")
		}
		if len(req.Body()) > 0 && kind != "" && !strings.EqualFold(strings.TrimSpace(kind), "application/sdp") {
			respond(tx, req, sip.StatusUnsupportedMediaType, "Unsupported Media Type", sip.NewHeader("Accept", "application/sdp"))
			return
		}
		handle(d, req, tx)
	}
}

// dialogOf finds the dialog of a request, an early one among them, by all three names (RFC 3261, section 12.2.2).
func (e *endpoint) dialogOf(req *sip.Request) *dialog {
	if req.CallID() == nil || req.CSeq() == nil {
		return nil
	}
	d := e.find(string(*req.CallID()), toTag(req))
	if d == nil {
		return nil
	}
	return d.branch(fromTag(req))
}

func (e *endpoint) inside(handle inHandler) handler {
	return requiring(func(req *sip.Request, tx sip.ServerTransaction) {
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
	})
}

// inOrder keeps the far end's CSeq; a lower one than seen is an old request (RFC 3261, section 12.2.2).
func (d *dialog) inOrder(req *sip.Request) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, seen := req.CSeq().SeqNo, &d.farCSeq
	if d.state == inviting {
		e := d.earlies[fromTag(req)]
		if e == nil { // answered, or failed, a moment ago
			return true
		}
		seen = &e.farCSeq
	}
	if n < *seen {
		return false
	}
	*seen = n
	if d.hop.flow && d.hop.reliable() {
		d.hop.addr = req.Source() // the phone speaks from a new connection: so shall we
	}
	return true
}

func (d *dialog) onBye(req *sip.Request, tx sip.ServerTransaction) {
	if d.ringing() { // RFC 3261, section 15: a callee ends an early dialog by its final response
		respond(tx, req, sip.StatusCallTransactionDoesNotExists, "Call/Transaction Does Not Exist")
		return
	}
	respond(tx, req, sip.StatusOK, "OK")
	d.parted()
	if d.finish(confirmed) {
		cause := "BYE"
		if h := req.GetHeader("Reason"); h != nil {
			cause += "; " + clean(h.Value())
		}
		d.tell(event{kind: hungUp, verdict: verdict{outcome: campaigns.Answered, cause: cause}})
	}
}

func (d *dialog) ringing() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.state == inviting
}

// onInvite answers a re-INVITE: hold, resume, a new path, or a mere session refresh.
func (d *dialog) onInvite(req *sip.Request, tx sip.ServerTransaction) {
	d.mu.Lock()
	gone, glare := d.state == over, d.state == inviting || d.unacked != nil || d.offering()
	d.mu.Unlock()
	switch {
	case gone:
		respond(tx, req, sip.StatusCallTransactionDoesNotExists, "Call/Transaction Does Not Exist")
		return
	case glare: // RFC 3261, section 14.2
		respond(tx, req, sip.StatusRequestPending, "Request Pending")
		return
	case !d.longEnough(req, tx):
		return
	}
	answer, err := d.owned().reoffer(fromTag(req), req.Body())
	if errors.Is(err, errTooSoon) {
		respond(tx, req, sip.StatusRequestPending, "Request Pending")
		return
	}
	if err != nil {
		d.e.log.Warn("re-INVITE refused", "call_id", d.callID, "error", err)
		respond(tx, req, 488, "Not Acceptable Here")
		return
	}
	u := &unacked{cseq: req.CSeq().SeqNo, offered: len(req.Body()) == 0, acked: make(chan struct{})}
	d.mu.Lock()
	d.unacked = u
	d.mu.Unlock()
	res := d.ok(req, answer)
	if tx.Respond(res) != nil {
		d.onAck(u.cseq)
		return
	}
	d.e.job(func() { d.repeat(res, u) })
}

// unacked is a 2xx to a re-INVITE that waits for its ACK.
type unacked struct {
	cseq    uint32
	offered bool          // it has an offer of ours, and the ACK the answer
	acked   chan struct{} // closed by the ACK
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
			_ = d.e.tp.WriteMsg(res) // by TCP too: a proxy on the way may use UDP
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
	d.mu.Lock()
	gone, free := d.state == over, d.mayOffer(fromTag(req))
	d.mu.Unlock()
	var answer []byte
	switch {
	case gone:
		respond(tx, req, sip.StatusCallTransactionDoesNotExists, "Call/Transaction Does Not Exist")
		return
	case !d.longEnough(req, tx):
		return
	case len(req.Body()) > 0 && !free:
		respond(tx, req, sip.StatusRequestPending, "Request Pending")
		return
	case len(req.Body()) > 0:
		var err error
		answer, err = d.owned().reoffer(fromTag(req), req.Body())
		if errors.Is(err, errTooSoon) {
			respond(tx, req, sip.StatusRequestPending, "Request Pending")
			return
		}
		if err != nil {
			respond(tx, req, 488, "Not Acceptable Here")
			return
		}
	}
	_ = tx.Respond(d.ok(req, answer))
}

// longEnough refuses a session timer that would have us speak all the time (RFC 4028, section 9).
func (d *dialog) longEnough(req *sip.Request, tx sip.ServerTransaction) bool {
	interval, _ := sessionExpires(req)
	if interval == 0 || interval >= minSession || !lists(req, "timer", "Supported", "k") {
		return true
	}
	respond(tx, req, statusIntervalTooSmall, "Session Interval Too Small", sip.NewHeader("Min-SE", seconds(advisedSession)))
	return false
}

// onInfo takes a pressed key: JsSIP and many phones send digits by INFO. Anything else is acknowledged and not needed.
func (d *dialog) onInfo(req *sip.Request, tx sip.ServerTransaction) {
	respond(tx, req, sip.StatusOK, "OK")
	ct := req.ContentType()
	if ct == nil {
		return
	}
	kind, _, _ := strings.Cut(ct.Value(), ";")
	if key, length, ok := parseKey(strings.ToLower(strings.TrimSpace(kind)), req.Body()); ok {
		d.tell(event{kind: pressed, key: key, length: length})
	}
}

// parseKey reads a key of application/dtmf-relay, "Signal=5" and "Duration=160" in milliseconds, or of application/dtmf, a mere
// "5".
func parseKey(kind string, body []byte) (key byte, length time.Duration, ok bool) {
	text := string(body[:min(len(body), 200)])
	switch kind {
	case "application/dtmf-relay":
	case "application/dtmf":
		if !strings.Contains(text, "=") {
			text = "Signal=" + strings.TrimSpace(text)
		}
	default:
		return 0, 0, false
	}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch value = strings.ToUpper(strings.TrimSpace(value)); strings.ToLower(strings.TrimSpace(name)) {
		case "signal":
			if n, err := strconv.Atoi(value); err == nil && len(value) == 2 && n >= 10 && n <= 15 { // by number
				value = "*#ABCD"[n-10 : n-9]
			}
			if len(value) == 1 && strings.Contains("0123456789*#ABCD", value) {
				key, ok = value[0], true
			}
		case "duration":
			if ms, err := strconv.Atoi(value); err == nil {
				length = time.Duration(min(max(ms, 0), 10_000)) * time.Millisecond
			}
		}
	}
	return key, length, ok
}

// ok is a 200 with SDP, which takes the request to heart: its Contact, and the session timer that it asks for or, without one,
// ends.
func (d *dialog) ok(req *sip.Request, answer []byte) *sip.Response {
	res := sip.NewResponseFromRequest(req, sip.StatusOK, "OK", nil)
	d.mu.Lock()
	h := d.hop
	h.transport = req.Transport()
	res.AppendHeader(d.e.contact(h))
	d.mu.Unlock()
	res.AppendHeader(sip.NewHeader("Allow", allow))
	res.AppendHeader(sip.NewHeader("Supported", supported))
	interval, refresher := sessionExpires(req)
	if refresher != "uac" && (refresher == "uas" || !lists(req, "timer", "Supported", "k")) {
		refresher = "uas"
	} else {
		refresher = "uac"
	}
	d.mu.Lock()
	if d.state == confirmed {
		d.retarget(req)
		d.keepSession(interval, refresher == "uas")
		if req.GetHeader("Allow") != nil {
			d.takesUpdate = lists(req, "UPDATE", "Allow")
		}
	}
	d.mu.Unlock()
	if interval > 0 {
		res.AppendHeader(sip.NewHeader("Session-Expires", seconds(interval)+";refresher="+refresher))
		if refresher == "uac" {
			res.AppendHeader(sip.NewHeader("Require", "timer"))
		}
	}
	if answer != nil {
		res.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
		res.SetBody(answer)
	}
	return res
}

// respond answers a request without a body. What it cannot send, the far end asks again.
func respond(tx sip.ServerTransaction, req *sip.Request, code int, reason string, headers ...sip.Header) {
	res := sip.NewResponseFromRequest(req, code, reason, nil)
	for _, h := range headers {
		res.AppendHeader(h)
	}
	_ = tx.Respond(res)
}
