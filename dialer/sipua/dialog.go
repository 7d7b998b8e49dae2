package sipua

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/creditorro/ringmaster/internal/amd"
)

// owner is who a dialog speaks to.
type owner interface {
	// notify tells what happened. It may block until the owner has room.
	notify(event)
	// reoffer answers a new offer of the far end, of the phone with this tag; empty: the far end wants an offer from us.
	reoffer(tag string, offer []byte) (answer []byte, err error)
	// acknowledged takes the answer to an offer that was ours, from an ACK or a 2xx.
	acknowledged(answer []byte)
	// offer is the SDP that is in force, for a re-INVITE that changes nothing.
	offer() []byte
}

// nobody owns a dialog whose call is over: it lingers to answer retransmissions, and should hold no call in memory.
type nobody struct{}

func (nobody) notify(event)                           {}
func (nobody) reoffer(string, []byte) ([]byte, error) { return nil, errClosed }
func (nobody) acknowledged([]byte)                    {}
func (nobody) offer() []byte                          { return nil }

// dialog is a SIP dialog that we began, from before its INVITE until its end.
type dialog struct {
	e      *endpoint
	callID string
	tag    string // ours
	cred   *credentials
	from   sip.Uri
	shown  string  // display name in From
	to     sip.Uri // the request's target as it was first
	extra  []sip.Header

	fence *fence             // at the write of a customer's INVITE; nil: it may always be written
	given *givenUp           // told of an answer that comes when we have given up; nil: nobody minds
	early chan *sip.Response // provisional responses, in order
	late  chan *sip.Response // final ones, once the INVITE's connection is lost
	quit  chan struct{}      // closed by cancel
	gone  chan struct{}      // closed when the far end itself has said that an answered call is over; nil: nobody minds

	mu        sync.Mutex
	owner     owner
	hop       hop
	routes    []route
	source    netip.Addr // where the answer came from
	target    sip.Uri    // the far end's Contact
	remoteTag string
	cseq      uint32
	farCSeq   uint32
	left      bool          // gone is closed
	answer    *sip.Response // the first 2xx
	ack       *sip.Request  // of it, to be sent again with each retransmission
	state     dialogState
	pending   *sip.Request // our INVITE, until it has a final response or a CANCEL
	quitting  bool
	adrift    bool               // the INVITE's connection is lost, and with it the transaction: its end comes by another one
	spoke     bool               // the far end said anything at all
	unacked   *unacked           // our 2xx to a re-INVITE; nil: there is none that waits for its ACK
	forks     map[string]*dialog // other phones that answered the same INVITE, by their tag; all are hung up

	earlies     map[string]*earlyDialog // by the far end's tag, until one of them is confirmed
	session     session
	takesUpdate bool      // the far end allows UPDATE
	reinvite    *reinvite // the last one of ours

	arrived uint32          // the highest CSeq of the far end that came in
	turns   map[uint32]turn // by CSeq
	last    chan struct{}   // of the newest turn
}

// dialogState is a stage of a dialog's life. What ends a transaction ends no dialog: a confirmed one is there until a BYE of
// either side, however long they talk.
type dialogState int

const (
	inviting dialogState = iota
	confirmed
	over // it answers retransmissions, for 64 × T1
)

// event is what a dialog tells its owner.
type event struct {
	kind eventKind
	code int    // of ringing
	tag  string // of the phone that rings or answered
	body []byte // SDP, or nil
	verdict

	key    byte // of pressed
	length time.Duration

	heard amd.Verdict // of overheard
}

type eventKind int

const (
	ringing  eventKind = iota // 18x
	answered                  // 2xx
	keptBack                  // the fence lets the INVITE be written no more; with a cause
	failed                    // with a verdict; the last event
	hungUp                    // BYE by the far end, or the dialog broke; with a cause; the last event
)

// credentials are for a far end that challenges us.
type credentials struct{ user, password string }

