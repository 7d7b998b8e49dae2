package access

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// Origins is the list of web origins whose pages may act with a user's cookie.
type Origins struct{ allowed map[string]bool }

// NewOrigins takes origins such as "https://crm.example.com"; a request's own origin is always allowed.
func NewOrigins(allowed []string) (Origins, error) {
	o := Origins{allowed: map[string]bool{}}
	for _, a := range allowed {
		u, err := url.Parse(a)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.Path != "" ||
			u.RawQuery != "" || u.Fragment != "" {
			return Origins{}, fmt.Errorf("access: origin %q: want scheme://host[:port] and nothing after it", a)
		}
		o.allowed[canonical(u)] = true
	}
	return o, nil
}

// Allows says whether a request that a cookie speaks for may be served. Browsers name the origin of everything but plain
// navigation; a request that could change something and names none is taken only if the browser calls it its own.
func (o Origins) Allows(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		safe := (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.Header.Get("Upgrade") == ""
		return safe || r.Header.Get("Sec-Fetch-Site") == "same-origin"
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false // "null", as a sandboxed page has it
	}
	return o.allowed[canonical(u)] || o.isOwn(u, r)
}

// isOwn says whether an origin is that of the host that was asked. What reached us by TLS, here or at a proxy, or has an https
// origin on the list, is asked by https pages alone: whoever is on the way may change a page of http.
func (o Origins) isOwn(u *url.URL, r *http.Request) bool {
	host := &url.URL{Scheme: strings.ToLower(u.Scheme), Host: r.Host}
	if canonical(u) != canonical(host) {
		return false
	}
	if host.Scheme == "https" {
		return true
	}
	secure := &url.URL{Scheme: "https", Host: host.Hostname()}
	return host.Scheme == "http" && r.TLS == nil && !strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") &&
		!o.allowed[canonical(secure)]
}

// canonical is an origin in small letters, with its port.
func canonical(u *url.URL) string {
	scheme, port := strings.ToLower(u.Scheme), u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[scheme]
	}
	return scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}
