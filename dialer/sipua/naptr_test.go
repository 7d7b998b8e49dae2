package sipua

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"

	"github.com/creditorro/ringmaster/dialer"
)

// nameServer is a DNS server on loopback, over UDP and TCP, that knows some records.
type nameServer struct {
	addr string
	mu   sync.Mutex
	zone map[string][]dns.RR // by name and type
	fail map[string]int      // rcodes, likewise
	tcp  int                 // questions that came over TCP
	cut  bool                // answers over UDP are truncated
}

func newNameServer(t *testing.T, records ...string) *nameServer {
	t.Helper()
	s := &nameServer{zone: map[string][]dns.RR{}, fail: map[string]int{}}
	for _, text := range records {
		rr, err := dns.NewRR(text)
		if err != nil {
			t.Fatal(err)
		}
		key := strings.ToLower(rr.Header().Name) + dns.TypeToString[rr.Header().Rrtype]
		s.zone[key] = append(s.zone[key], rr)
	}
	for range 20 {
		packets, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		streams, err := net.Listen("tcp4", packets.LocalAddr().String())
		if err != nil { // the port is another's over TCP
			packets.Close()
			continue
		}
		s.addr = packets.LocalAddr().String()
		for _, server := range []*dns.Server{{PacketConn: packets, Handler: s}, {Listener: streams, Handler: s}} {
			go func() { _ = server.ActivateAndServe() }()
		}
		t.Cleanup(func() { packets.Close(); streams.Close() })
		return s
	}
	t.Fatal("no port is free for UDP and TCP")
	return nil
}

// with looks at the server, or changes it, while it serves.
func (s *nameServer) with(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do()
}

// ServeDNS implements [dns.Handler].
func (s *nameServer) ServeDNS(w dns.ResponseWriter, question *dns.Msg) {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer := new(dns.Msg).SetReply(question)
	q := question.Question[0]
	key := strings.ToLower(q.Name) + dns.TypeToString[q.Qtype]
	overTCP := w.RemoteAddr().Network() == "tcp"
	if overTCP {
		s.tcp++
	}
	switch answer.Answer = s.zone[key]; {
	case s.fail[key] != 0:
		answer.Rcode = s.fail[key]
	case s.cut && !overTCP:
		answer.Truncated, answer.Answer = true, nil
	case len(answer.Answer) == 0:
		answer.Rcode = dns.RcodeNameError
		for known := range s.zone {
			if strings.HasPrefix(known, strings.ToLower(q.Name)) {
				answer.Rcode = dns.RcodeSuccess
			}
		}
	}
	_ = w.WriteMsg(answer)
}

// resolver asks this server where the system's would be asked.
func (s *nameServer) resolver() Resolver {
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, s.addr)
	}
	return &systemResolver{&net.Resolver{PreferGo: true, Dial: dial}, func() ([]string, error) { return []string{s.addr}, nil }}
}