// invite sends the INVITE and follows it until it is over, even when the owner gave up long before: then an answer is
// acknowledged and hung up. before is asked right before the INVITE is written, again after a challenge.
func (d *dialog) invite(offer []byte, before func() error) {
	defer d.fence.close()
	auth := authorization{cred: d.cred}
	for {
		req := d.newInvite(offer, auth.headers())
		res, err := d.try(req, before)
		switch {
		case errors.As(err, new(refusedError)): // what was written before had a final response
			d.fail(verdict{cause: err.Error()}.ended())
			return
		case err != nil:
			d.fail(verdictOfError(err))
			return
		case res.IsSuccess():
			d.accept(req, res)
			return
		case d.cancelled():
			d.fail(verdictOfError(errGivenUp).ended())
			return
		case auth.answer(req, res):
			continue
		default:
			d.fail(verdictOf(res).ended())
			return
		}
	}
}

// try sends one INVITE and waits for its final response.
func (d *dialog) try(invite *sip.Request, before func() error) (*sip.Response, error) {
	if d.fence != nil {
		defer d.e.fences.guard(invite, d.fence)()
	}
	tx, err := d.e.begin(context.Background(), invite, d.currentHop(), before)
	if err != nil {
		return nil, err
	}
	if d.fence != nil {
		d.fence.left()
	}
	d.mu.Lock()
	d.pending = invite
	d.mu.Unlock()
	res, err := d.follow(tx, invite)
	if err == nil {
		d.unended()
		if res.IsSuccess() {
			tx.Terminate() // its retransmissions are observed
		}
	}
	return res, err
}

// unended is the INVITE that has neither a final response nor a CANCEL, and from now on has one of them; nil: there is none.
func (d *dialog) unended() *sip.Request {
	d.mu.Lock()
	defer d.mu.Unlock()
	invite := d.pending
	d.pending = nil
	return invite
}

func (d *dialog) newInvite(offer []byte, auth []sip.Header) *sip.Request {
	way := d.currentHop()
	req := d.e.request(sip.INVITE, d.to, way)
	from := &sip.FromHeader{DisplayName: d.shown, Address: d.from}
	from.Params.Add("tag", d.tag)
	callID := sip.CallIDHeader(d.callID)
	req.AppendHeader(from)
	req.AppendHeader(&sip.ToHeader{Address: d.to})
	req.AppendHeader(&callID)
	req.AppendHeader(d.nextCSeq(sip.INVITE))
	req.AppendHeader(d.e.contact(way))
	req.AppendHeader(sip.NewHeader("User-Agent", userAgent))
	req.AppendHeader(sip.NewHeader("Allow", allow))
	req.AppendHeader(sip.NewHeader("Supported", supported))
	for _, h := range append(d.extra[:len(d.extra):len(d.extra)], auth...) {
		req.AppendHeader(h)
	}
	req.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
	req.SetBody(offer)
	return req
}

func (d *dialog) nextCSeq(method sip.RequestMethod) *sip.CSeqHeader {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cseq++
	return &sip.CSeqHeader{SeqNo: d.cseq, MethodName: method}
}

// follow waits for the final response, passing on provisional ones and, once the owner gave up, sending the CANCEL as soon as
// it may be sent: after a first provisional response (RFC 3261, section 9.1).
func (d *dialog) follow(tx sip.ClientTransaction, req *sip.Request) (*sip.Response, error) {
	quit, heard := d.quit, false
	over := tx.Done()             // nil once the transaction is lost, but not the call
	var closed <-chan struct{}    // then only the end of the endpoint ends the wait
	var patience <-chan time.Time // how long a cancelled INVITE may stay without an end
	cancel := func() {
		if heard && d.cancelled() && d.unended() != nil {
			patience = time.After(linger)
			d.sendCancel(req)
		}
	}
	take := func(res *sip.Response) {
		heard = true
		if res.StatusCode > 100 && !d.cancelled() {
			d.tell(event{kind: ringing, code: res.StatusCode, tag: toTag(res), body: res.Body()})
		}
		cancel()
	}
	for {
		select {
		case res := <-d.early:
			take(res)
		case res := <-tx.Responses():
			d.heard() // perhaps before it is observed
			if res.IsProvisional() {
				continue // observed in order
			}
			for { // what came before the final one
				select {
				case res := <-d.early:
					take(res)
					continue
				default:
				}
				return res, nil
			}
		case <-quit:
			quit = nil
			cancel()
		case <-patience:
			tx.Terminate()
			return nil, errGivenUp
		case res := <-d.late: // on another connection: the transaction is gone, so its ACK is ours to send
			if !res.IsSuccess() {
				d.acknowledgeFailure(req, res)
			}
			return res, nil
		case <-closed:
			return nil, errClosed
		case <-over:
			// RFC 3261, section 18.2.2: who answers a request whose connection is lost opens another one. The phone rings on
			// meanwhile, so the call is not over: whoever waits for it decides how long.
			way := d.currentHop()
			if err := tx.Err(); !heard || !way.reliable() || way.flow || errors.Is(err, sip.ErrTransactionTimeout) {
				return nil, errors.Join(sip.ErrTransactionTimeout, err)
			}
			over, closed = nil, d.e.gone
			d.mu.Lock()
			d.adrift = true
			d.mu.Unlock()
			d.e.log.Info("connection lost while a phone rings: the answer may come on another one", "call_id", d.callID)
		}
	}
}

