package sipua

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// wire is a carrier's end of a TCP connection.
type wire struct {
	net.Conn
	*bufio.Reader
}

func newWire(t *testing.T, conn net.Conn, err error) wire {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	return wire{conn, bufio.NewReader(conn)}
}

// await reads messages until one of the method given.
func (w wire) await(t *testing.T, method string) string {
	t.Helper()
	for {
		var b strings.Builder
		length := 0
		for {
			line, err := w.ReadString('\n')
			if err != nil {
				t.Fatalf("no %s: %v", method, err)
			}
			b.WriteString(line)
			_, _ = fmt.Sscanf(line, "Content-Length: %d", &length)
			if line == "\r\n" && b.Len() > 2 {
				break
			}
		}
		if _, err := io.CopyN(&b, w.Reader, int64(length)); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(strings.TrimLeft(b.String(), "\r\n"), method+" ") {
			return strings.TrimLeft(b.String(), "\r\n")
		}
	}
}

// reply answers a request.
func (w wire) reply(t *testing.T, req, status, contact, body string) {
	t.Helper()
	var b strings.Builder
	b.WriteString("SIP/2.0 " + status + "\r\n")
	for line := range strings.SplitSeq(req, "\r\n") {
		switch name, _, _ := strings.Cut(line, ":"); name {
		case "Via", "From", "Call-ID", "CSeq":
			b.WriteString(line + "\r\n")
		case "To":
			if !strings.Contains(line, "tag=") {
				line += ";tag=carrier"
			}
			b.WriteString(line + "\r\n")
		}
	}
	if body != "" {
		b.WriteString("Contact: <sip:carrier@" + contact + ";transport=tcp>\r\nContent-Type: application/sdp\r\n")
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	if _, err := w.Write([]byte(b.String())); err != nil {
		t.Fatal(err)
	}
}

// TestConnectionLostWhileRinging: the phone rings on, so the call is not over; its end comes on a connection that the carrier
// opens (RFC 3261, section 18.2.2).
func TestConnectionLostWhileRinging(t *testing.T) {
	t.Parallel()
	const sdp = "v=0\r\no=c 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 8\r\na=rtpmap:8 " +
		"PCMA/8000\r\n"
	for _, test := range []struct {
		status string
		want   campaigns.Outcome
	}{{"200 OK", campaigns.Answered}, {"486 Busy Here", campaigns.Busy}} {
		t.Run(test.status, func(t *testing.T) {
			t.Parallel()
			carrier, err := net.Listen("tcp4", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { carrier.Close() })
			n := startNetwork(t, func(o *Options) { o.Trunks = []Trunk{{Name: "t", Host: carrier.Addr().String(), Transport: "tcp"}} })
			phone := agentPhone(t)
			c := place(t, n, orderTo(phone))
			conn, err := carrier.Accept()
			first := newWire(t, conn, err)
			invite := first.await(t, "INVITE")
			first.reply(t, invite, "180 Ringing", "", "")
			until(t, c, dialer.CustomerRinging)
			first.Close()
			testdeps.Eventually(t, "the loss is noticed", func() bool {
				n.endpoint.mu.RLock()
				defer n.endpoint.mu.RUnlock()
				for _, d := range n.endpoint.dialogs {
					d.mu.Lock()
					adrift := d.adrift
					d.mu.Unlock()
					if adrift {
						return true
					}
				}
				return false
			})
			conn, err = net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", n.endpoint.ours[ipv4].ports["TCP"]))
			second := newWire(t, conn, err)
			body := ""
			if test.want == campaigns.Answered {
				body = strings.Replace(sdp, "m=audio 9", "m=audio 40", 1)
			}
			second.reply(t, invite, test.status, carrier.Addr().String(), body)
			if test.want == campaigns.Answered {
				until(t, c, dialer.CustomerAnswered)
			}
			conn, err = carrier.Accept()
			third := newWire(t, conn, err)
			if ack := third.await(t, "ACK"); !strings.Contains(ack, "tag=carrier") {
				t.Errorf("got %s", ack)
			}
			c.Hangup("agent")
			if test.want == campaigns.Answered {
				third.reply(t, third.await(t, "BYE"), "200 OK", "", "")
			}
			if got := until(t, c, dialer.Ended); got.Outcome != test.want {
				t.Errorf("got %+v", got)
			}
			phone.passed()
		})
	}
}
