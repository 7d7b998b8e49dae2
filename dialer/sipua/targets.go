package sipua

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/retry"
)

const (
	lookUpTimeout = 4 * time.Second // of a trunk's servers, and then of their addresses
	naptrTimeout  = 2 * time.Second
	lookUpEach    = time.Minute // Go does not tell how long a record holds
	// maxTargets bounds the servers of a trunk that one request is sent to, one after the other.
	maxTargets = 4
	maxNAPTR   = 16 // records that are looked at
)

// server is one of a trunk's.
type server struct {
	transport string // "udp", "tcp" or "tls"
	addr      string // host:port
	ipv6      bool   // it is called by IPv6
}

// choice is a set of servers of which one is taken by priority and weight; they all speak one transport.
type choice struct {
	transport string
	records   []*net.SRV
	pointed   bool // by NAPTR
}

// hasServers says whether a trunk's host is a domain whose servers are to be looked up: without a port, and no address (RFC 3263,
// section 4.2).
func (t *Trunk) hasServers() bool {
	_, _, err := net.SplitHostPort(t.Host)
	_, isName := netip.ParseAddr(hostOf(t.Host))
	return err != nil && isName != nil
}

// service is a way to speak SIP, as DNS names it.
type service struct{ transport, naptr, srv string }

// services are those that we speak, in the order in which they are tried where the domain does not say (RFC 3263, section 4.1).
var services = []service{{"udp", "SIP+D2U", "_sip._udp."}, {"tcp", "SIP+D2T", "_sip._tcp."}, {"tls", "SIPS+D2T", "_sips._tcp."}}

// notOfferedError says that a domain has no SIP service that we could use. It is what the domain says itself.
type notOfferedError struct{ error }

func (e notOfferedError) Unwrap() error { return e.error }

// find looks up where a trunk's domain wants to be called: NAPTR, then SRV (RFC 3263, section 4). None at all: the domain is a
// host. Whom NAPTR has chosen before stays while it cannot be asked: SRV alone might lead from TLS to UDP.
func (t *Trunk) find(ctx context.Context, r Resolver, before []choice) ([]choice, error) {
	wanted := services
	if !t.anyTransport {
		wanted = slices.DeleteFunc(slices.Clone(services), func(s service) bool { return s.transport != t.Transport })
	}
	ask, stop := context.WithTimeout(ctx, naptrTimeout)
	pointers, err := r.LookupNAPTR(ask, t.Host)
	stop()
	if err == nil && len(pointers) > 0 {
		choices, err := follow(ctx, r, pointers, wanted)
		if err != nil || len(choices) > 0 {
			return choices, err
		}
		if t.anyTransport {
			return nil, notOfferedError{reason.New(reason.Unavailable, whyNoNAPTR,
				"has NAPTR records for none of SIP+D2U, SIP+D2T and SIPS+D2T")}
		}
	}
	if err != nil && t.anyTransport && slices.ContainsFunc(before, func(c choice) bool { return c.pointed }) {
		return nil, err
	}
	var refused error
	for _, s := range wanted {
		records, err := servers(ctx, r, s.srv+t.Host)
		switch {
		case errors.As(err, new(notOfferedError)):
			refused = cmp.Or(refused, err)
		case err != nil:
			return nil, err
		case len(records) > 0:
			return []choice{{transport: s.transport, records: records}}, nil
		}
	}
	return nil, refused
}

// follow goes where NAPTR records point to, by their order and preference, as far as we speak what is there.
func follow(ctx context.Context, r Resolver, pointers []NAPTR, wanted []service) (choices []choice, refused error) {
	slices.SortStableFunc(pointers, func(a, b NAPTR) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.Preference, b.Preference))
	})
	for _, p := range pointers[:min(len(pointers), maxNAPTR)] {
		i := slices.IndexFunc(wanted, func(s service) bool { return strings.EqualFold(s.naptr, p.Service) })
		if i < 0 || p.Regexp != "" || strings.Trim(p.Replacement, ".") == "" {
			continue
		}
		var records []*net.SRV
		var err error
		switch strings.ToLower(p.Flags) {
		case "s":
			records, err = servers(ctx, r, p.Replacement)
		case "a":
			records = []*net.SRV{{Target: p.Replacement, Port: uint16(sip.DefaultPort(wanted[i].transport))}}
		}
		switch {
		case errors.As(err, new(notOfferedError)):
			refused = cmp.Or(refused, err)
		case err != nil:
			return nil, err
		case len(records) > 0:
			choices = append(choices, choice{wanted[i].transport, records, true})
		}
	}
	if len(choices) > 0 {
		refused = nil
	}
	return choices, refused
}