// acknowledgeFailure sends the ACK of a final response other than 2xx whose transaction is gone (RFC 3261, section 17.1.1.3).
func (d *dialog) acknowledgeFailure(invite *sip.Request, res *sip.Response) {
	ack := sip.NewRequest(sip.ACK, invite.Recipient)
	ack.AppendHeader(invite.Via().Clone())
	for _, name := range []string{"Route", "Max-Forwards", "From", "Call-ID"} {
		sip.CopyHeaders(name, invite, ack)
	}
	sip.CopyHeaders("To", res, ack)
	ack.AppendHeader(&sip.CSeqHeader{SeqNo: invite.CSeq().SeqNo, MethodName: sip.ACK})
	ack.SetBody(nil)
	way := d.currentHop()
	d.e.direct(ack, way)
	d.e.job(func() { _ = d.e.write(ack, way) })
}

func (d *dialog) sendCancel(invite *sip.Request) {
	req := sip.NewRequest(sip.CANCEL, invite.Recipient)
	req.AppendHeader(invite.Via().Clone())
	for _, name := range []string{"Route", "Max-Forwards", "From", "To", "Call-ID"} {
		sip.CopyHeaders(name, invite, req)
	}
	req.AppendHeader(&sip.CSeqHeader{SeqNo: invite.CSeq().SeqNo, MethodName: sip.CANCEL})
	way := d.currentHop()
	d.e.direct(req, way)
	d.e.job(func() {
		ctx, stop := context.WithTimeout(context.Background(), linger)
		defer stop()
		_, _ = d.e.do(ctx, req, way) // the INVITE's own end tells what came of it
	})
}

// currentHop is where the far end is spoken to now: a phone that registers by another connection moves its dialogs there.
func (d *dialog) currentHop() hop {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.hop
}

func (d *dialog) owned() owner {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.owner
}

func (d *dialog) own(o owner) {
	d.mu.Lock()
	d.owner = o
	d.mu.Unlock()
}

func (d *dialog) tell(ev event) { d.owned().notify(ev) }

// cancel gives up an INVITE that has no answer yet. An answer that comes all the same is hung up.
func (d *dialog) cancel() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.quitting {
		d.quitting = true
		close(d.quit)
	}
}

func (d *dialog) heard() {
	d.mu.Lock()
	d.spoke = true
	d.mu.Unlock()
}

// silent reports whether the far end never said anything.
func (d *dialog) silent() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.spoke
}

func (d *dialog) cancelled() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.quitting
}

// hangup ends the dialog at whatever stage it is; it returns at once.
func (d *dialog) hangup() {
	d.cancel()
	if d.finish(confirmed) {
		d.bye()
	}
}

// finish makes a dialog that is in the stage given a dialog that is over; false: it is in another one. This is the only way
// out of the endpoint's memory.
func (d *dialog) finish(from dialogState) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.state != from {
		return false
	}
	d.state = over
	d.keepSession(0, false)
	d.e.forget(d)
	return true
}

