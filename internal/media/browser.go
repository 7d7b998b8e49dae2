package media

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/webrtc/v4"
)

// Browsers makes legs to browsers. All of them share one UDP port and one certificate; we are the ICE-lite side (RFC 8445,
// section 2.5), which is right for a server with a public address: the browser does the probing.
type Browsers struct {
	api         *webrtc.API
	conn        net.PacketConn
	certificate *webrtc.Certificate
}

// eventPT is the payload type under which we offer telephone events to browsers.
const eventPT = 101

// NewBrowsers listens on the UDP address listen and tells browsers that it is reached at ip.
func NewBrowsers(listen string, ip net.IP) (*Browsers, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("media: browser certificate: %w", err)
	}
	certificate, err := webrtc.GenerateCertificate(key)
	if err != nil {
		return nil, fmt.Errorf("media: browser certificate: %w", err)
	}
	conn, err := net.ListenPacket("udp4", listen)
	if err != nil {
		return nil, fmt.Errorf("media: browser port: %w", err)
	}
	_ = conn.(*net.UDPConn).SetReadBuffer(4 << 20) // best effort: the system's limit may be lower

	var engine webrtc.MediaEngine
	for _, c := range []webrtc.RTPCodecParameters{
		{RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypePCMA, ClockRate: Rate},
			PayloadType: webrtc.PayloadType(ALaw)},
		{RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypePCMU, ClockRate: Rate},
			PayloadType: webrtc.PayloadType(ULaw)},
		{RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: "audio/telephone-event", ClockRate: Rate, SDPFmtpLine: "0-15"},
			PayloadType: eventPT},
	} {
		if err := engine.RegisterCodec(c, webrtc.RTPCodecTypeAudio); err != nil {
			return nil, errors.Join(fmt.Errorf("media: codec %s: %w", c.MimeType, err), conn.Close())
		}
	}
	var set webrtc.SettingEngine
	// what matters reaches us as states
	quiet := &logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled}
	set.LoggerFactory = quiet
	set.SetLite(true)
	set.SetICEUDPMux(webrtc.NewICEUDPMux(quiet.NewLogger("ice"), conn))
	set.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	set.SetIncludeLoopbackCandidate(ip.IsLoopback())
	if !ip.IsLoopback() {
		rule := webrtc.ICEAddressRewriteRule{External: []string{ip.String()}, AsCandidateType: webrtc.ICECandidateTypeHost}
		if err := set.SetICEAddressRewriteRules(rule); err != nil {
			return nil, errors.Join(fmt.Errorf("media: advertised address: %w", err), conn.Close())
		}
	}
	set.SetICETimeouts(5*time.Second, 20*time.Second, 2*time.Second)
	set.SetReceiveMTU(2048)
	return &Browsers{
		// An empty registry: without one pion adds interceptors that repair and report, which G.711 on a call needs none of.
		api: webrtc.NewAPI(webrtc.WithMediaEngine(&engine), webrtc.WithSettingEngine(set),
			webrtc.WithInterceptorRegistry(&interceptor.Registry{})),

		conn:        conn,
		certificate: certificate,
	}, nil
}

// Close frees the port; legs must be closed before.
func (b *Browsers) Close() error { return b.conn.Close() }

// Browser is a leg over DTLS-SRTP to a browser.
type Browser struct {
	inward
	out    outward
	pc     *webrtc.PeerConnection
	track  *webrtc.TrackLocalStaticRTP
	once   sync.Once
	closed chan struct{}

	reporting sync.Once
	deaf      atomic.Bool
}

// Offer makes a leg that prefers codec and its SDP offer, complete with candidates.
func (b *Browsers) Offer(codec Codec) (*Browser, []byte, error) {
	pc, err := b.api.NewPeerConnection(webrtc.Configuration{Certificates: []webrtc.Certificate{*b.certificate}})
	if err != nil {
		return nil, nil, fmt.Errorf("media: browser leg: %w", err)
	}
	l := &Browser{pc: pc, closed: make(chan struct{})}
	l.format.Store(&Format{Codec: codec})
	offer, err := l.offer(codec)
	if err != nil {
		l.Close()
		return nil, nil, fmt.Errorf("media: browser leg: %w", err)
	}
	return l, offer, nil
}

