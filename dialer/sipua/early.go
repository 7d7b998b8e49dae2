package sipua

import "github.com/emiago/sipgo/sip"

// earlyDialog is what a provisional response with a tag has begun (RFC 3261, section 12.1): the far end may already send
// requests.
type earlyDialog struct {
	farCSeq uint32
	spoken  bool // it sent SDP, which we took for its answer
}

// noteEarly keeps the early dialog of a provisional response. The caller holds d.mu.
func (d *dialog) noteEarly(res *sip.Response) {
	tag := toTag(res)
	if d.state != inviting || tag == "" || res.StatusCode == sip.StatusTrying {
		return
	}
	e := d.earlies[tag]
	if e == nil {
		if len(d.earlies) == maxForks {
			return
		}
		if d.earlies == nil {
			d.earlies = map[string]*earlyDialog{}
		}
		e = &earlyDialog{}
		d.earlies[tag] = e
	}
	e.spoken = e.spoken || len(res.Body()) > 0
}

// confirmEarly goes on with the early dialog that was answered; the others are none any more. The caller holds d.mu.
func (d *dialog) confirmEarly() {
	if e := d.earlies[d.remoteTag]; e != nil {
		d.farCSeq, d.arrived = e.farCSeq, e.farCSeq
	}
	d.earlies = nil
}

// mayOffer reports whether the far end may make an offer now: not while one is on its way (RFC 3311, section 5.2). The caller
// holds d.mu.
func (d *dialog) mayOffer(tag string) bool {
	if d.state == inviting {
		e := d.earlies[tag]
		return e != nil && e.spoken
	}
	return !d.offering() && (d.unacked == nil || !d.unacked.offered)
}
