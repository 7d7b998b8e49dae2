package sipua

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/creditorro/ringmaster/dialer"
)

// TestTrunksOfBothFamilies: an IPv4 trunk that refuses is followed by an IPv6 one; each is told our address of its family, in
// Via, Contact and SDP, and a call over the second lives: sound, hold by re-INVITE, BYE.
func TestTrunksOfBothFamilies(t *testing.T) {
	t.Parallel()
	four, six, phone := newFar(t), newFarAt(t, "::1"), newFar(t)
	n := startNetwork(t, func(o *Options) {
		o.Advertise6 = netip.IPv6Loopback()
		o.Trunks = []Trunk{{Name: "four", Host: four.addr}, {Name: "six", Host: six.addr, AssertedIdentity: true}}
	})
	four.run(func(f *far) { f.answer(f.await("INVITE"), "503 Service Unavailable"); f.await("ACK") })
	phone.run(func(f *far) { f.pickUp(); f.answer(f.await("BYE"), "200 OK") })
	six.run(func(f *far) {
		f.pickUp()
		f.request("INVITE", f.sdp("sendonly"))
		held := f.status("200")
		f.check(strings.Contains(held.body, "c=IN IP6 ::1\r\n"), "re-INVITE answered with %s", held.body)
		f.ack()
		f.request("BYE")
		f.status("200")
	})
	<-n.ready
	order := orderTo(nil)
	order.Agent = phone.extension()
	c := place(t, n, order)
	if got := until(t, c, dialer.Ended); got.HangupBy != "customer" {
		t.Errorf("ended %+v", got)
	}
	for _, f := range []*far{four, six, phone} {
		f.ended()
	}
	for _, seen := range []struct {
		f                     *far
		via, contact, sdp, to string
	}{
		{four, "SIP/2.0/UDP 127.0.0.1:", "@127.0.0.1:", "c=IN IP4 127.0.0.1\r\n", "@127.0.0.1"},
		{six, "SIP/2.0/UDP [::1]:", "@[::1]:", "c=IN IP6 ::1\r\n", "@[::1]"},
	} {
		m := seen.f.invite
		if !strings.HasPrefix(m.get("Via"), seen.via) || !strings.Contains(m.contact(), seen.contact) || !strings.Contains(m.body,
			seen.sdp) ||
			!strings.Contains(m.uri(), seen.to) || !strings.Contains(m.get("From"), seen.to+">") {
			t.Errorf("Via %s, Contact %s, called %s, From %s, SDP:\n%s", m.get("Via"), m.contact(), m.uri(), m.get("From"), m.body)
		}
	}
	if got := six.invite.get("P-Asserted-Identity"); got != "<sip:+447700900001@[::1]>" {
		t.Errorf("P-Asserted-Identity %s", got)
	}
}

// TestTrunkOverTCPByIPv6 uses SIPp, whose TCP is its own.
func TestTrunkOverTCPByIPv6(t *testing.T) {
	t.Parallel()
	carrier := startSIPpAt(t, "::1", 1, []string{"-t", "t1"}, "INVITE", "180", "200+sdp", "ACK", "BYE", "200")
	n := startNetwork(t, func(o *Options) {
		o.Advertise6 = netip.IPv6Loopback()
		o.Trunks = []Trunk{{Name: "t", Host: carrier.addr, Transport: "tcp"}}
	})
	phone := agentPhone(t)
	c := place(t, n, orderTo(phone))
	until(t, c, dialer.CustomerAnswered)
	c.Hangup("agent")
	until(t, c, dialer.Ended)
	carrier.passed()
	phone.passed()
}

// hosts are the addresses of names; they have no servers.
type hosts map[string][]netip.Addr

