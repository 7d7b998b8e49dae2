package sipua

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// stored is the desk phones of the tests.
type stored map[string]string

func (s stored) HA1(_ context.Context, user string) (md5, sha256 string, err error) {
	password, ok := s[user]
	if !ok {
		return "", "", ErrNoUser
	}
	return HA1("MD5", user, "127.0.0.1", password), HA1("SHA-256", user, "127.0.0.1", password), nil
}

// desk speaks raw SIP over one connection.
type desk struct {
	t    *testing.T
	conn net.Conn
	cseq int
}

func dialDesk(t *testing.T, network string, n *Network) *desk {
	t.Helper()
	addr := n.sockets[ipv4].udp.LocalAddr().String()
	if network == "tcp" {
		addr = n.sockets[ipv4].tcp.Addr().String()
	}
	<-n.ready
	conn, err := net.Dial(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &desk{t: t, conn: conn}
}

func (d *desk) write(method, user, headers string) {
	d.cseq++
	transport := strings.ToUpper(d.conn.LocalAddr().Network())
	fmt.Fprintf(d.conn, "%[1]s sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/%[2]s %[3]s;branch=z9hG4bK%[4]s%[5]d;rport\r\n"+
		"From: <sip:%[6]s@127.0.0.1>;tag=f\r\nTo: <sip:%[6]s@127.0.0.1>\r\nCall-ID: %[4]s\r\nCSeq: %[5]d %[1]s\r\nMax-Forwards: 70\r\n"+
		"Contact: <sip:%[6]s@%[3]s>\r\n%[7]sContent-Length: 0\r\n\r\n",
		method, transport, d.conn.LocalAddr(), strings.Map(letters, d.t.Name()), d.cseq, user, headers)
}

func letters(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
		return r
	}
	return -1
}

func (d *desk) read(wait time.Duration) *sip.Response {
	d.t.Helper()
	_ = d.conn.SetReadDeadline(time.Now().Add(wait))
	buf := make([]byte, 8192)
	k, err := d.conn.Read(buf)
	if err != nil {
		return nil
	}
	msg, err := sip.ParseMessage(buf[:k])
	if err != nil {
		d.t.Fatal(err)
	}
	res, _ := msg.(*sip.Response)
	return res
}

// register goes through the challenge and returns the final status.
func (d *desk) register(user, password, algorithm, headers string) *sip.Response {
	d.t.Helper()
	d.write("REGISTER", user, headers)
	res := d.read(5 * time.Second)
	if res == nil || res.StatusCode != 401 {
		return res
	}
	for _, h := range res.GetHeaders("WWW-Authenticate") {
		c, err := digest.ParseChallenge(h.Value())
		if err != nil {
			d.t.Fatal(err)
		}
		if c.Algorithm != algorithm {
			continue
		}
		cred, err := digest.Digest(c, digest.Options{Method: "REGISTER", URI: "sip:127.0.0.1", Username: user, Password: password,
			Count: 1})
		if err != nil {
			d.t.Fatal(err)
		}
		d.write("REGISTER", user, headers+"Authorization: "+cred.String()+"\r\n")
		return d.read(5 * time.Second)
	}
	d.t.Fatalf("no challenge for %s", algorithm)
	return nil
}

func TestDeskPhonesRegister(t *testing.T) {
	t.Parallel()
	n := startNetwork(t, func(o *Options) { o.Credentials, o.Algorithms = stored{"desk1": "right"}, []string{"SHA-256", "MD5"} })
	login := n.BrowserLogin(agents.Extension{Name: "3444", OwnerID: theOwner}, time.Hour)
	past := n.BrowserLogin(agents.Extension{Name: "3444", OwnerID: theOwner}, -time.Second)
	for _, w := range []struct {
		name, network, user, password, algorithm, headers string
		want                                              int
	}{
		{"MD5", "udp", "desk1", "right", "MD5", "Expires: 300\r\n", 200},
		{"SHA-256", "udp", "desk1", "right", "SHA-256", "Expires: 300\r\n", 200},
		{"TCP, for an hour", "tcp", "desk1", "right", "SHA-256", "Expires: 3600\r\n", 200},
		{"derived", "tcp", login.Username, login.Password, "MD5", "", 200},
		{"derived, ended", "tcp", past.Username, past.Password, "MD5", "", 403},
		{"wrong", "tcp", "desk1", "wrong", "MD5", "", 403},
		{"unknown", "tcp", "nobody", "right", "MD5", "", 403},
		{"brief", "tcp", "desk1", "right", "MD5", "Expires: 5\r\n", 423},
	} {
		t.Run(w.name, func(t *testing.T) {
			res := dialDesk(t, w.network, n).register(w.user, w.password, w.algorithm, w.headers)
			if res == nil || res.StatusCode != w.want {
				t.Fatalf("got %v, want %d", res, w.want)
			}
			if w.want != 200 {
				return
			}
			if got, want := res.GetHeader("Contact"), ";expires=120"; got == nil || !strings.Contains(got.Value(), want) {
				t.Errorf("registered as %v, want %s: a phone that comes back more rarely is not reachable after a restart", got, want)
			}
		})
	}
}

