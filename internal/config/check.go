package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// check refuses settings that are out of range or contradict each other. What depends on the neighbours (is Redis there,
// is the port free) is doctor's.
func (s *settings) check() {
	s.checkListeners()
	s.checkRoles()
	s.checkDatabase()
	s.checkRedis()
	s.checkSecrets()
	s.checkLimits()
	s.checkTelephony()
	s.checkRecording()
}

// wrong refuses a setting's value and says where it came from.
func (s *settings) wrong(key, format string, args ...any) {
	origin, given := s.origin[key]
	if !given {
		origin = "default"
	}
	s.refuse(origin, key+": "+format, args...)
}

func (s *settings) checkListeners() {
	c := s.cfg
	if err := HostPort(c.Listen); err != nil {
		s.wrong("listen", "%q: %w", c.Listen, err)
	}
	if err := HostPort(c.AdminListen); err != nil && c.AdminListen != "" {
		s.wrong("admin_listen", "%q: %w", c.AdminListen, err)
	}
	if c.AdminListen == c.Listen && !strings.HasSuffix(c.Listen, ":0") {
		s.wrong("admin_listen", "the same as listen; choose another port, or leave it empty to have both on one")
	}
	for _, proxy := range c.Proxies {
		if _, err := ParseNetwork(proxy); err != nil {
			s.wrong("trusted_proxies", "%w", err)
		}
	}
	switch {
	case c.TLS.Cert != "" && c.TLS.Key == "":
		s.wrong("tls.cert", "a certificate without its key; set tls.key, or leave both empty and let a proxy speak TLS")
	case c.TLS.Cert == "" && c.TLS.Key != "":
		s.wrong("tls.key", "a key without its certificate; set tls.cert, or leave both empty and let a proxy speak TLS")
	}
	if err := httpURL(c.PublicURL); err != nil && s.origin["public_url"] != "" {
		s.wrong("public_url", "%q: %w", c.PublicURL, err)
	}
	if err := httpURL(c.Recording.LinkBase); err != nil && s.origin["recording.link_base"] != "" {
		s.wrong("recording.link_base", "%q: %w", c.Recording.LinkBase, err)
	}
	if !slices.Contains([]string{"en", "uk", "ru"}, c.Language) {
		s.wrong("language", "%.20q: want en, uk or ru", c.Language)
	}
	if c.Data == "" {
		s.wrong("data", "empty; name a folder that may be written")
	}
}

var nodePattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$`)

func (s *settings) checkRoles() {
	c := s.cfg
	seen := map[string]bool{}
	for _, role := range c.Roles {
		if !slices.Contains(allRoles, role) {
			s.wrong("roles", "%q is none; there are %s", role, strings.Join(allRoles, ", "))
		}
		if seen[role] {
			s.wrong("roles", "%q is named twice", role)
		}
		seen[role] = true
	}
	if len(c.Roles) == 0 {
		s.wrong("roles", "none is left; name some of %s", strings.Join(allRoles, ", "))
	}
	if !nodePattern.MatchString(c.Node) {
		s.wrong("node", "%q: want 1 to 63 of a-z, 0-9, '-' and '.', not at its ends", c.Node)
	}
	if len(seen) == len(allRoles) {
		return
	}
	// A process with fewer roles has peers, and peers must share everything.
	if c.EmbeddedRedis() {
		s.wrong("roles", "only %s, but the embedded Redis is inside one process; set redis.url, or take all roles",
			strings.Join(c.Roles, ","))
	}
	if c.SQLite() {
		s.wrong("roles", "only %s, but SQLite is one process's file; set database.url to postgres://…, or take all roles",
			strings.Join(c.Roles, ","))
	}
	if c.Vouch.Secret == "" {
		s.wrong("vouch.secret", "empty, and with split roles every node must have the same; set it on all")
	}
	if c.API.JWTSecret == "" {
		s.wrong("api.jwt_secret", "empty, and with split roles every node must have the same; set it on all")
	}
}

func (s *settings) checkDatabase() {
	raw := s.cfg.Database.URL.Reveal()
	if file, ok := strings.CutPrefix(raw, "sqlite:"); ok {
		if file == "" {
			s.wrong("database.url", "sqlite: without a file; want sqlite:FILE")
		}
		return
	}
	u, err := url.Parse(raw)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") || u.Host == "" && !u.Query().Has("host") {
		s.wrong("database.url", "want postgres://user:password@host/name, or sqlite:FILE") // never quoted: it may hold a password
	}
}

func (s *settings) checkRedis() {
	c := s.cfg.Redis
	if s.cfg.EmbeddedRedis() {
		for _, key := range []string{"master", "cluster", "username", "password", "sentinel_username", "sentinel_password", "ca"} {
			if _, given := s.origin["redis."+key]; given {
				s.wrong("redis."+key, "set, but redis.url is empty, which means the embedded Redis; set redis.url, or drop this")
			}
		}
		return
	}
	if c.Master == "" && (c.SentinelUsername != "" || c.SentinelPassword != "") {
		s.wrong("redis.sentinel_password", "set, but redis.master is not, so there is no Sentinel; set redis.master, or drop this")
	}
}

// minSecret is the shortest key of HMAC-SHA256 that is as strong as the hash (RFC 7518, section 3.2).
const minSecret = 32

func (s *settings) checkSecrets() {
	v, jwt := s.cfg.Vouch, s.cfg.API.JWTSecret
	for key, secret := range map[string]Secret{"vouch.secret": v.Secret, "vouch.previous_secret": v.PreviousSecret,
		"api.jwt_secret": jwt} {
		if secret != "" && len(secret) < minSecret {
			s.wrong(key, "%d bytes long; want %d or more (openssl rand -base64 33)", len(secret), minSecret)
		}
	}
	switch {
	case v.PreviousSecret == "":
	case v.Secret == "":
		s.wrong("vouch.previous_secret", "set, but vouch.secret is not; set both, or neither")
	case v.PreviousSecret == v.Secret:
		s.wrong("vouch.previous_secret", "the same as vouch.secret; drop it once the change is over")
	}
	if u, err := url.Parse(v.LoginURL); v.LoginURL != "" &&
		(err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Fragment != "") {
		s.wrong("vouch.login_url", "%.100q: want the address of a page, such as https://vouch.example.com/login", v.LoginURL)
	}
}

func (s *settings) checkLimits() {
	l := s.cfg.Limits
	between(s, "limits.max_calls", l.MaxCalls, 1, 20000)
	between(s, "limits.drain_timeout", l.DrainTimeout, 0, 24*time.Hour)
	between(s, "limits.lease", l.Lease, 10*time.Second, 5*time.Minute)
	between(s, "limits.tab_grace", l.TabGrace, time.Second, 10*time.Minute)
	between(s, "limits.tab_memory", l.TabMemory, 4, 4096)
	oneOf(s, "log.level", s.cfg.Log.Level, "debug", "info", "warn", "error")
	oneOf(s, "log.format", s.cfg.Log.Format, "text", "json")
}

func (s *settings) checkRecording() {
	r := s.cfg.Recording
	if r.Keep != 0 {
		between(s, "recording.keep", r.Keep, 24*time.Hour, 100*365*24*time.Hour)
	}
	switch {
	case r.S3.Endpoint == "" && r.S3.Bucket != "":
		s.wrong("recording.s3.bucket", "set, but recording.s3.endpoint is not; set both, or neither")
	case r.S3.Endpoint != "" && (r.S3.Bucket == "" || r.S3.AccessKey == "" || r.S3.SecretKey == ""):
		s.wrong("recording.s3.endpoint", "needs bucket, access_key and secret_key")
	}
}

func (s *settings) checkTelephony() {
	sim := s.cfg.Telephony.Simulated
	oneOf(s, "telephony.simulated.profile", sim.Profile, "", "everyday", "prompt")
	between(s, "telephony.simulated.speed", sim.Speed, 0.1, 1000)
	s.checkSIP()
	s.checkMediatel()
	if sim.Ledger != "" && sim.Profile == "" {
		s.wrong("telephony.simulated.ledger", "set, but telephony.simulated.profile is not; set both, or neither")
	}
}

func (s *settings) checkSIP() {
	sip := s.cfg.Telephony.SIP
	const section = "telephony.sip."
	if sip.Listen == "" {
		for key := range s.origin {
			if strings.HasPrefix(key, section) {
				s.wrong(key, "set, but telephony.sip.listen is not; set it, such as 0.0.0.0:5060, or drop the section")
				return
			}
		}
		return
	}
	for key, address := range map[string]string{"listen": sip.Listen, "tls_listen": sip.TLSListen, "media_listen": sip.MediaListen} {
		if address != "" && HostPort(address) != nil {
			s.wrong(section+key, "%q: %w", address, HostPort(address))
		}
	}
	if ip, err := netip.ParseAddr(sip.Advertise); err != nil || !ip.Is4() || ip.IsUnspecified() {
		s.wrong(section+"advertise", "%q: want the IPv4 address under which phones and carriers reach this node; an IPv6 one goes "+
			"to advertise6", sip.Advertise)
	}
	if sip.Advertise6 != "" && !reachableIPv6(sip.Advertise6) {
		s.wrong(section+"advertise6", "%q: want the IPv6 address under which carriers reach this node, without a zone, such as "+
			"2001:db8::10", sip.Advertise6)
	}
	if sip.TLSListen != "" && s.cfg.TLS.Cert == "" {
		s.wrong(section+"tls_listen", "needs a certificate; set tls.cert and tls.key")
	}
	if sip.Secret != "" && len(sip.Secret) < minSecret {
		s.wrong(section+"secret", "%d bytes long; want %d or more (openssl rand -base64 33)", len(sip.Secret), minSecret)
	}
	if sip.RTPLow < 1024 || sip.RTPHigh > 65535 || sip.RTPHigh < sip.RTPLow+sip.RTPLow%2+1 {
		s.wrong(section+"rtp_low", "%d to rtp_high %d: want ports from 1024 to 65535, an even one and the next at least", sip.RTPLow,
			sip.RTPHigh)
	}
	for _, algorithm := range sip.Digest {
		if algorithm != "md5" && algorithm != "sha-256" {
			s.wrong(section+"digest", "%q is none; there are md5 and sha-256", algorithm)
		}
	}
	between(s, section+"media_timeout", sip.MediaTimeout, 5*time.Second, 5*time.Minute)
	between(s, section+"reload_grace", sip.ReloadGrace, time.Second, time.Minute)
	if len(sip.Trunks) == 0 {
		s.wrong(section+"listen", "no trunk to reach customers by; add telephony.sip.trunks.NAME.host")
	}
	for name, t := range sip.Trunks {
		s.checkTrunk(section+"trunks."+name+".", t)
	}
	for name, server := range sip.Servers {
		if server.Host == "" {
			s.wrong(section+"servers."+name+".host", "is missing")
		}
		oneOf(s, section+"servers."+name+".transport", server.Transport, "", "udp", "tcp", "tls")
	}
}

func (s *settings) checkMediatel() {
	m := s.cfg.Telephony.Mediatel
	const section = "telephony.mediatel."
	if m.URL == "" {
		for key := range s.origin {
			if strings.HasPrefix(key, section) {
				s.wrong(key, "set, but telephony.mediatel.url is not; set it, such as https://mt.example.com, or drop the section")
				return
			}
		}
		return
	}
	if u, err := url.Parse(m.URL); httpURL(m.URL) != nil || err != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		s.wrong(section+"url", "%q: want https:// and a host; the path is a setting of its own", m.URL)
	}
	if strings.Trim(m.Path, "/") == "" || strings.ContainsAny(m.Path, "?# \\") || strings.Contains(m.Path, "://") {
		s.wrong(section+"path", "%q: want the path alone, such as /mediatel/socket.io", m.Path)
	}
	for key, secret := range map[string]Secret{"cookie_secret": m.CookieSecret, "key": m.Key} {
		if secret != "" && len(secret) < minSecret {
			s.wrong(section+key, "%d bytes long; want %d or more (openssl rand -base64 33)", len(secret), minSecret)
		}
	}
	if m.Key == "" && len(s.cfg.Roles) < len(allRoles) {
		s.wrong(section+"key", "empty, and with split roles every node must have the same; set it on all")
	}
}

func (s *settings) checkTrunk(key string, t *Trunk) {
	if t.Host == "" {
		s.wrong(key+"host", "is missing; want the carrier's host[:port]")
	}
	if ip, ok := AddressIn(t.Host); ok && ip.Is6() {
		switch own, err := netip.ParseAddr(t.Advertise); {
		case ip.Zone() != "" || ip.Is4In6():
			s.wrong(key+"host", "%q: want an IPv6 address without a zone, and none that holds an IPv4 address", t.Host)
		case s.cfg.Telephony.SIP.Advertise6 == "" && (err != nil || !own.Is6()):
			s.wrong(key+"host", "%q is an IPv6 address, and this node has none; set telephony.sip.advertise6, or advertise of this trunk",
				t.Host)
		}
	} else if !ok && strings.Count(t.Host, ":") > 1 {
		s.wrong(key+"host", "%q: want a domain, an IPv4 address or an IPv6 address; with a port, the last in brackets, such as "+
			"[2001:db8::1]:5060", t.Host)
	}
	oneOf(s, key+"transport", t.Transport, "", "udp", "tcp", "tls")
	oneOf(s, key+"srtp", t.SRTP, "", "sdes")
	if t.SRTP == "sdes" && t.Transport != "tls" {
		s.wrong(key+"srtp", "sdes sends its keys in the signalling; want transport: tls, or no srtp")
	}
	for name, file := range map[string]string{"ca": t.CA, "cert": t.Cert, "key": t.Key} {
		if file != "" && t.Transport != "tls" {
			s.wrong(key+name, "set, but the transport is not tls; set transport: tls, or drop this")
		}
	}
	if strings.Trim(t.FromUser, "+-_.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		s.wrong(key+"from_user", "%q: want a number or a name, without @ and domain", t.FromUser)
	}
	if t.Privacy && t.FromUser != "" {
		s.wrong(key+"from_user", "set, but privacy makes callers anonymous; drop one of them")
	}
	if t.Register && t.Username == "" {
		s.wrong(key+"register", "needs a username")
	}
	between(s, key+"channels", t.Channels, 0, 20000)
	between(s, key+"cps", t.CPS, 0, 10000)
	if t.UnknownRest != 0 {
		between(s, key+"unknown_rest", t.UnknownRest, 32*time.Second, 24*time.Hour)
	}
}

// AddressIn is the address of a host[:port], if it is one.
func AddressIn(host string) (netip.Addr, bool) {
	if a, err := netip.ParseAddrPort(host); err == nil {
		return a.Addr(), true
	}
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
	return a, err == nil
}

func reachableIPv6(text string) bool {
	ip, err := netip.ParseAddr(text)
	return err == nil && ip.Is6() && !ip.Is4In6() && !ip.IsUnspecified() && ip.Zone() == ""
}

func between[T int | float64 | time.Duration](s *settings, key string, value, low, high T) {
	if !(value >= low && value <= high) { // so written, NaN is refused too
		s.wrong(key, "%v: want %v to %v", value, low, high)
	}
}

func oneOf(s *settings, key, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		names := slices.DeleteFunc(allowed, func(a string) bool { return a == "" })
		s.wrong(key, "%q: want %s", value, strings.Join(names, ", "))
	}
}

// ParseNetwork reads an address, or a network of them.
func ParseNetwork(text string) (netip.Prefix, error) {
	if ip, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(ip, ip.BitLen()), nil
	}
	network, err := netip.ParsePrefix(text)
	if err != nil {
		return network, fmt.Errorf("%q: want an address or a network, such as 192.0.2.0/24", text)
	}
	return network, nil
}

// HostPort refuses what cannot be listened on.
func HostPort(address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return errors.New("want host:port, such as 127.0.0.1:8080 or :8080")
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("port %q: want 0 to 65535", port)
	}
	return nil
}

func httpURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.Fragment != "" {
		return errors.New("want http:// or https://, a host, no user and no #fragment")
	}
	return nil
}