// parted notes that the far end has said that the call is over.
func (d *dialog) parted() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.gone != nil && !d.left {
		d.left = true
		close(d.gone)
	}
}

// wasAnswered reports whether the far end has answered the INVITE.
func (d *dialog) wasAnswered() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.answer != nil
}

func (d *dialog) fail(v verdict) {
	d.finish(inviting)
	d.tell(event{kind: failed, verdict: v})
}

// accept makes the dialog of the first 2xx: remote tag, target, route set (RFC 3261, section 12.1.2); then ACK.
func (d *dialog) accept(invite *sip.Request, res *sip.Response) {
	d.mu.Lock()
	d.answer = res
	d.remoteTag = toTag(res)
	d.target, d.routes = d.to, routesOf(res)
	d.source = addrOf(res.Source())
	d.retarget(res)
	d.confirmEarly()
	d.takesUpdate = lists(res, "UPDATE", "Allow")
	d.ack = d.newAck(invite)
	ack := d.ack
	d.sessionOf(res)
	late, hop := d.quitting, d.hop
	d.state = confirmed
	turn := d.newTurn() // a BYE right behind our ACK waits until the owner knows of the answer
	defer close(turn.done)
	d.mu.Unlock()
	_ = d.e.write(ack.Clone(), hop) // lost: the 2xx comes again
	if late {
		d.hangup()
		d.given.answered()
		return
	}
	d.tell(event{kind: answered, tag: toTag(res), body: res.Body()})
}

// retarget takes the far end's Contact, of any request or 2xx that may refresh it (RFC 3261, section 12.2). The caller holds
// d.mu.
func (d *dialog) retarget(msg sipMessage) {
	for h := range headersOf(msg, "Contact") {
		if c, ok := h.(*sip.ContactHeader); ok && !c.Address.Wildcard && c.Address.Host != "" {
			d.target = *c.Address.Clone()
			break
		}
	}
	d.rehop(msg)
}

// rehop finds where requests inside the dialog go: to a phone by the flow that it opened, else by the route set or the
// target. A target that names a private address, while the answer came from a public one, stands behind a NAT: then to
// where the message came from. The caller holds d.mu.
func (d *dialog) rehop(msg sip.Message) {
	if d.hop.flow {
		return
	}
	next := d.target
	if len(d.routes) > 0 {
		next = d.routes[0].uri
	}
	host, err := netip.ParseAddr(bare(next.Host))
	source, err2 := netip.ParseAddrPort(msg.Source())
	if err == nil && err2 == nil && host.IsPrivate() && !source.Addr().IsPrivate() {
		d.hop.addr = msg.Source()
		return
	}
	if t, ok := next.UriParams.Get("transport"); ok && t != "" && validTransport(sip.ASCIIToLower(t)) {
		d.hop.transport = sip.ASCIIToUpper(t)
	}
	port := next.Port
	if port == 0 {
		port = sip.DefaultPort(d.hop.transport)
	}
	d.hop.addr = hostPort(next.Host, port)
}

// inDialog makes a request inside the dialog. The caller holds d.mu.
func (d *dialog) inDialog(method sip.RequestMethod, cseq *sip.CSeqHeader) *sip.Request {
	target, routes := d.routed()
	req := d.e.request(method, target, d.hop)
	for _, h := range routes {
		req.AppendHeader(h)
	}
	from := &sip.FromHeader{Address: d.from}
	from.Params.Add("tag", d.tag)
	to := &sip.ToHeader{Address: d.to}
	to.Params.Add("tag", d.remoteTag)
	callID := sip.CallIDHeader(d.callID)
	req.AppendHeader(from)
	req.AppendHeader(to)
	req.AppendHeader(&callID)
	req.AppendHeader(cseq)
	return req
}

func toTag(msg sip.Message) string {
	if to := msg.To(); to != nil {
		return to.Params.GetOr("tag", "")
	}
	return ""
}

func fromTag(msg sip.Message) string {
	if from := msg.From(); from != nil {
		return from.Params.GetOr("tag", "")
	}
	return ""
}
