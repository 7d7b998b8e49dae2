package webhook

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"
)

func allow(t testing.TB, entries ...string) AllowList {
	t.Helper()
	l, err := ParseAllowList(entries)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestPublicAddresses(t *testing.T) {
	for address, want := range map[string]bool{
		"93.184.216.34":        true,
		"1.1.1.1":              true,
		"172.15.255.255":       true,
		"172.32.0.1":           true,
		"100.63.255.255":       true,
		"100.128.0.0":          true,
		"2a00:1450:4001::200e": true,
		"2606:4700::1111":      true,
		"64:ff9b::5db8:d822":   true, // NAT64 of 93.184.216.34
		"::ffff:93.184.216.34": true,

		"0.0.0.0":                false,
		"0.1.2.3":                false,
		"10.0.0.1":               false,
		"100.64.0.1":             false, // CGNAT
		"100.100.100.200":        false, // Alibaba's metadata
		"127.0.0.1":              false,
		"127.255.255.254":        false,
		"169.254.169.254":        false, // metadata of most clouds
		"168.63.129.16":          false, // Azure's host
		"172.16.0.1":             false,
		"172.31.255.255":         false,
		"192.0.0.192":            false, // Oracle's metadata
		"192.0.2.1":              false,
		"192.168.0.1":            false,
		"198.18.0.1":             false,
		"198.51.100.1":           false,
		"203.0.113.1":            false,
		"224.0.0.1":              false,
		"239.255.255.250":        false,
		"240.0.0.1":              false,
		"255.255.255.255":        false,
		"::":                     false,
		"::1":                    false,
		"::127.0.0.1":            false, // IPv4-compatible
		"::ffff:127.0.0.1":       false, // IPv4-mapped
		"::ffff:169.254.169.254": false,
		"::ffff:0:127.0.0.1":     false, // IPv4-translated
		"64:ff9b::7f00:1":        false, // NAT64 of 127.0.0.1
		"64:ff9b::a9fe:a9fe":     false, // NAT64 of 169.254.169.254
		"64:ff9b:1::1":           false, // NAT64 of a local network
		"100::1":                 false, // discard-only
		"2001::1":                false, // Teredo
		"2001:db8::1":            false,
		"2002:7f00:1::1":         false, // 6to4 of 127.0.0.1
		"3fff::1":                false,
		"fc00::1":                false,
		"fd00:ec2::254":          false, // AWS's metadata
		"fe80::1":                false,
		"fe80::1%eth0":           false,
		"fec0::1":                false,
		"ff02::1":                false,
		"5f00::1":                false,
	} {
		if got := public(netip.MustParseAddr(address)); got != want {
			t.Errorf("public(%s) = %v, want %v", address, got, want)
		}
	}
	if public(netip.Addr{}) {
		t.Error("no address is public")
	}
}

func TestAllowList(t *testing.T) {
	l := allow(t, "10.20.0.0/16", "192.168.1.7", "CRM.lan", "fd00::/8")
	for address, want := range map[string]bool{"10.20.3.4": true, "10.21.0.1": false, "192.168.1.7": true, "192.168.1.8": false,
		"::ffff:10.20.3.4": true, "fd12::1": true, "127.0.0.1": false} {
		if got := l.address(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s allowed = %v", address, got)
		}
	}
	if !l.host("crm.LAN") || !l.host("crm.lan.") || l.host("evil.crm.lan") {
		t.Error("host names")
	}
	for _, bad := range []string{"", "http://crm.lan", "crm.lan:8080", "10.0.0.0/33", "crm lan", "*.lan"} {
		if _, err := ParseAllowList([]string{bad}); err == nil {
			t.Errorf("entry %q accepted", bad)
		}
	}
}

func TestParseURL(t *testing.T) {
	lan := allow(t, "10.0.0.0/8", "crm.lan", "localhost")
	for _, c := range []struct {
		raw    string
		allow  AllowList
		refuse string // what the error must say; empty: accepted
	}{
		{"https://crm.example.com/webhook?tenant=7", AllowList{}, ""},
		{"https://crm.example.com:8443/", AllowList{}, ""},
		{"https://xn--80ak6aa92e.com/", AllowList{}, ""},
		{"https://93.184.216.34/", AllowList{}, ""},
		{"https://[2606:4700::1111]/", AllowList{}, ""},
		{"http://crm.lan/hook", lan, ""},
		{"http://10.1.2.3:8080/hook", lan, ""},
		{"http://localhost:8080/", lan, ""},

		{"http://crm.example.com/", AllowList{}, "https"},
		{"http://crm.example.com/", lan, "https"},
		{"ftp://crm.example.com/", AllowList{}, "https"},
		{"//crm.example.com/", AllowList{}, "https"},
		{"crm.example.com", AllowList{}, "https"},
		{"", AllowList{}, "https"},
		{"https:crm.example.com", AllowList{}, "host is missing"},
		{"https:///hook", AllowList{}, "host is missing"},
		{"https://user:secret@crm.example.com/", AllowList{}, "password"},
		{"https://crm.example.com/#top", AllowList{}, "fragment"},
		{"https://crm.example.com/#", AllowList{}, "fragment"},
		{"https://crm.example.com:0/", AllowList{}, "port"},
		{"https://crm.example.com:65536/", AllowList{}, "port"},
		{"https://crm.example.com:/", AllowList{}, "port"},
		{"https://ѕbank.example/", AllowList{}, "punycode"},
		{"https://crm..example/", AllowList{}, "punycode"},
		{"https://127.0.0.1/", AllowList{}, "not public"},
		{"https://[::1]/", AllowList{}, "not public"},
		{"https://[::ffff:10.0.0.1]/", AllowList{}, "not public"},
		{"https://192.168.0.1/", lan, "not public"},
		{"https://localhost/", AllowList{}, "this machine"},
		{"https://a.LocalHost/", AllowList{}, "this machine"},
		{"https://crm.example.com/" + strings.Repeat("x", 2048), AllowList{}, "2,048"},
		{"https://crm.example.com/%zz", AllowList{}, "not a URL"},
	} {
		_, err := ParseURL(c.raw, c.allow)
		switch {
		case c.refuse == "" && err != nil:
			t.Errorf("%s: %v", c.raw, err)
		case c.refuse != "" && (err == nil || !strings.Contains(err.Error(), c.refuse)):
			t.Errorf("%s: error %v does not say %q", c.raw, err, c.refuse)
		case err != nil && strings.Contains(err.Error(), "secret"):
			t.Errorf("error shows the credentials: %v", err)
		}
	}
}

func FuzzParseURL(f *testing.F) {
	for _, seed := range []string{"https://crm.example.com/a?b=c", "http://127.0.0.1", "https://[::1%25eth0]:1/",
		"https://1.1.1.1:99999", "https://a@b/", "https://0x7f.1/", "https://%31%32%37.0.0.1/",
		"https://crm.example.com\\@127.0.0.1/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := ParseURL(raw, AllowList{})
		if err != nil {
			return
		}
		if u.Scheme != "https" || u.Hostname() == "" || u.User != nil || len(raw) > 2048 {
			t.Errorf("%q accepted as %+v", raw, u)
		}
		if a, err := netip.ParseAddr(u.Hostname()); err == nil && !public(a) {
			t.Errorf("%q is at %v", raw, a)
		}
		if again, err := url.Parse(u.String()); err != nil || again.Host != u.Host {
			t.Errorf("%q is not stable: %v, %v", raw, again, err)
		}
	})
}

// The guard judges what a name resolves to, at the moment of dialing.
func TestDialJudgesTheResolvedAddress(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for _, c := range []struct {
		name  string
		host  string
		allow AllowList
		want  error
	}{
		{"a name that leads here", "localhost", AllowList{}, errGuarded},
		{"an address", "127.0.0.1", AllowList{}, errGuarded},
		{"IPv4 in IPv6", "::ffff:127.0.0.1", AllowList{}, errGuarded},
		{"another network allowed", "127.0.0.1", allow(t, "10.0.0.0/8", "crm.lan"), errGuarded},
		{"allowed by network", "localhost", allow(t, "127.0.0.0/8"), nil},
		{"allowed by name", "localhost", allow(t, "localhost"), nil},
	} {
		conn, err := c.allow.dial()(ctx, "tcp4", net.JoinHostPort(c.host, port))
		if err == nil {
			conn.Close()
		}
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}
