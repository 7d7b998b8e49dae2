package sipua

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"
	"github.com/icholy/digest"
	"github.com/pion/logging"
	"github.com/pion/webrtc/v4"

	"github.com/creditorro/ringmaster/internal/media"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// benchTabs is many browsers: each registers over WebSocket, answers what rings, and says a tone over SRTP.
func benchTabs() {
	n, _ := strconv.Atoi(os.Getenv("SIPUA_TABS"))
	ctx, stop := context.WithCancel(context.Background())
	for i := range n {
		go func() {
			if err := benchTab(ctx, os.Getenv("SIPUA_WS"), strconv.Itoa(i)); err != nil && ctx.Err() == nil && !errors.Is(err, io.EOF) &&
				websocket.CloseStatus(err) != websocket.StatusGoingAway { // the engine's own end
				fmt.Fprintln(os.Stderr, "tab", i, err)
			}
		}()
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	stop()
}

func benchTab(ctx context.Context, addr, extension string) error {
	var conn *websocket.Conn
	for {
		var err error
		if conn, _, err = websocket.Dial(ctx, "ws://"+addr, &websocket.DialOptions{Subprotocols: []string{"sip"}}); err == nil {
			break
		}
		testdeps.Lasts(50 * time.Millisecond) // the engine is not there yet
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	user := fmt.Sprintf("%d.%d.%s", time.Now().Add(time.Hour).Unix(), theOwner, extension)
	register := func(cseq int, auth string) error {
		return conn.Write(ctx, websocket.MessageText, fmt.Appendf(nil,
			"REGISTER sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/WS tab.invalid;branch=z9hG4bK%s%d\r\n"+
				"From: <sip:%[1]s@127.0.0.1>;tag=t\r\nTo: <sip:%[1]s@127.0.0.1>\r\nCall-ID: r%[1]s\r\nCSeq: %[2]d "+
				"REGISTER\r\nMax-Forwards: 70\r\n"+
				"Contact: <sip:%[1]s@tab.invalid;transport=ws>\r\nExpires: 600\r\n%[3]sContent-Length: 0\r\n\r\n", extension, cseq, auth))
	}
	if err := register(1, ""); err != nil {
		return err
	}
	for {
		_, b, err := conn.Read(ctx)
		if err != nil {
			return err
		}
		msg := string(b)
		switch {
		case strings.HasPrefix(msg, "SIP/2.0 401"):
			_, rest, _ := strings.Cut(msg, "WWW-Authenticate: ")
			line, _, _ := strings.Cut(rest, "\r\n")
			c, err := digest.ParseChallenge(line)
			if err != nil {
				return err
			}
			cred, err := digest.Digest(c, digest.Options{Method: "REGISTER", URI: "sip:127.0.0.1", Username: user,
				Password: newSecrets(make([]byte, 32)).password(user), Count: 1})
			if err != nil {
				return err
			}
			err = register(2, "Authorization: "+cred.String()+"\r\n")
			if err != nil {
				return err
			}
		case strings.HasPrefix(msg, "INVITE "):
			_, offer, _ := strings.Cut(msg, "\r\n\r\n")
			answer, err := benchPeer(ctx, offer)
			if err != nil {
				return err
			}
			if err := conn.Write(ctx, websocket.MessageText, []byte(phoneAnswer(msg, "tab.invalid;transport=ws", answer))); err != nil {
				return err
			}
		case strings.HasPrefix(msg, "BYE "):
			_ = conn.Write(ctx, websocket.MessageText, []byte(phoneAnswer(msg, "tab.invalid", "")))
		case msg == "\r\n\r\n":
			_ = conn.Write(ctx, websocket.MessageText, []byte("\r\n"))
		}
	}
}

// benchPeer answers an offer as a browser does, and begins to speak.
func benchPeer(ctx context.Context, offer string) (string, error) {
	var set webrtc.SettingEngine
	set.LoggerFactory = &logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled}
	set.SetIncludeLoopbackCandidate(true)
	set.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	set.SetInterfaceFilter(func(name string) bool { return name == "lo" })
	var engine webrtc.MediaEngine
	_ = engine.RegisterDefaultCodecs()
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(set),
		webrtc.WithMediaEngine(&engine)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return "", err
	}
	track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypePCMA, ClockRate: media.Rate},
		"audio", "tab")
	if err != nil {
		return "", err
	}
	if _, err := pc.AddTrack(track); err != nil {
		return "", err
	}
	pc.OnTrack(func(remote *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		buf := make([]byte, 2048)
		for {
			if _, _, err := remote.Read(buf); err != nil {
				return
			}
		}
	})
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		return "", err
	}
	answer, err := pc.CreateAnswer(nil)
	if err != nil {
		return "", err
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(answer); err != nil {
		return "", err
	}
	<-gathered
	go func() {
		pkt := make([]byte, 172)
		pkt[0], pkt[1] = 0x80, byte(media.ALaw)
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		for i := 0; ctx.Err() == nil; i++ {
			pkt[2], pkt[3] = byte(i>>8), byte(i)
			ts := i * 160
			pkt[4], pkt[5], pkt[6], pkt[7] = byte(ts>>24), byte(ts>>16), byte(ts>>8), byte(ts)
			_, _ = track.Write(pkt)
			<-ticker.C
		}
	}()
	return pc.LocalDescription().SDP, nil
}
