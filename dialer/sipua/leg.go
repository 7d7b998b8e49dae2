package sipua

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"

	"github.com/emiago/sipgo/sip"

	"github.com/creditorro/ringmaster/internal/media"
)

// leg is one side of a call: a dialog and its sound.
type leg struct {
	*dialog
	side    media.Side
	sound   media.Leg
	udp     *media.UDP     // sound, when it is plain RTP
	browser *media.Browser // sound, when it is a browser
	binding Binding        // of the phone, when it is registered here
	told    func(*leg, event)

	once sync.Once

	mu        sync.Mutex
	local     []byte // our last SDP
	ours      description
	ufrag     string // of the browser's last SDP
	version   int
	direction string // as the far end last said
}

const (
	farHeld    eventKind = iota + hungUp + 1 // the far end does not want to hear us
	farResumed                               // it does again
	pressed                                  // a key, told by INFO
)

const ourEventPT = 101

// newLeg prepares a leg over plain RTP and its offer.
func newLeg(side media.Side, d *dialog, udp *media.UDP, ip netip.Addr, codecs []media.Codec, told func(*leg, event)) *leg {
	l := &leg{dialog: d, side: side, sound: udp, udp: udp, told: told, version: 1, direction: "sendrecv"}
	l.ours = description{addr: netip.AddrPortFrom(ip, uint16(udp.Port())), codecs: codecs, eventPT: ourEventPT,
		direction: "sendrecv"}
	l.local = l.ours.text(l.version)
	d.own(l)
	return l
}

// newBrowserLeg prepares a leg to a browser with the offer that pion made.
func newBrowserLeg(side media.Side, d *dialog, b *media.Browser, offer []byte, told func(*leg, event)) *leg {
	l := &leg{dialog: d, side: side, sound: b, browser: b, told: told, local: offer, version: 1, direction: "sendrecv"}
	d.own(l)
	return l
}

func (l *leg) notify(ev event) { l.told(l, ev) }

// accept takes the far end's answer, of a 2xx or of early media.
func (l *leg) accept(answer []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.browser != nil {
		if d, err := parseSDP(answer); err == nil {
			l.ufrag = d.ufrag
		}
		return l.browser.Accept(answer)
	}
	d, err := parseSDP(answer)
	if err != nil {
		return err
	}
	return l.agree(d)
}

// agree applies a phone's or trunk's SDP to the sound. The caller holds l.mu.
func (l *leg) agree(d description) error {
	codec, err := l.common(d)
	if err != nil {
		return err
	}
	l.udp.Agree(d.addr, l.signalling(), media.Format{Codec: codec, EventPT: d.eventPT})
	return nil
}

func (l *leg) common(d description) (media.Codec, error) {
	for _, c := range d.codecs {
		for _, ours := range l.ours.codecs {
			if c == ours {
				return c, nil
			}
		}
	}
	return 0, fmt.Errorf("%w: no codec in common", errSDP)
}

// signalling is the address that the far end's SIP messages come from.
func (l *leg) signalling() netip.Addr {
	l.dialog.mu.Lock()
	defer l.dialog.mu.Unlock()
	addr, _ := netip.ParseAddr(hostOf(l.hop.addr))
	return addr.Unmap()
}

var errNoOffer = errors.New("sipua: a re-INVITE without an offer is not supported on browser legs")

// reoffer answers a new offer inside the dialog.
func (l *leg) reoffer(offer []byte) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.version++
	if l.browser != nil {
		return l.reofferBrowser(offer)
	}
	if len(offer) == 0 { // the far end wants our offer; its ACK has the answer
		l.ours.direction = "sendrecv"
		l.local = l.ours.text(l.version)
		return l.local, nil
	}
	d, err := parseSDP(offer)
	if err != nil {
		return nil, err
	}
	if err := l.agree(d); err != nil {
		return nil, err
	}
	answer := l.ours
	answer.codecs = []media.Codec{l.udp.Format().Codec}
	answer.eventPT = d.eventPT
	answer.direction = mirrored(d.direction)
	l.local = answer.text(l.version)
	l.turn(d.direction)
	return l.local, nil
}

func (l *leg) acknowledged(answer []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d, err := parseSDP(answer)
	if err != nil || l.browser != nil || l.agree(d) != nil {
		return // what was agreed before still holds
	}
	l.turn(d.direction)
}

// maySleep reports whether the far end said that it sends nothing.
func (l *leg) maySleep() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.direction == "inactive" || l.direction == "recvonly"
}

// reofferBrowser answers from the stored SDP: pion's own answer to a re-offer breaks JsSIP's hold. Pion hears of it only when the
// browser restarted ICE, as after a change of its network.
func (l *leg) reofferBrowser(offer []byte) ([]byte, error) {
	d, err := parseSDP(offer)
	if err != nil {
		if len(offer) == 0 {
			return nil, errNoOffer
		}
		return nil, err
	}
	if d.ufrag != l.ufrag {
		answer, err := l.browser.Reoffer(offer)
		if err != nil {
			return nil, err
		}
		l.ufrag, l.local = d.ufrag, answer
	}
	l.local = readdress(l.local, mirrored(d.direction), l.version)
	l.turn(d.direction)
	return l.local, nil
}

// turn tells of hold and resume. The caller holds l.mu.
func (l *leg) turn(direction string) {
	was := holds(l.direction)
	l.direction = direction
	switch is := holds(direction); {
	case is && !was:
		go l.told(l, event{kind: farHeld})
	case !is && was:
		go l.told(l, event{kind: farResumed})
	}
}

// end hangs up and closes the sound.
func (l *leg) end() {
	l.once.Do(func() {
		l.hangup()
		l.own(nobody{})
		l.sound.Close()
	})
}

// moved makes hop the flow of the leg's dialog: the same phone is back by another connection.
func (l *leg) moved(h hop) {
	l.dialog.mu.Lock()
	defer l.dialog.mu.Unlock()
	l.hop = h
}

func (l *leg) currentHop() hop {
	l.dialog.mu.Lock()
	defer l.dialog.mu.Unlock()
	return l.hop
}

// autoAnswer asks a phone to answer by itself; browsers' JsSIP does so anyway.
func autoAnswer() []sip.Header {
	return []sip.Header{
		sip.NewHeader("Call-Info", "<sip:ringmaster>;answer-after=0"),
		sip.NewHeader("Alert-Info", "<http://ringmaster>;info=alert-autoanswer;delay=0"),
	}
}