func (l *Browser) offer(codec Codec) ([]byte, error) {
	mime := webrtc.MimeTypePCMU
	if codec == ALaw {
		mime = webrtc.MimeTypePCMA
	}
	track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: mime, ClockRate: Rate}, "audio", "ringmaster")
	if err != nil {
		return nil, err
	}
	l.track = track
	sender, err := l.pc.AddTrack(track)
	if err != nil {
		return nil, err
	}
	for _, e := range sender.GetParameters().Encodings {
		l.out.ssrc = uint32(e.SSRC) // pion writes it into what we send
	}
	go l.readReports(sender.Read)
	l.pc.OnTrack(func(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
		go l.readReports(receiver.Read)
		l.read(track)
	})
	l.pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateFailed || s == webrtc.PeerConnectionStateClosed {
			l.end()
		}
	})
	offer, err := l.pc.CreateOffer(nil)
	if err != nil {
		return nil, err
	}
	gathered := webrtc.GatheringCompletePromise(l.pc)
	if err := l.pc.SetLocalDescription(offer); err != nil {
		return nil, err
	}
	select {
	case <-gathered: // at once: the only candidate is our own port
	case <-time.After(2 * time.Second):
		return nil, errors.New("no ICE candidate within 2 s")
	}
	return []byte(l.pc.LocalDescription().SDP), nil
}

func (l *Browser) read(track *webrtc.TrackRemote) {
	buf := make([]byte, 2048)
	for {
		n, _, err := track.Read(buf)
		if err != nil {
			return
		}
		l.receive(buf[:n], time.Now(), nil)
	}
}

// readReports takes the browser's RTCP.
func (l *Browser) readReports(read func([]byte) (int, interceptor.Attributes, error)) {
	buf := make([]byte, 1500)
	for {
		n, _, err := read(buf)
		if err != nil {
			return
		}
		l.control(buf[:n], l.out.ssrc, time.Now())
	}
}

// report tells the browser how it is heard, until the leg ends.
func (l *Browser) report() {
	for {
		select {
		case <-time.After(reportIn()):
			_ = l.pc.WriteRTCP(report(&l.inward, &l.out, time.Now())) // before DTLS is up it is dropped
		case <-l.closed:
			return
		}
	}
}

// LastAlive: a browser's consent to be spoken to (RFC 7675) is its life, whether it says anything or not. Pion calls the path
// disconnected when nothing has come for 5 s.
func (l *Browser) LastAlive() time.Time {
	switch l.pc.ICEConnectionState() {
	case webrtc.ICEConnectionStateConnected, webrtc.ICEConnectionStateCompleted:
		return time.Now()
	}
	return l.inward.LastAlive()
}

// Accept takes the browser's answer to the offer.
func (l *Browser) Accept(answer []byte) error {
	err := l.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: string(answer)})
	if err != nil {
		return fmt.Errorf("media: browser's answer: %w", err)
	}
	f := Format{Codec: l.Format().Codec}
	for _, sender := range l.pc.GetSenders() {
		for _, c := range sender.GetParameters().Codecs {
			if strings.EqualFold(c.MimeType, "audio/telephone-event") {
				f.EventPT = uint8(c.PayloadType)
			}
		}
	}
	l.format.Store(&f)
	l.reporting.Do(func() { go l.report() })
	return nil
}

// Mute stops, or lets go on, what we send: the browser said that it does not want to hear us.
func (l *Browser) Mute(on bool) { l.deaf.Store(on) }

// Reoffer answers a new offer of the browser, as after an ICE restart.
func (l *Browser) Reoffer(offer []byte) ([]byte, error) {
	err := l.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: string(offer)})
	if err != nil {
		return nil, fmt.Errorf("media: browser's new offer: %w", err)
	}
	answer, err := l.pc.CreateAnswer(nil)
	if err == nil {
		err = l.pc.SetLocalDescription(answer)
	}
	if err != nil {
		return nil, fmt.Errorf("media: answer to the browser's new offer: %w", err)
	}
	return []byte(l.pc.LocalDescription().SDP), nil
}

// Send writes p to the browser; before DTLS is up it is dropped.
func (l *Browser) Send(p *Packet) {
	if l.deaf.Load() {
		return
	}
	l.out.write(p, l.format.Load(), func(b []byte) { _, _ = l.track.Write(b) })
}

// Closed is closed when the browser went away: by its DTLS close, or unheard for 20 s.
func (l *Browser) Closed() <-chan struct{} { return l.closed }

func (l *Browser) end() { l.once.Do(func() { close(l.closed) }) }

// Close ends the leg.
func (l *Browser) Close() {
	l.mu.Lock()
	l.stopped = true
	l.mu.Unlock()
	l.end()
	_ = l.pc.Close()
}
