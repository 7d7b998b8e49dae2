package access

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// BehindProxies gives requests the address of who sent them, as a trusted proxy tells it: the last one in X-Forwarded-For
// that is not itself a trusted proxy's. What comes from elsewhere may claim what it likes.
func BehindProxies(trusted []netip.Prefix, next http.Handler) http.Handler {
	trusts := func(ip netip.Addr) bool {
		return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(ip.Unmap()) })
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		peer, err := netip.ParseAddrPort(r.RemoteAddr)
		for err == nil && trusts(peer.Addr()) && len(hops) > 0 {
			last := strings.TrimSpace(hops[len(hops)-1])
			hops = hops[:len(hops)-1]
			ip, bad := netip.ParseAddr(last)
			if bad != nil {
				break
			}
			peer = netip.AddrPortFrom(ip, 0)
			r.RemoteAddr = peer.String()
		}
		next.ServeHTTP(w, r)
	})
}