func (hosts) LookupSRV(_ context.Context, _, _, name string) (string, []*net.SRV, error) {
	return "", nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func (hosts) LookupNAPTR(context.Context, string) ([]NAPTR, error) { return nil, nil }

func (h hosts) LookupNetIP(_ context.Context, network, host string) (found []netip.Addr, err error) {
	for _, a := range h[host] {
		if network == "ip" || network == "ip"+familyOf(a).digit() {
			found = append(found, a)
		}
	}
	if len(found) == 0 {
		err = &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return found, err
}

// TestFamilyOfNames: a name is called by IPv4 where both sides have it, else by IPv6, and as the trunk's advertise says.
func TestFamilyOfNames(t *testing.T) {
	t.Parallel()
	four, six := netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback()
	names := hosts{"both.invalid": {six, four}, "six.invalid": {six}, "four.invalid": {four}}
	for name, test := range map[string]struct {
		host      string
		advertise netip.Addr
		noIPv6    bool
		want      string // empty: the call fails
		cause     string
	}{
		"both":                     {host: "both.invalid", want: "127.0.0.1"},
		"AAAA alone":               {host: "six.invalid", want: "::1"},
		"AAAA alone, no IPv6 here": {host: "six.invalid", noIPv6: true, cause: "this node has no IPv6 address"},
		"both, IPv6 is wanted":     {host: "both.invalid", advertise: six, want: "::1"},
		"A alone, IPv6 is wanted":  {host: "four.invalid", advertise: six, cause: "no such host"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFarAt(t, "127.0.0.1")
			if test.want == "::1" {
				f = newFarAt(t, "::1")
			}
			n := startNetwork(t, func(o *Options) {
				if o.Resolver = names; !test.noIPv6 {
					o.Advertise6 = six
				}
				o.Trunks = []Trunk{{Name: "t", Host: hostPort(test.host, portOf(f.addr)), Advertise: test.advertise}}
			})
			<-n.trunks[0].found
			f.run(func(f *far) {
				if test.want != "" {
					f.answer(f.await("INVITE"), "486 Busy Here")
					f.await("ACK")
				}
			})
			got := until(t, place(t, n, orderTo(nil)), dialer.Ended)
			f.ended()
			if test.want == "" {
				if !got.NotDialed || !strings.Contains(got.Cause, test.cause) {
					t.Errorf("ended %+v", got)
				}
				return
			}
			if got.Cause != "486 Busy Here" || !strings.Contains(f.invite.body, " "+test.want+"\r\n") {
				t.Errorf("ended %+v; SDP:\n%s", got, f.invite.body)
			}
		})
	}
}

// TestFamiliesAreChecked: what could never be called is refused at the start.
func TestFamiliesAreChecked(t *testing.T) {
	six := netip.MustParseAddr("2001:db8::1")
	for name, test := range map[string]struct {
		trunk    Trunk
		ours     netip.Addr
		complain string
	}{
		"no IPv6 here":            {Trunk{Host: "2001:db8::2"}, netip.Addr{}, "by IPv6, and we have no such address"},
		"IPv6 here":               {Trunk{Host: "2001:db8::2"}, six, ""},
		"with brackets":           {Trunk{Host: "[2001:db8::2]:5070"}, six, ""},
		"the trunk's own address": {Trunk{Host: "2001:db8::2", Advertise: six}, netip.Addr{}, ""},
		"two families":            {Trunk{Host: "192.0.2.2", Advertise: six}, six, "want an IPv4 address as Advertise"},
		"two families, the other way": {Trunk{Host: "2001:db8::2", Advertise: netip.MustParseAddr("192.0.2.1")}, six,
			"want an IPv6 address as Advertise"},
		"a zone":                          {Trunk{Host: "fe80::1%eth0"}, six, "zone"},
		"our address is IPv4 in disguise": {Trunk{Host: "h"}, netip.MustParseAddr("::ffff:192.0.2.1"), "Advertise6"},
	} {
		o := Options{Node: "n", Advertise: "192.0.2.1", Listen: Listen{UDP: ":5060"}, Secret: make([]byte, 32), Advertise6: test.ours}
		test.trunk.Name = "t"
		o.Trunks = []Trunk{test.trunk}
		if err := o.defaults(); test.complain == "" && err != nil || test.complain != "" &&
			(err == nil || !strings.Contains(err.Error(), test.complain)) {
			t.Errorf("%s: got %v, want %q", name, err, test.complain)
		}
	}
}
