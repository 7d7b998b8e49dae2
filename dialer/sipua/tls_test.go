package sipua

import (
	"crypto/tls"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
)

// TestDeskPhoneOverTLS registers over TLS, is called over the same connection, and is refused a call of its own.
func TestDeskPhoneOverTLS(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(nil) // for its certificate
	certificates := server.TLS.Certificates
	server.Close()
	n := startNetwork(t, func(o *Options) {
		o.Listen.TLS, o.Listen.TLSConfig = "127.0.0.1:0", &tls.Config{Certificates: certificates}
		o.Credentials = stored{"desk1": "right"}
		o.Trunks = []Trunk{{Name: "t", Host: "127.0.0.1:9"}}
	})
	<-n.ready
	conn, err := tls.Dial("tcp", n.sockets[ipv4].tls.Addr().String(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	d := &desk{t: t, conn: overTLS{conn}}
	if res := d.register("desk1", "right", "MD5", "Expires: 300\r\n"); res == nil || res.StatusCode != 200 {
		t.Fatal(res)
	}
	order := orderTo(nil)
	order.Agent = &agents.Extension{Name: "desk1"}
	c := place(t, n, order)
	buf := make([]byte, 8192)
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	k, err := conn.Read(buf)
	if err != nil || !strings.HasPrefix(string(buf[:k]), "INVITE sip:desk1@") {
		t.Fatalf("%v: %s", err, buf[:k])
	}
	msg, err := sip.ParseMessage(buf[:k])
	if err != nil {
		t.Fatal(err)
	}
	busy := sip.NewResponseFromRequest(msg.(*sip.Request), 486, "Busy Here", nil)
	if _, err := conn.Write([]byte(busy.String())); err != nil {
		t.Fatal(err)
	}
	if got := until(t, c, dialer.Ended); got.Outcome != campaigns.AgentNoAnswer || got.Cause != "486 Busy Here" {
		t.Errorf("got %+v", got)
	}
}

// overTLS names its transport as Via headers do.
type overTLS struct{ net.Conn }

func (c overTLS) LocalAddr() net.Addr { return tlsAddr{c.Conn.LocalAddr()} }

type tlsAddr struct{ net.Addr }

func (tlsAddr) Network() string { return "tls" }
