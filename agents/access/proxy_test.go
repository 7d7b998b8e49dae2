package access

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

func TestBehindProxies(t *testing.T) {
	for name, c := range map[string]struct {
		trusted   []string
		peer      string
		forwarded []string
		want      string
	}{
		"nobody is trusted":      {nil, "192.0.2.1:5000", []string{"198.51.100.7"}, "192.0.2.1:5000"},
		"the proxy tells":        {[]string{"192.0.2.1"}, "192.0.2.1:5000", []string{"198.51.100.7"}, "198.51.100.7:0"},
		"what the client claims": {[]string{"192.0.2.1"}, "192.0.2.1:5000", []string{"10.0.0.1, 198.51.100.7"}, "198.51.100.7:0"},
		"two proxies, two headers": {[]string{"192.0.2.0/24"}, "192.0.2.1:5000", []string{"10.0.0.1, 198.51.100.7", "192.0.2.9"},
			"198.51.100.7:0"},
		"a stranger claims":           {[]string{"192.0.2.1"}, "203.0.113.5:5000", []string{"198.51.100.7"}, "203.0.113.5:5000"},
		"the proxy tells nothing":     {[]string{"192.0.2.1"}, "192.0.2.1:5000", nil, "192.0.2.1:5000"},
		"the proxy passes nonsense":   {[]string{"192.0.2.1"}, "192.0.2.1:5000", []string{"unknown"}, "192.0.2.1:5000"},
		"an IPv4 client over IPv6":    {[]string{"::1"}, "[::1]:5000", []string{"2001:db8::7"}, "[2001:db8::7]:0"},
		"a mapped address is trusted": {[]string{"192.0.2.1"}, "[::ffff:192.0.2.1]:5000", []string{"198.51.100.7"}, "198.51.100.7:0"},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr, r.Header["X-Forwarded-For"] = c.peer, c.forwarded
			var trusted []netip.Prefix
			for _, text := range c.trusted {
				ip, err := netip.ParseAddr(text)
				network := netip.PrefixFrom(ip, ip.BitLen())
				if err != nil {
					network = netip.MustParsePrefix(text)
				}
				trusted = append(trusted, network)
			}
			var got string
			BehindProxies(trusted, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr })).ServeHTTP(nil, r)
			if got != c.want {
				t.Errorf("address %s, want %s", got, c.want)
			}
		})
	}
}