func TestPasswordFloodIsNotAnswered(t *testing.T) {
	t.Parallel()
	var lookups atomic.Int64
	n := startNetwork(t, func(o *Options) {
		o.Credentials = counting{stored{"desk1": "right"}, &lookups}
		o.Registerer = prometheus.NewRegistry()
	})
	silent := 0
	for range 14 {
		if dialDesk(t, "tcp", n).registerQuick("desk1", "wrong") == nil {
			silent++
		}
	}
	if silent < 3 || lookups.Load() > 11 {
		t.Errorf("%d of 14 wrong passwords were left unanswered, %d looked up", silent, lookups.Load())
	}
	if got := refused(t, n, "flood"); got < 1 {
		t.Error("the flood is not counted")
	}
}

// refused reads the metric as Prometheus would.
func refused(t *testing.T, n *Network, reason string) float64 {
	t.Helper()
	families, err := n.opts.Registerer.(*prometheus.Registry).Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == "ringmaster_sip_refused_total" && m.GetLabel()[0].GetValue() == reason {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

type counting struct {
	stored
	n *atomic.Int64
}

func (c counting) HA1(ctx context.Context, user string) (string, string, error) {
	c.n.Add(1)
	return c.stored.HA1(ctx, user)
}

func (d *desk) registerQuick(user, password string) *sip.Response {
	d.write("REGISTER", user, "")
	res := d.read(300 * time.Millisecond)
	if res == nil {
		return nil
	}
	c, err := digest.ParseChallenge(res.GetHeader("WWW-Authenticate").Value())
	if err != nil {
		d.t.Fatal(err)
	}
	cred, _ := digest.Digest(c, digest.Options{Method: "REGISTER", URI: "sip:127.0.0.1", Username: user, Password: password,
		Count: 1})
	d.write("REGISTER", user, "Authorization: "+cred.String()+"\r\n")
	return d.read(300 * time.Millisecond)
}

func TestStrangersLearnNothing(t *testing.T) {
	t.Parallel()
	n := startNetwork(t, func(o *Options) { o.Registerer = prometheus.NewRegistry() })
	d := dialDesk(t, "udp", n)
	for _, method := range []string{"INVITE", "OPTIONS", "SUBSCRIBE", "garbage"} {
		d.write(method, "100", "")
	}
	if res := d.read(300 * time.Millisecond); res != nil {
		t.Errorf("a scanner was answered: %s", res.StartLine())
	}
	if got := refused(t, n, "stranger"); got != 4 {
		t.Errorf("%v of 4 were counted", got)
	}
	tcp := dialDesk(t, "tcp", n)
	tcp.write("INVITE", "100", "")
	for {
		res := tcp.read(2 * time.Second)
		if res == nil || res.StatusCode >= 200 {
			if res == nil || res.StatusCode != 403 {
				t.Errorf("an INVITE over TCP: %v", res)
			}
			break
		}
	}
}

// TestInventedAddressesAreForgotten: sipgo, which remembers each address that it hears from, hears only of those that answer.
func TestInventedAddressesAreForgotten(t *testing.T) {
	t.Parallel()
	n := startNetwork(t, func(o *Options) { o.Credentials = stored{"desk1": "right"} })
	d := dialDesk(t, "udp", n)
	known := func() bool {
		c, err := n.endpoint.tp.GetConnection("UDP", d.conn.LocalAddr().String())
		if err == nil {
			_, _ = c.TryClose()
		}
		return err == nil
	}
	c := d.challenge("desk1")
	if res := d.sends("desk1", strings.Replace(d.answer(c, "desk1", "right", 1), `nonce="`, `nonce="x`, 1)); res.StatusCode != 401 {
		t.Error(res)
	}
	for _, what := range []string{"REGISTER sip:a SIP/2.0\r\n\r\n", "REGISTER garbage"} {
		_, _ = d.conn.Write([]byte(what))
	}
	if c = d.challenge("desk1"); known() {
		t.Error("a stranger's address is remembered")
	}
	if res := d.sends("desk1", d.answer(c, "desk1", "right", 1)); res.StatusCode != 200 {
		t.Fatal(res)
	}
	if !known() {
		t.Error("a phone's is not")
	}
}

func TestLostConnectionIsNoticedAtOnce(t *testing.T) {
	t.Parallel()
	redisAddr := testdeps.Redis(t)
	client := redis.NewClient(&redis.Options{Addr: redisAddr})
	defer client.Close()
	changes := make(chan bool, 4)
	n := startNetwork(t, func(o *Options) {
		o.Credentials = stored{"desk1": "right"}
		o.Installation, o.Redis = "test", client
		o.PhoneChanged = func(_ string, up bool) { changes <- up }
	})
	other := startNetwork(t, func(o *Options) {
		o.Installation, o.Node, o.Redis = "test", "n2", client
		o.Trunks = []Trunk{{Name: "t", Host: "127.0.0.1:9"}}
	})
	d := dialDesk(t, "tcp", n)
	if res := d.register("desk1", "right", "MD5", "Expires: 300\r\n"); res == nil || res.StatusCode != 200 {
		t.Fatal(res)
	}
	if !<-changes {
		t.Error("told as lost")
	}
	testdeps.Eventually(t, "the other node sees the phone", func() bool {
		b, err := other.Bindings(t.Context())
		return err == nil && len(b) == 1 && b[0].Extension == "desk1" && b[0].Node == "n1"
	})
	ext := agents.Extension{Name: "desk1"}
	if err := other.Reachable(t.Context(), ext); err == nil || !strings.Contains(err.Error(), "node n1") {
		t.Errorf("at the other node: %v", err)
	}
	order := orderTo(nil)
	order.Agent = &ext
	if _, err := other.Place(t.Context(), order); err == nil {
		t.Error("the other node placed a call to a phone that it cannot reach")
	}
	for _, expires := range []string{"0", "300"} { // goodbye, and back again
		if res := d.register("desk1", "right", "MD5", "Expires: "+expires+"\r\n"); res == nil || res.StatusCode != 200 {
			t.Fatal(res)
		}
		if reachable := <-changes; reachable != (expires == "300") {
			t.Errorf("Expires %s was told as %t", expires, reachable)
		}
	}
	d.conn.Close()
	if <-changes {
		t.Error("the loss was told as an appearance")
	}
	if err := n.Reachable(t.Context(), ext); err == nil {
		t.Error("still reachable")
	}
	testdeps.Eventually(t, "the other node sees the loss", func() bool { b, _ := other.Bindings(t.Context()); return len(b) == 0 })
}

func TestExternalServer(t *testing.T) {
	t.Parallel()
	well := startSIPp(t, 1, "OPTIONS", "200")
	n := startNetwork(t, func(*Options) {})
	<-n.ready
	ext := agents.Extension{Name: "3444", Number: "3444", Server: well.addr, Options: true}
	for range 2 { // the second time it is known
		if err := n.Reachable(t.Context(), ext); err != nil {
			t.Error(err)
		}
	}
	well.passed()
	gone := agents.Extension{Number: "1", Server: "127.0.0.1:9", Options: true}
	began := time.Now()
	if err := n.Reachable(t.Context(), gone); err == nil || time.Since(began) > 3*time.Second {
		t.Errorf("got %v after %s", err, time.Since(began))
	}
	gone.Options = false
	if err := n.Reachable(t.Context(), gone); err != nil {
		t.Errorf("presumed well, but %v", err)
	}
}

func TestDeskPhoneIsCalled(t *testing.T) {
	t.Parallel()
	trunk := startSIPp(t, 1, "INVITE", "486", "ACK")
	n := startNetwork(t, func(o *Options) { trunkTo(trunk)(o); o.Credentials = stored{"desk1": "right"} })
	d := dialDesk(t, "tcp", n)
	if res := d.register("desk1", "right", "MD5", "Expires: 300\r\n"); res == nil || res.StatusCode != 200 {
		t.Fatal(res)
	}
	order := orderTo(nil)
	order.Agent = &agents.Extension{Name: "desk1"}
	c := place(t, n, order)
	buf := make([]byte, 8192)
	_ = d.conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	k, err := d.conn.Read(buf) // the INVITE comes over the connection that the phone opened
	if err != nil || !strings.HasPrefix(string(buf[:k]), "INVITE sip:desk1@") {
		t.Fatalf("%v: %s", err, buf[:k])
	}
	sdp := "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"
	answer := phoneAnswer(string(buf[:k]), d.conn.LocalAddr().String(), sdp)
	answer = strings.Replace(answer, "Content-Type", fmt.Sprintf("Content-Length: %d\r\nContent-Type", len(sdp)), 1)
	if _, err := d.conn.Write([]byte(answer)); err != nil {
		t.Fatal(err)
	}
	until(t, c, dialer.AgentAnswered)
	if got := until(t, c, dialer.Ended); got.Outcome != campaigns.Busy {
		t.Errorf("got %+v", got)
	}
	trunk.passed()
}