// servers asks for SRV records; none is no error.
func servers(ctx context.Context, r Resolver, name string) ([]*net.SRV, error) {
	name = strings.TrimSuffix(name, ".")
	_, records, err := r.LookupSRV(ctx, "", "", name+".") // whole: the system's search list is for people
	if missing := new(net.DNSError); errors.As(err, &missing) && missing.IsNotFound {
		return nil, nil
	}
	if err != nil && len(records) == 0 { // some may be malformed: then the others count
		return nil, err
	}
	offered := slices.DeleteFunc(records, func(r *net.SRV) bool { return strings.Trim(r.Target, ".") == "" })
	if len(offered) == 0 && len(records) > 0 { // RFC 2782: the service is decidedly not available at this domain
		return nil, notOfferedError{reason.New(reason.Unavailable, whyNoService(name),
			fmt.Sprintf("does not offer this service: the SRV record of %s points to \".\"", name))}
	}
	return offered, nil
}

// tendServers keeps the trunk's servers known, and lets their addresses in.
func (n *Network) tendServers(ctx context.Context, t *trunk) {
	for {
		n.findServers(ctx, t)
		if _, err := netip.ParseAddr(hostOf(t.Host)); err == nil {
			return
		}
		if !retry.Sleep(ctx, retry.Spread(lookUpEach, 0.1)) {
			return
		}
	}
}

// findServers looks up the trunk's servers and their addresses.
func (n *Network) findServers(ctx context.Context, t *trunk) {
	lookup, stop := context.WithTimeout(ctx, lookUpTimeout)
	t.mu.Lock()
	before := t.choices
	t.mu.Unlock()
	var choices []choice
	var err error
	if t.hasServers() {
		choices, err = t.find(lookup, n.opts.Resolver, before)
	}
	stop()
	if ctx.Err() != nil {
		return
	}
	var unfound error
	var refusal notOfferedError
	if errors.As(err, &refusal) {
		unfound = refusal
	} else if err != nil {
		n.log.Warn("trunk's servers cannot be looked up", "trunk", t.Name, "error", err)
	}
	t.mu.Lock()
	if err == nil || unfound != nil { // else the former ones stay
		t.choices, t.unfound = choices, unfound
	}
	t.mu.Unlock()
	hosts := map[string]bool{}
	for _, s := range t.servers() {
		hosts[hostOf(s.addr)] = true
	}
	n.findAddresses(ctx, t, hosts)
	t.mu.Lock()
	first := !t.lookedUp
	t.lookedUp = true
	t.mu.Unlock()
	if first {
		close(t.found)
	}
	n.poke()
}

func (n *Network) findAddresses(ctx context.Context, t *trunk, hosts map[string]bool) {
	ctx, stop := context.WithTimeout(ctx, lookUpTimeout)
	defer stop()
	byIPv6 := map[string]bool{}
	for host := range hosts {
		f, addrs, err := n.addressesOf(ctx, t, host)
		if err != nil {
			n.log.Warn("trunk's name cannot be resolved", "trunk", t.Name, "host", host, "error", err)
		}
		byIPv6[host] = f == ipv6
		for _, a := range addrs {
			n.gate.admit(a)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.byIPv6 = byIPv6
}

// servers are the trunk's in the order in which a request tries them, at least one.
func (t *trunk) servers() []server {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []server
	for _, c := range t.choices {
		for _, r := range inOrder(c.records) {
			if len(list) < maxTargets {
				host := strings.TrimSuffix(r.Target, ".")
				list = append(list, server{c.transport, hostPort(host, int(r.Port)), t.byIPv6[host]})
			}
		}
	}
	if len(list) == 0 {
		list = []server{{t.Transport, withPort(t.Host, t.Transport), t.byIPv6[hostOf(t.Host)]}}
	}
	return list
}

// hops are the ways to the trunk's servers.
func (t *trunk) hops() []hop {
	var list []hop
	for _, s := range t.servers() {
		h := hop{transport: sip.ASCIIToUpper(s.transport), addr: s.addr, ipv6: s.ipv6, self: t.self()}
		if s.transport == "tls" {
			h.security = t.security
		}
		list = append(list, h)
	}
	return list
}

// inOrder sorts servers by priority, and those of one priority by chance as their weights say (RFC 2782).
func inOrder(records []*net.SRV) []*net.SRV {
	left := slices.Clone(records)
	slices.SortStableFunc(left, func(a, b *net.SRV) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(a.Weight, b.Weight)) // those of weight 0 first
	})
	for i := range left {
		same, sum := i, 0
		for ; same < len(left) && left[same].Priority == left[i].Priority; same++ {
			sum += int(left[same].Weight)
		}
		drawn, at := rand.IntN(sum+1), i
		for sum = int(left[i].Weight); sum < drawn; sum += int(left[at].Weight) {
			at++
		}
		chosen := left[at]
		left = slices.Insert(slices.Delete(left, at, at+1), i, chosen)
	}
	return left
}
