package sipua

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

// Resolver asks the name servers.
type Resolver interface {
	// LookupNAPTR returns the records of a name; there may be none.
	LookupNAPTR(ctx context.Context, name string) ([]NAPTR, error)
	// LookupSRV and LookupNetIP are as of [net.Resolver].
	LookupSRV(ctx context.Context, service, proto, name string) (cname string, records []*net.SRV, err error)
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// NAPTR is a record that points to a service (RFC 3403).
type NAPTR struct {
	Order, Preference      uint16
	Flags, Service, Regexp string
	Replacement            string
}

// systemResolver asks the system's name servers: Go's resolver all but NAPTR, which it does not know.
type systemResolver struct {
	*net.Resolver
	servers func() ([]string, error) // host:port
}

func newSystemResolver() *systemResolver {
	return &systemResolver{net.DefaultResolver, systemNameServers}
}

// systemNameServers reads /etc/resolv.conf anew: it may change while we run.
func systemNameServers() ([]string, error) {
	c, err := dns.ClientConfigFromFile("/etc/resolv.conf")
	if err != nil {
		return nil, err
	}
	var list []string
	for _, s := range c.Servers[:min(len(c.Servers), 3)] { // as the C library does
		list = append(list, net.JoinHostPort(s, c.Port))
	}
	return list, nil
}

var errNoNameServer = errors.New("sipua: no name server is set")

// LookupNAPTR implements [Resolver]: the first server that says anything decides.
func (r *systemResolver) LookupNAPTR(ctx context.Context, name string) (found []NAPTR, err error) {
	servers, err := r.servers()
	if err != nil {
		return nil, fmt.Errorf("sipua: name servers: %w", err)
	}
	err = errNoNameServer
	for i, s := range servers {
		ask, stop := context.WithTimeout(ctx, naptrTimeout/2)
		if i == len(servers)-1 {
			stop()
			ask, stop = context.WithCancel(ctx)
		}
		found, err = askNAPTR(ask, s, name)
		stop()
		if err == nil {
			return found, nil
		}
	}
	return nil, err
}

// answerSize is what we take over UDP; a longer answer is asked for again over TCP.
const answerSize = 1232

func askNAPTR(ctx context.Context, server, name string) ([]NAPTR, error) {
	question := new(dns.Msg)
	question.SetQuestion(dns.Fqdn(name), dns.TypeNAPTR)
	question.SetEdns0(answerSize, false)
	for _, network := range []string{"udp", "tcp"} {
		answer, _, err := (&dns.Client{Net: network, UDPSize: answerSize}).ExchangeContext(ctx, question, server)
		if err != nil {
			return nil, fmt.Errorf("sipua: NAPTR of %s: %w", name, err)
		}
		if answer.Truncated && network == "udp" {
			continue
		}
		if answer.Rcode != dns.RcodeSuccess && answer.Rcode != dns.RcodeNameError {
			return nil, fmt.Errorf("sipua: NAPTR of %s: %s", name, dns.RcodeToString[answer.Rcode])
		}
		var found []NAPTR
		for _, record := range answer.Answer {
			if p, ok := record.(*dns.NAPTR); ok && len(found) < maxNAPTR {
				found = append(found, NAPTR{p.Order, p.Preference, p.Flags, p.Service, p.Regexp, strings.TrimSuffix(p.Replacement, ".")})
			}
		}
		return found, nil
	}
	return nil, errNoNameServer
}
