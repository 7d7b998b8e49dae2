package webhook

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/creditorro/ringmaster/internal/reason"
)

// errGuarded says that an address is not one that the public internet routes to.
var errGuarded = errors.New("webhook: address is not public")

// reserved4 are the IPv4 blocks that no CRM on the internet has (IANA IPv4 Special-Purpose Address Registry): this host,
// private, shared (CGNAT), loopback, link-local with the clouds' metadata services, protocol assignments,
// documentation, benchmarks, multicast, the future and broadcast. 168.63.129.16 is Azure's host, which looks public.
var reserved4 = prefixes("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
	"192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
	"224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32")

// Of IPv6 only global unicast is routed, less what the IANA IPv6 Special-Purpose Address Registry takes out of it: Teredo and
// its neighbours, documentation, 6to4 (an IPv4 address inside).
var (
	global6   = netip.MustParsePrefix("2000::/3")
	reserved6 = prefixes("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
	nat64     = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052: the IPv4 address is in the last 32 bits
)

func prefixes(cidrs ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(cidrs))
	for i, c := range cidrs {
		list[i] = netip.MustParsePrefix(c)
	}
	return list
}

// public reports whether the address is one that the public internet routes to. An IPv4 address inside an IPv6 one is
// judged as what it is: hosts without IPv4 of their own reach every IPv4 CRM by NAT64.
func public(a netip.Addr) bool {
	a = a.WithZone("").Unmap()
	if nat64.Contains(a) {
		b := a.As16()
		a = netip.AddrFrom4([4]byte(b[12:]))
	}
	reserved := reserved4
	if a.Is6() {
		if !global6.Contains(a) {
			return false
		}
		reserved = reserved6
	}
	for _, p := range reserved {
		if p.Contains(a) {
			return false
		}
	}
	return a.IsValid()
}

// AllowList names the places that webhooks may go to although they are not public, or speak plain http: a CRM in the
// LAN, the demo's. The zero value allows none.
type AllowList struct {
	prefixes []netip.Prefix
	hosts    map[string]bool // lower case, without the port
}

// ParseAllowList reads entries such as "10.20.0.0/16", "192.168.1.7" and "crm.lan".
func ParseAllowList(entries []string) (AllowList, error) {
	l := AllowList{hosts: map[string]bool{}}
	for _, entry := range entries {
		entry = strings.TrimSpace(entry)
		if p, err := netip.ParsePrefix(entry); err == nil {
			l.prefixes = append(l.prefixes, p.Masked())
			continue
		}
		if a, err := netip.ParseAddr(entry); err == nil {
			l.prefixes = append(l.prefixes, netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()))
			continue
		}
		if !hostName(entry) {
			return AllowList{}, fmt.Errorf("webhook: allow-list entry %q is none of: a network such as 10.20.0.0/16, "+
				"an address, a host name without scheme and port", entry)
		}
		l.hosts[strings.ToLower(entry)] = true
	}
	return l, nil
}

func (l AllowList) host(name string) bool {
	return l.hosts[strings.ToLower(strings.TrimSuffix(name, "."))]
}

func (l AllowList) address(a netip.Addr) bool {
	a = a.WithZone("").Unmap()
	for _, p := range l.prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// Permits refuses an address that host resolved to, if requests would not be let there. It is the guard of dialing, for
// who wants to know beforehand.
func (l AllowList) Permits(host string, a netip.Addr) error {
	if l.host(host) || public(a) || l.address(a) {
		return nil
	}
	return reason.Wrap(reason.Denied, whyGuarded(a.String()), errGuarded)
}

// hostName reports whether s can be a DNS name: letters, digits, hyphens and dots in ASCII, at most 253 bytes.
func hostName(s string) bool {
	s = strings.TrimSuffix(s, ".")
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range []byte(label) {
			if c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
				return false
			}
		}
	}
	return true
}

const maxURL = 2048 // bytes

// ParseURL accepts an endpoint's URL: https, at most 2,048 bytes, without credentials and fragment, and not at an
// address that is not public. What the allow-list names may also be http and private. A name is judged again by each
// address it resolves to, at the moment of dialing.
func ParseURL(raw string, allow AllowList) (*url.URL, error) {
	refuse := func(why reason.Reason, text string) (*url.URL, error) {
		return nil, reason.New(reason.Invalid, why, "webhook: URL refused: "+text)
	}
	if len(raw) > maxURL {
		return refuse(whyURLLong(maxURL), "longer than 2,048 bytes")
	}
	u, err := url.Parse(raw)
	if err != nil {
		return refuse(whyNotURL, "not a URL; expected something like https://crm.example.com/webhook") // err would show credentials
	}
	name := u.Hostname()
	address, literal := netip.Addr{}, false
	if a, err := netip.ParseAddr(name); err == nil {
		address, literal = a, true
	}
	allowed := allow.host(name) || literal && allow.address(address)
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return refuse(whyScheme, "the scheme must be https")
	case u.Opaque != "" || name == "":
		return refuse(whyNoHost, "the host is missing")
	case u.User != nil:
		return refuse(whyURLUser, "it holds a user name or password; requests are signed instead")
	case u.Fragment != "" || strings.Contains(raw, "#"):
		return refuse(whyFragment, "it has a fragment (#…)")
	case !literal && !hostName(name):
		return refuse(whyHostName, "the host is not an ASCII name; write international names as punycode (xn--…)")
	case !validPort(u):
		return refuse(whyPort, "the port must be 1 to 65535")
	case u.Scheme == "http" && !allowed:
		return refuse(whyNotHTTPS, "the scheme must be https, or the host on the webhook allow-list")
	case literal && !allowed && !public(address):
		return refuse(whyPrivate, "the address is not public; a CRM in the LAN must be on the webhook allow-list")
	case !literal && !allowed && (strings.EqualFold(name, "localhost") || strings.HasSuffix(strings.ToLower(name), ".localhost")):
		return refuse(whyThisMachine, "the host is this machine; it must be on the webhook allow-list")
	}
	return u, nil
}

func validPort(u *url.URL) bool {
	if u.Port() == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	n, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && n > 0
}

const connectTimeout = 5 * time.Second

// dial returns the dialer of all requests. It judges the address that is really dialed, after DNS has replied: a
// check before would miss a name that resolves differently the second time.
func (l AllowList) dial() func(ctx context.Context, network, address string) (net.Conn, error) {
	free := &net.Dialer{Timeout: connectTimeout}
	guarded := &net.Dialer{Timeout: connectTimeout, Control: func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: %s", errGuarded, address)
		}
		if !public(to.Addr()) && !l.address(to.Addr()) {
			return fmt.Errorf("%w: %s", errGuarded, to.Addr())
		}
		return nil
	}}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if name, _, err := net.SplitHostPort(address); err == nil && l.host(name) {
			return free.DialContext(ctx, network, address)
		}
		return guarded.DialContext(ctx, network, address)
	}
}
