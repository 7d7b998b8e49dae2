package sipua

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Resolver looks up the servers of a domain; *net.Resolver is one.
type Resolver interface {
	LookupSRV(ctx context.Context, service, proto, name string) (cname string, records []*net.SRV, err error)
}

const (
	srvTimeout = 2 * time.Second
	srvEach    = time.Minute // Go does not tell how long a record holds
	// maxTargets bounds the servers of a trunk that one request is sent to, one after the other.
	maxTargets = 4
)

// hasServers says whether a trunk's host is a domain whose servers are to be looked up: without a port, and no address (RFC 3263,
// section 4.2).
func (t *Trunk) hasServers() bool {
	_, _, err := net.SplitHostPort(t.Host)
	_, isName := netip.ParseAddr(t.Host)
	return err != nil && isName != nil
}

// findServers looks up the trunk's servers. A domain without SRV records is a host.
func (n *Network) findServers(ctx context.Context, t *trunk) {
	if !t.hasServers() {
		return
	}
	service, proto := "sip", t.Transport
	if t.Transport == "tls" {
		service, proto = "sips", "tcp"
	}
	lookup, stop := context.WithTimeout(ctx, srvTimeout)
	_, records, err := n.opts.Resolver.LookupSRV(lookup, service, proto, t.Host)
	stop()
	if ctx.Err() != nil {
		return
	}
	var missing *net.DNSError
	known := err == nil || errors.As(err, &missing) && missing.IsNotFound
	if !known {
		n.log.Warn("trunk's servers cannot be looked up", "trunk", t.Name, "error", err)
	}
	t.mu.Lock()
	first := !t.lookedUp
	t.lookedUp = true
	if known { // else the former ones stay
		t.servers = records
	}
	t.mu.Unlock()
	if first {
		close(t.found)
		n.poke()
	}
}

// hops are the trunk's servers in the order in which a request tries them, at least one.
func (t *trunk) hops() []hop {
	t.mu.Lock()
	records := inOrder(t.servers)
	t.mu.Unlock()
	var list []hop
	for _, r := range records {
		if host := strings.TrimSuffix(r.Target, "."); host != "" && len(list) < maxTargets {
			h := t.hop()
			h.addr = net.JoinHostPort(host, strconv.Itoa(int(r.Port)))
			list = append(list, h)
		}
	}
	if len(list) == 0 {
		return []hop{t.hop()}
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
