package sipua

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/creditorro/ringmaster/internal/media"
)

// TestNewerSDPHolds: the far end may offer anew as soon as our ACK is there, before the call has looked at its answer.
func TestNewerSDPHolds(t *testing.T) {
	ports, err := media.NewPorts(4000, 5998)
	if err != nil {
		t.Fatal(err)
	}
	sdp := func(port uint16, codec media.Codec) []byte {
		return description{addr: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port), codecs: []media.Codec{codec},
			eventPT: 101, direction: "sendrecv"}.text(1)
	}
	ringing := func(l *leg, yes bool) {
		l.dialog.mu.Lock()
		defer l.dialog.mu.Unlock()
		l.dialog.state = confirmed
		if yes {
			l.dialog.state = inviting
		}
	}
	for _, row := range []struct {
		name string
		do   func(*leg) error
		want media.Codec
	}{
		{"the answer after a re-INVITE", func(l *leg) error {
			ringing(l, false)
			if _, err := l.reoffer("tag", sdp(4002, media.ULaw)); err != nil {
				return err
			}
			return l.accept("tag", sdp(4000, media.ALaw))
		}, media.ULaw},
		{"the answer in a 200 after an early UPDATE", func(l *leg) error {
			ringing(l, true)
			if err := l.rung("tag", sdp(4000, media.ALaw)); err != nil {
				return err
			}
			if _, err := l.reoffer("tag", sdp(4002, media.ALaw)); err != nil {
				return err
			}
			ringing(l, false)
			return l.accept("tag", sdp(4004, media.ULaw))
		}, media.ULaw},
		{"a 200 without SDP after an early UPDATE", func(l *leg) error {
			ringing(l, true)
			if err := l.rung("tag", sdp(4000, media.ALaw)); err != nil {
				return err
			}
			if _, err := l.reoffer("tag", sdp(4002, media.ULaw)); err != nil {
				return err
			}
			ringing(l, false)
			return l.accept("tag", nil)
		}, media.ULaw},
	} {
		t.Run(row.name, func(t *testing.T) {
			udp, err := ports.Open(netip.MustParseAddr("127.0.0.1"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(udp.Close)
			l := newLeg(media.Customer, &dialog{hop: hop{addr: "127.0.0.1:5060"}}, udp, netip.MustParseAddr("127.0.0.1"),
				[]media.Codec{media.ALaw, media.ULaw}, false, func(*leg, event) {})
			if err := row.do(l); err != nil {
				t.Fatal(err)
			}
			if got := udp.Format().Codec; got != row.want {
				t.Errorf("we speak %v, want %v", got, row.want)
			}
		})
	}
}

// TestReofferTooSoon: a browser's new offer before its answer was taken is put off.
func TestReofferTooSoon(t *testing.T) {
	l := &leg{dialog: &dialog{}, browser: &media.Browser{}}
	if _, err := l.reoffer("tag", []byte("v=0\r\n")); !errors.Is(err, errTooSoon) {
		t.Errorf("got %v", err)
	}
}
