package sipua

import (
	"context"

	"github.com/emiago/sipgo/sip"
)

// reinvite is a re-INVITE of ours, remembered to acknowledge its 2xx whenever that comes again.
type reinvite struct {
	cseq uint32
	ack  *sip.Request // nil: no 2xx came yet
	over bool         // it has its final response
}

// offering reports whether an offer of ours is on its way. The caller holds d.mu.
func (d *dialog) offering() bool { return d.reinvite != nil && !d.reinvite.over }

// ask sends a request inside the dialog that keeps the session and changes nothing: an UPDATE without a body, or a re-INVITE with
// the SDP that is in force. It returns the final response; a 2xx has been acknowledged and taken to heart.
func (d *dialog) ask(ctx context.Context, method sip.RequestMethod, headers []sip.Header) (*sip.Response, error) {
	auth := authorization{cred: d.cred}
	for {
		req, hop := d.compose(method, headers, auth.headers())
		res, err := d.e.do(ctx, req, hop)
		if method == sip.INVITE {
			d.offerEnded(req.CSeq().SeqNo, res)
		}
		switch {
		case err != nil:
			return nil, err
		case res.IsSuccess():
			d.taken(req, res)
			return res, nil
		case !auth.answer(req, res):
			return res, nil
		}
	}
}

func (d *dialog) compose(method sip.RequestMethod, headers ...[]sip.Header) (*sip.Request, hop) {
	cseq := d.nextCSeq(method)
	var offer []byte
	if method == sip.INVITE {
		offer = d.owned().offer()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if method == sip.INVITE {
		d.reinvite = &reinvite{cseq: cseq.SeqNo}
	}
	req := d.inDialog(method, cseq)
	req.AppendHeader(d.e.contact(d.hop))
	req.AppendHeader(sip.NewHeader("Allow", allow))
	req.AppendHeader(sip.NewHeader("Supported", supported))
	for _, some := range headers {
		for _, h := range some {
			req.AppendHeader(h)
		}
	}
	if offer != nil {
		req.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
		req.SetBody(offer)
	}
	return req, d.hop
}

// offerEnded notes that a re-INVITE of ours has its end.
func (d *dialog) offerEnded(cseq uint32, res *sip.Response) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r := d.reinvite; r != nil && r.cseq == cseq && (res == nil || !res.IsSuccess()) {
		r.over = true
	}
}

// taken takes a 2xx to heart: the far end's new target, the session timer and, of a re-INVITE, the answer.
func (d *dialog) taken(req *sip.Request, res *sip.Response) {
	d.mu.Lock()
	d.retarget(res)
	d.sessionOf(res)
	d.mu.Unlock()
	if !req.IsInvite() {
		return
	}
	d.mu.Lock()
	ack, hop := d.newAck(req), d.hop
	if r := d.reinvite; r != nil && r.cseq == req.CSeq().SeqNo {
		r.ack, r.over = ack, true
	}
	d.mu.Unlock()
	_ = d.e.write(ack.Clone(), hop) // lost: the 2xx comes again
	d.owned().acknowledged(res.Body())
}

// newAck acknowledges a 2xx to an INVITE inside the dialog, with the credentials of that INVITE. The caller holds d.mu.
func (d *dialog) newAck(invite *sip.Request) *sip.Request {
	ack := d.inDialog(sip.ACK, &sip.CSeqHeader{SeqNo: invite.CSeq().SeqNo, MethodName: sip.ACK})
	for _, name := range []string{"Authorization", "Proxy-Authorization"} {
		sip.CopyHeaders(name, invite, ack)
	}
	ack.SetBody(nil)
	return ack
}

// bye tells the far end that it is over, until it says so too or 32 s have passed.
func (d *dialog) bye() {
	d.e.job(func() {
		ctx, stop := context.WithTimeout(context.Background(), linger)
		defer stop()
		res, err := d.request(ctx, sip.BYE)
		if err == nil && (res.IsSuccess() || res.StatusCode == sip.StatusCallTransactionDoesNotExists) {
			d.parted()
		} // else to us it is over all the same
	})
}

// request sends a request without a body inside the dialog, and returns the final response.
func (d *dialog) request(ctx context.Context, method sip.RequestMethod) (*sip.Response, error) {
	auth := authorization{cred: d.cred}
	for {
		cseq := d.nextCSeq(method)
		d.mu.Lock()
		req, hop := d.inDialog(method, cseq), d.hop
		d.mu.Unlock()
		for _, h := range auth.headers() {
			req.AppendHeader(h)
		}
		res, err := d.e.do(ctx, req, hop)
		if err != nil || !auth.answer(req, res) {
			return res, err
		}
	}
}
