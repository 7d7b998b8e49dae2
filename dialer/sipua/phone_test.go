package sipua

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/internal/media"
)

// talkingPhone is a phone that answers at once and speaks a tone of 800 Hz for as long as its test lives. It answers its address.
func talkingPhone(t *testing.T) string { return phoneThat(t, func([]byte) {}) }

// phoneThat is a talking phone that hands on what it hears, packet by packet.
func phoneThat(t *testing.T, hears func(ulaw []byte)) string {
	t.Helper()
	sound, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	sip, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sound.Close(); sip.Close() })
	sdp := string(description{addr: sound.LocalAddr().(*net.UDPAddr).AddrPort(), codecs: []media.Codec{media.ULaw},
		direction: "sendrecv"}.text(1))
	go func() {
		buf := make([]byte, 2048)
		for {
			k, err := sound.Read(buf)
			if err != nil {
				return
			}
			hears(buf[12:k])
		}
	}()
	go func() {
		buf := make([]byte, 4096)
		for {
			k, from, err := sip.ReadFromUDP(buf)
			if err != nil {
				return
			}
			msg := string(buf[:k])
			if strings.HasPrefix(msg, "ACK ") {
				continue
			}
			if strings.HasPrefix(msg, "INVITE ") {
				if d, err := parseSDP([]byte(msg[strings.Index(msg, "\r\n\r\n")+4:])); err == nil {
					go chatter(t.Context(), sound, &net.UDPAddr{IP: d.addr.Addr().AsSlice(), Port: int(d.addr.Port())})
				}
			}
			_, _ = sip.WriteToUDP([]byte(phoneAnswer(msg, sip.LocalAddr().String(), sdp)), from)
		}
	}()
	return sip.LocalAddr().String()
}

// phoneAnswer is a 200 to any request.
func phoneAnswer(msg, addr, sdp string) string {
	var b strings.Builder
	b.WriteString("SIP/2.0 200 OK\r\n")
	for line := range strings.SplitSeq(msg, "\r\n") {
		name, _, _ := strings.Cut(line, ":")
		switch name {
		case "Via", "From", "Call-ID", "CSeq":
			b.WriteString(line + "\r\n")
		case "To":
			if !strings.Contains(line, "tag=") {
				line += ";tag=phone"
			}
			b.WriteString(line + "\r\n")
		}
		if line == "" {
			break
		}
	}
	b.WriteString("Contact: <sip:phone@" + addr + ">\r\n")
	if strings.HasPrefix(msg, "INVITE") {
		b.WriteString("Content-Type: application/sdp\r\n\r\n" + sdp)
	} else {
		b.WriteString("Content-Length: 0\r\n\r\n")
	}
	return b.String()
}

func chatter(ctx context.Context, conn *net.UDPConn, to *net.UDPAddr) {
	pkt := make([]byte, 172)
	pkt[0] = 0x80
	tone := media.Tone(800, time.Second, 0)
	began := time.Now()
	for i := 0; ; i++ {
		pkt[2], pkt[3] = byte(i>>8), byte(i)
		ts := i * 160
		pkt[4], pkt[5], pkt[6], pkt[7] = byte(ts>>24), byte(ts>>16), byte(ts>>8), byte(ts)
		copy(pkt[12:], tone[i%50*160:])
		_, _ = conn.WriteToUDP(pkt, to)
		select {
		// a ticker would drop what a busy machine delays
		case <-time.After(time.Until(began.Add(time.Duration(i+1) * 20 * time.Millisecond))):
		case <-ctx.Done():
			return
		}
	}
}