// TestFind is RFC 3263, section 4, against a DNS server: which servers of a domain are called, in which order, and how.
func TestFind(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		transport string
		records   []string
		fail      map[string]int
		want      string // transport, target and port of each
		complain  string
	}{
		"a host": {want: ""},
		"by order, then by preference": {records: []string{
			`c.test. NAPTR 20 10 "s" "SIP+D2U" "" _sip._udp.c.test.`, `c.test. NAPTR 10 50 "s" "SIP+D2T" "" _sip._tcp.c.test.`,
			`c.test. NAPTR 10 20 "S" "sips+d2t" "" _sips._tcp.c.test.`, `_sip._udp.c.test. SRV 1 0 5060 u.c.test.`,
			`_sip._tcp.c.test. SRV 1 0 5070 t.c.test.`, `_sips._tcp.c.test. SRV 1 0 5061 s.c.test.`},
			want: "tls s.c.test.:5061, tcp t.c.test.:5070, udp u.c.test.:5060"},
		"another domain's servers": {records: []string{`c.test. NAPTR 10 10 "s" "SIP+D2U" "" _sip._udp.host.test.`,
			`_sip._udp.c.test. SRV 1 0 5060 wrong.test.`, `_sip._udp.host.test. SRV 1 0 5080 u.host.test.`},
			want: "udp u.host.test.:5080"},
		"straight to a host": {records: []string{`c.test. NAPTR 10 10 "a" "SIPS+D2T" "" s.c.test.`}, want: "tls s.c.test:5061"},
		"what we do not speak is passed over": {records: []string{`c.test. NAPTR 5 10 "s" "SIP+D2S" "" _sip._sctp.c.test.`,
			`c.test. NAPTR 6 10 "u" "E2U+sip" "!^.*$!sip:x@c.test!" .`, `c.test. NAPTR 10 10 "s" "SIP+D2U" "" _sip._udp.c.test.`,
			`_sip._udp.c.test. SRV 1 0 5060 u.c.test.`}, want: "udp u.c.test.:5060"},
		"nothing that we speak": {records: []string{`c.test. NAPTR 5 10 "s" "SIP+D2S" "" _sip._sctp.c.test.`},
			complain: "NAPTR records for none of"},
		"the transport is set": {transport: "tcp", records: []string{`c.test. NAPTR 1 1 "s" "SIP+D2U" "" _sip._udp.c.test.`,
			`c.test. NAPTR 2 1 "s" "SIP+D2T" "" _sip._tcp.host.test.`, `_sip._udp.c.test. SRV 1 0 5060 u.c.test.`,
			`_sip._tcp.host.test. SRV 1 0 5070 t.host.test.`},
			want: "tcp t.host.test.:5070"},
		"the transport is set, and NAPTR has another": {transport: "tcp",
			records: []string{`c.test. NAPTR 1 1 "s" "SIP+D2U" "" _sip._udp.c.test.`,
				`_sip._udp.c.test. SRV 1 0 5060 u.c.test.`, `_sip._tcp.c.test. SRV 1 0 5070 t.c.test.`}, want: "tcp t.c.test.:5070"},
		"no NAPTR": {records: []string{`_sip._udp.c.test. SRV 1 0 5060 u.c.test.`,
			`_sip._tcp.c.test. SRV 1 0 5070 t.c.test.`}, want: "udp u.c.test.:5060"},
		"no NAPTR, TCP alone": {records: []string{`_sip._tcp.c.test. SRV 1 0 5070 t.c.test.`}, want: "tcp t.c.test.:5070"},
		"a name server without NAPTR": {records: []string{`_sip._udp.c.test. SRV 1 0 5060 u.c.test.`},
			fail: map[string]int{"c.test.NAPTR": dns.RcodeNotImplemented}, want: "udp u.c.test.:5060"},
		"a name server in trouble": {fail: map[string]int{"_sip._udp.c.test.SRV": dns.RcodeServerFailure},
			complain: "server misbehaving"},
		"not offered": {transport: "udp", records: []string{`_sip._udp.c.test. SRV 0 0 0 .`},
			complain: `the SRV record of _sip._udp.c.test points to "."`},
		"not offered, but over TCP": {records: []string{`_sip._udp.c.test. SRV 0 0 0 .`,
			`_sip._tcp.c.test. SRV 1 0 5070 t.c.test.`}, want: "tcp t.c.test.:5070"},
		"not offered where NAPTR points": {records: []string{`c.test. NAPTR 1 1 "s" "SIP+D2U" "" _sip._udp.c.test.`,
			`_sip._udp.c.test. SRV 0 0 0 .`}, complain: `points to "."`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newNameServer(t, test.records...)
			s.with(func() { s.fail = test.fail })
			trunk := Trunk{Name: "t", Host: "c.test", Transport: test.transport}
			if err := trunk.defaults(); err != nil {
				t.Fatal(err)
			}
			choices, err := trunk.find(t.Context(), s.resolver(), nil)
			if test.complain == "" && err != nil || test.complain != "" && (err == nil || !strings.Contains(err.Error(), test.complain)) {
				t.Errorf("got %v, want %q", err, test.complain)
			}
			var got []string
			for _, c := range choices {
				for _, r := range c.records {
					got = append(got, fmt.Sprintf("%s %s:%d", c.transport, r.Target, r.Port))
				}
			}
			if strings.Join(got, ", ") != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// TestNAPTRCannotBeAsked: a domain that has chosen TLS is not called in the clear while its name server tells SRV alone.
func TestNAPTRCannotBeAsked(t *testing.T) {
	t.Parallel()
	s := newNameServer(t, `c.test. NAPTR 10 10 "s" "SIPS+D2T" "" _sips._tcp.c.test.`, `_sips._tcp.c.test. SRV 1 0 5061 s.c.test.`,
		`_sip._udp.c.test. SRV 1 0 5060 u.c.test.`)
	trunk := Trunk{Name: "t", Host: "c.test"}
	if err := trunk.defaults(); err != nil {
		t.Fatal(err)
	}
	before, err := trunk.find(t.Context(), s.resolver(), nil)
	if err != nil || len(before) != 1 || before[0].transport != "tls" {
		t.Fatalf("found %+v, %v", before, err)
	}
	s.with(func() { s.fail = map[string]int{"c.test.NAPTR": dns.RcodeServerFailure} })
	if found, err := trunk.find(t.Context(), s.resolver(), before); err == nil {
		t.Errorf("found %+v in place of the former servers", found)
	}
}

// TestLongNAPTR: an answer that does not fit into a packet is asked for over TCP, and bounded.
func TestLongNAPTR(t *testing.T) {
	t.Parallel()
	var records []string
	for i := range 100 {
		records = append(records, fmt.Sprintf(`c.test. NAPTR %d 10 "s" "SIP+D2U" "" _sip._udp.%d.c.test.`, i, i))
	}
	s := newNameServer(t, records...)
	s.with(func() { s.cut = true })
	found, err := s.resolver().LookupNAPTR(t.Context(), "c.test")
	s.with(func() {
		if err != nil || len(found) != maxNAPTR || s.tcp != 1 {
			t.Errorf("%d records, %v, %d questions over TCP", len(found), err, s.tcp)
		}
	})
}

// TestTrunkByNAPTR: a call goes where NAPTR, SRV and A lead, from a server over TCP that refuses to one over UDP.
func TestTrunkByNAPTR(t *testing.T) {
	t.Parallel()
	first, second := startSIPpAt(t, "127.0.0.1", 1, []string{"-t", "t1"}, "INVITE", "503", "ACK"),
		startSIPp(t, 1, "INVITE", "180", "200+sdp", "ACK", "BYE", "200")
	s := newNameServer(t, `c.test. NAPTR 10 10 "s" "SIP+D2T" "" _sip._tcp.c.test.`,
		`c.test. NAPTR 20 10 "s" "SIP+D2U" "" _sip._udp.c.test.`,
		fmt.Sprintf(`_sip._tcp.c.test. SRV 1 0 %d sbc.c.test.`, portOf(first.addr)),
		fmt.Sprintf(`_sip._udp.c.test. SRV 1 0 %d sbc.c.test.`, portOf(second.addr)),
		`sbc.c.test. A 127.0.0.1`)
	n := startNetwork(t, func(o *Options) { o.Resolver, o.Trunks = s.resolver(), []Trunk{{Name: "t", Host: "c.test"}} })
	<-n.trunks[0].found
	c := place(t, n, orderTo(nil))
	until(t, c, dialer.CustomerAnswered)
	c.Hangup("system")
	until(t, c, dialer.Ended)
	first.passed()
	second.passed()
}

// TestTrunkThatOffersNothing is down, with the cause, until its domain offers the service.
func TestTrunkThatOffersNothing(t *testing.T) {
	t.Parallel()
	s := newNameServer(t, `_sip._udp.c.test. SRV 0 0 0 .`)
	n := startNetwork(t, func(o *Options) {
		o.Resolver, o.Trunks = s.resolver(), []Trunk{{Name: "t", Host: "c.test", Transport: "udp"}}
	})
	<-n.trunks[0].found
	const cause = `does not offer this service: the SRV record of _sip._udp.c.test points to "."`
	if got := n.TrunkStatus()[0]; got.State != TrunkDown || got.Cause != cause {
		t.Errorf("stands %+v", got)
	}
	if got := until(t, place(t, n, orderTo(nil)), dialer.Ended); !got.NotDialed || !strings.Contains(got.Cause, cause) {
		t.Errorf("ended %+v", got)
	}
	s.mu.Lock()
	s.zone = nil
	s.mu.Unlock()
	n.findServers(t.Context(), n.trunks[0])
	if got := n.TrunkStatus()[0]; got.State != TrunkUp {
		t.Errorf("stands %+v", got)
	}
}
