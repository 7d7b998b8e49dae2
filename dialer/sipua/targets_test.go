package sipua

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/creditorro/ringmaster/dialer"
)

// zone has the SRV records of names.
type zone map[string][]*net.SRV

func (z zone) LookupSRV(_ context.Context, _, _, name string) (string, []*net.SRV, error) {
	if records, ok := z[strings.TrimSuffix(name, ".")]; ok {
		return name, slices.Clone(records), nil
	}
	return "", nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func (zone) LookupNAPTR(context.Context, string) ([]NAPTR, error) { return nil, nil }

func (zone) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

func srvRecord(addr string, priority, weight uint16) *net.SRV {
	return &net.SRV{Target: hostOf(addr) + ".", Port: uint16(portOf(addr)), Priority: priority, Weight: weight}
}

// TestServersOfTrunk: a domain's servers are tried by their priority, the next one only when the one before certainly did not
// take the call; a busy customer is nobody's failure.
func TestServersOfTrunk(t *testing.T) {
	t.Parallel()
	first, second, third := newFar(t), newFar(t), newFar(t)
	n := startNetwork(t, func(o *Options) {
		o.Resolver = zone{"_sip._udp.carrier.invalid": {srvRecord(third.addr, 30, 0), srvRecord(second.addr, 20, 0),
			srvRecord(first.addr, 10, 0)}}
		o.Trunks = []Trunk{{Name: "t", Host: "carrier.invalid"}}
	})
	<-n.ready
	<-n.trunks[0].found
	first.run(func(f *far) { f.answer(f.await("INVITE"), "503 Service Unavailable"); f.await("ACK") })
	second.run(func(f *far) { f.answer(f.await("INVITE"), "486 Busy Here"); f.await("ACK") })
	third.run(func(*far) {})
	got := until(t, place(t, n, orderTo(nil)), dialer.Ended)
	if got.Cause != "486 Busy Here" {
		t.Errorf("ended: %+v", got)
	}
	for _, f := range []*far{first, second, third} {
		f.ended()
	}
	if uri := second.invite.uri(); uri != "sip:+447700900123@carrier.invalid" {
		t.Errorf("called %s; want the domain in the address", uri)
	}
	if first.invite.get("Call-ID") == second.invite.get("Call-ID") {
		t.Error("both servers saw the same Call-ID")
	}
}

// TestOptionsAtServers: a trunk lives while one of its servers does.
func TestOptionsAtServers(t *testing.T) {
	t.Parallel()
	bad, good := newFar(t), newFar(t)
	n := startNetwork(t, func(o *Options) {
		o.Resolver = zone{"_sip._udp.carrier.invalid": {srvRecord(good.addr, 20, 0), srvRecord(bad.addr, 10, 0)}}
		o.Trunks = []Trunk{{Name: "t", Host: "carrier.invalid"}}
	})
	<-n.ready
	bad.run(func(f *far) { f.answer(f.await("OPTIONS"), "503 Service Unavailable") })
	good.run(func(f *far) { f.answer(f.await("OPTIONS"), "200 OK") })
	if _, err := n.OptionsPing(t.Context(), "t"); err != nil {
		t.Error(err)
	}
	bad.ended()
	good.ended()
}

// TestWhoHasServers: a port or an address is the server itself.
func TestWhoHasServers(t *testing.T) {
	for host, want := range map[string]bool{"sip.example": true, "sip.example:5060": false, "192.0.2.1": false,
		"192.0.2.1:5060": false} {
		if got := (&Trunk{Host: host}).hasServers(); got != want {
			t.Errorf("%s: %v", host, got)
		}
	}
}

// TestOrderOfServers: priority first, then by weight.
func TestOrderOfServers(t *testing.T) {
	records := []*net.SRV{{Target: "c", Priority: 2, Weight: 5}, {Target: "a", Priority: 1, Weight: 90},
		{Target: "b", Priority: 1, Weight: 10}}
	firsts := map[string]int{}
	const draws = 10_000
	for range draws {
		order := inOrder(records)
		if len(order) != 3 || order[2].Target != "c" {
			t.Fatal("priority is not obeyed: " + strconv.Itoa(len(order)))
		}
		firsts[order[0].Target]++
	}
	if share := float64(firsts["a"]) / draws; share < 0.85 || share > 0.95 {
		t.Errorf("the server of weight 90 of 100 was first in %.2f of all draws", share)
	}
}
