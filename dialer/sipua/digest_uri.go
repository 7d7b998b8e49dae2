package sipua

import (
	"net/netip"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// maxURI bounds the uri of an Authorization.
const maxURI = 512

// meant reports whether the uri that a phone has signed names what its request is sent to (RFC 7616, section 3.4.6). Phones write
// it with and without scheme, user, port and parameters, and a proxy on the way may have put another of our names into the
// request (RFC 3261, section 22.4), so what must agree is the host, and the user where both name one.
func (n *Network) meant(signed string, request *sip.Uri) bool {
	if signed == "" || len(signed) > maxURI {
		return false
	}
	if scheme, _, found := strings.Cut(strings.ToLower(signed), ":"); !found || scheme != "sip" && scheme != "sips" {
		signed = "sip:" + signed
	}
	var uri sip.Uri
	if sip.ParseUri(signed, &uri) != nil || uri.Host == "" {
		return false
	}
	if uri.User != "" && request.User != "" && uri.User != request.User {
		return false
	}
	return sameHost(uri.Host, request.Host) || n.isOurs(uri.Host) && n.isOurs(request.Host)
}

// isOurs reports whether phones may call us by this name.
func (n *Network) isOurs(host string) bool {
	if sameHost(host, n.opts.Realm) || sameHost(host, n.opts.Advertise) {
		return true
	}
	for _, l := range []string{n.opts.Listen.UDP, n.opts.Listen.TCP, n.opts.Listen.TLS} {
		if l != "" && sameHost(host, hostOf(l)) {
			return true
		}
	}
	return false
}

// sameHost compares names without regard to case and a last dot, and addresses by their value.
func sameHost(a, b string) bool {
	a, b = bareHost(a), bareHost(b)
	if a == "" || b == "" {
		return false
	}
	x, err := netip.ParseAddr(a)
	y, err2 := netip.ParseAddr(b)
	if err == nil && err2 == nil {
		return x.Unmap() == y.Unmap()
	}
	return strings.EqualFold(a, b)
}

func bareHost(h string) string { return strings.TrimSuffix(strings.Trim(h, "[]"), ".") }
