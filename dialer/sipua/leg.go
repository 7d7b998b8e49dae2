package sipua

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"slices"
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
	keys      *media.Keys // of SRTP; nil: none are agreed on
	ufrag     string      // of the browser's last SDP
	version   int
	accepted  bool                   // the answer to our first offer was taken
	renewed   bool                   // the far end has offered anew since it answered
	direction string                 // as the far end last said
	early     map[string]description // of the phones that ring, by their tag
}

const (
	farHeld    eventKind = iota + hungUp + 1 // the far end does not want to hear us
	farResumed                               // it does again
	pressed                                  // a key, told by INFO
	sounded                                  // the far end is heard before it answered
	overheard                                // who listens to the customer knows more
)

const ourEventPT = 101

// newLeg prepares a leg over RTP and its offer. With secure, the sound is protected by keys in the SDP.
func newLeg(side media.Side, d *dialog, udp *media.UDP, ip netip.Addr, codecs []media.Codec, secure bool,
	told func(*leg, event)) *leg {
	l := &leg{dialog: d, side: side, sound: udp, udp: udp, told: told, version: 1, direction: "sendrecv"}
	l.ours = description{addr: netip.AddrPortFrom(ip, uint16(udp.Port())), codecs: codecs, eventPT: ourEventPT,
		direction: "sendrecv"}
	if secure {
		l.ours.crypto = media.OfferCrypto()
	}
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

// maxRinging bounds the phones that one INVITE rings and whose SDP is kept.
const maxRinging = 8

// rung takes the SDP of a 18x: one phone's, of perhaps several that ring. All of them may be heard until one answers.
func (l *leg) rung(tag string, body []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.browser != nil {
		return nil // browsers are heard when they answer
	}
	d, err := l.read(body)
	if err != nil {
		return err
	}
	_, known := l.early[tag]
	if !known && len(l.early) == maxRinging {
		return fmt.Errorf("%w: more than %d phones ring", errSDP, maxRinging)
	}
	first := len(l.early) == 0
	if first {
		l.early = map[string]description{}
	}
	l.early[tag] = d
	if first || known || l.ours.secured() {
		return l.agree(d, true)
	}
	l.udp.Expect(d.addr)
	return nil
}

// accept takes the far end's answer: of the 2xx, or where that has none, of the 18x by the same phone. The dialog lives since our
// ACK, a moment ago: what the far end has offered in it since then is newer, and holds.
func (l *leg) accept(tag string, answer []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.accepted = true
	if l.browser != nil {
		if direction, ufrag, err := browserSDP(answer); err == nil {
			l.ufrag, l.direction = ufrag, direction
			l.browser.Mute(holds(direction))
		}
		return l.browser.Accept(answer)
	}
	d, known := l.early[tag]
	if len(answer) > 0 || !known {
		var err error
		if d, err = l.read(answer); err != nil {
			return err
		}
	}
	l.early = nil
	if l.renewed {
		return nil
	}
	if err := l.agree(d, true); err != nil {
		return err
	}
	l.direction = d.direction
	return nil
}

// read reads the far end's SDP.
func (l *leg) read(body []byte) (description, error) {
	d, err := readSDP(body, l.ours.secured())
	if err == nil && d.addr.Addr().Is4() != l.ours.addr.Addr().Is4() {
		err = fmt.Errorf("%w: connection address %s: want the family of %s, which we offered", errSDP, d.addr.Addr(),
			l.ours.addr.Addr())
	}
	return d, err
}

// agree applies a phone's or trunk's SDP to the sound: the answer to our offer, or an offer of its own. The caller holds l.mu.
func (l *leg) agree(d description, answers bool) error {
	codec, err := l.common(d, answers)
	if err != nil {
		return err
	}
	if l.ours.secured() {
		if err := l.exchange(d, answers); err != nil {
			return err
		}
	}
	f := media.Format{Codec: codec, SendPT: d.pt(codec), EventPT: d.eventPT, Hear: d.hear, Length: d.length, Most: d.most}
	if answers { // it sends under the numbers of our offer, if it does as it should
		f.Hear[ourEventPT] = media.Events
	}
	return l.udp.Agree(media.Terms{To: d.addr, Control: d.control, Mux: d.mux && !answers, Signalling: l.signalling(),
		Deaf: holds(d.direction), Format: f, Keys: l.keys})
}

// exchange agrees on keys. The caller holds l.mu.
func (l *leg) exchange(d description, answers bool) error {
	for _, theirs := range d.crypto {
		if !answers { // an offer: its first suite that we know; our own key may stay
			ours := media.AnswerCrypto(theirs)
			if l.keys != nil && l.keys.Ours.Answers(theirs) {
				ours = l.keys.Ours
			}
			l.keys = &media.Keys{Ours: ours, Theirs: theirs}
			return nil
		}
		for _, ours := range l.ours.crypto {
			if theirs.Answers(ours) {
				l.keys = &media.Keys{Ours: ours, Theirs: theirs}
				return nil
			}
		}
	}
	return fmt.Errorf("%w: none of our keys was taken", errSDP)
}

// common is the codec to speak: in an offer of the far end the one that is spoken already, if it may stay.
func (l *leg) common(d description, answers bool) (media.Codec, error) {
	if now := l.sound.Format().Codec; !answers && slices.Contains(d.codecs, now) && slices.Contains(l.ours.codecs, now) {
		return now, nil
	}
	for _, c := range d.codecs {
		if slices.Contains(l.ours.codecs, c) {
			return c, nil
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

var (
	errNoOffer = errors.New("sipua: a re-INVITE without an offer is not supported on browser legs")
	errTooSoon = errors.New("sipua: the answer to our own offer is not taken yet")
)

// reoffer answers a new offer inside the dialog, of the phone with this tag.
func (l *leg) reoffer(tag string, offer []byte) ([]byte, error) {
	rings := l.ringing()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.browser != nil && !l.accepted {
		return nil, errTooSoon
	}
	l.version++
	if l.browser != nil {
		return l.reofferBrowser(offer)
	}
	if len(offer) == 0 { // the far end wants our offer; its ACK has the answer
		l.ours.direction = "sendrecv"
		l.local = l.ours.text(l.version)
		return l.local, nil
	}
	d, err := l.read(offer)
	if err != nil {
		return nil, err
	}
	if err := l.agree(d, false); err != nil {
		return nil, err
	}
	answer := description{addr: l.ours.addr, codecs: []media.Codec{l.udp.Format().Codec}, pts: d.pts, eventPT: d.eventPT, mux: d.mux,
		direction: mirrored(d.direction), profile: d.profile, streams: d.streams, at: d.at}
	if l.keys != nil {
		answer.crypto = []media.Crypto{l.keys.Ours}
	}
	l.local = answer.text(l.version)
	l.renewed = !rings
	if _, known := l.early[tag]; rings && known {
		l.early[tag] = d
	}
	l.turn(d.direction)
	return l.local, nil
}

func (l *leg) acknowledged(answer []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.browser != nil {
		return
	}
	d, err := l.read(answer)
	if err != nil || l.agree(d, true) != nil {
		return // what was agreed before still holds
	}
	l.renewed = true
	l.turn(d.direction)
}

// offer is our SDP in force. A browser's side of it was an offer of either side; as an offer it lets the browser choose its part
// in DTLS anew, which it keeps.
func (l *leg) offer() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.browser != nil {
		return bytes.ReplaceAll(l.local, []byte("a=setup:passive"), []byte("a=setup:actpass"))
	}
	return l.local
}

// rests reports whether the far end said that it sends nothing, or does not want to hear us: then silence tells nothing.
func (l *leg) rests() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.direction != "sendrecv"
}

// holding reports whether the far end does not want to hear us.
func (l *leg) holding() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return holds(l.direction)
}

// reofferBrowser answers from the stored SDP: pion's own answer to a re-offer breaks JsSIP's hold. Pion hears of it only when the
// browser restarted ICE, as after a change of its network.
func (l *leg) reofferBrowser(offer []byte) ([]byte, error) {
	direction, ufrag, err := browserSDP(offer)
	if err != nil {
		if len(offer) == 0 {
			return nil, errNoOffer
		}
		return nil, err
	}
	if ufrag != l.ufrag {
		answer, err := l.browser.Reoffer(offer)
		if err != nil {
			return nil, err
		}
		l.ufrag, l.local = ufrag, answer
	}
	l.local = readdress(l.local, mirrored(direction), l.version)
	l.browser.Mute(holds(direction))
	l.turn(direction)
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

// autoAnswer asks a phone to answer by itself; browsers' JsSIP does so anyway.
func autoAnswer() []sip.Header {
	return []sip.Header{
		sip.NewHeader("Call-Info", "<sip:ringmaster>;answer-after=0"),
		sip.NewHeader("Alert-Info", "<http://ringmaster>;info=alert-autoanswer;delay=0"),
	}
}
